//! The load generator against a server: it counts, and it notices wrong answers.
#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test that cannot go on fails")]

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

const BENCH: &str = env!("CARGO_BIN_EXE_grade-bench");

/// A server that runs until it is dropped.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(class: &Path) -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let mut command = Command::new(env!("CARGO_BIN_EXE_without-actors"));
        let child = command.arg(&address).arg(class).spawn().unwrap();
        while TcpStream::connect(&address).is_err() {
            std::thread::yield_now();
        }
        Self { child, address }
    }

    fn load(&self, class: &Path, more: &[&str]) -> Output {
        let class = class.to_str().unwrap();
        let mut command = Command::new(BENCH);
        command.args(["load", &self.address, "--class", class, "--json"]);
        command.args(["--warm-up", "0s", "--duration", "100ms"]).args(more);
        command.output().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn class(folder: &Path, name: &str, students: &str) -> PathBuf {
    let made = Command::new(BENCH).args(["class", students]).output().unwrap();
    let path = folder.join(name);
    fs::write(&path, made.stdout).unwrap();
    path
}

#[test]
fn a_load_counts_replies_and_checks_some_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let class = class(folder.path(), "class.csv", "30");
    let server = Server::start(&class);
    let pid = server.child.id().to_string();
    for more in [
        &["--depth", "16", "--mixed", "--pid", &pid][..],
        &["--commands", "GG,GL1A,GEA,REPORT"],
        &["--connect-per-request"],
    ] {
        let output = server.load(&class, more);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(report["replies"].as_u64().unwrap() > 0);
        assert!(report["checked"].as_u64().unwrap() > 0);
        assert!(report["latency_us"]["p50"].as_u64() <= report["latency_us"]["max"].as_u64());
        assert_eq!(report["server_cpu_us_per_reply"].is_f64(), more.contains(&"--pid"));
    }
}

#[test]
fn a_load_fails_if_an_answer_differs_from_the_class_file() {
    let folder = tempfile::tempdir().unwrap();
    let class = class(folder.path(), "class.csv", "30");
    let server = Server::start(&class);
    // One mark differs from the class file of the server.
    let text = fs::read_to_string(&class).unwrap();
    let changed: Vec<_> = text
        .lines()
        .map(|line| match line.match_indices(',').nth(3) {
            Some((at, _)) if line.contains("2000001") => {
                format!("{}77{}", &line[..at], &line[at..])
            }
            _ => line.to_owned(),
        })
        .collect();
    let other = folder.path().join("other.csv");
    fs::write(&other, changed.join("\n")).unwrap();
    let output = server.load(&other, &["--connections", "30"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("2000001 GG was not answered with what the class file says"), "{error}");
}
