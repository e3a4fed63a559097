//! A real server with an invented class, and clients that send bytes and read replies.

mod client;
mod keys;
pub(crate) mod pipe;

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use fernet::Fernet;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tempfile::TempDir;

pub(crate) use client::Client;
pub(crate) use keys::{class_without_keys, keys_of};

/// An invented class. The keys were made for these tests.
pub(crate) const CLASS: &str = "\
Name,ID Number,Key,Lab 1,Lab 2,Lab 3,Lab 4,Midterm,Exam 1,Exam 2
Ada Invented,2100001,WVTlqVnVlAgRfb0j2ctnHyzUNQQJR-uP3fxW5XWrQmI=,3,9,9,0,17,4,5
Bo Invented,2100002,cELakOuLun-ZPvPQIEip08tnxJiJYe88d3b0WqNdSmQ=,,10,7.5,8,12,4,
Zo\u{eb} Invented,zoe@class.example,JzAPR9auvuVibHlKw8HCzGUmA0IDriVTCWwx1paOb8c=,4,,8,10,11,6,7
";

/// The students: ID and key.
pub(crate) const ADA: Student = Student("2100001", "WVTlqVnVlAgRfb0j2ctnHyzUNQQJR-uP3fxW5XWrQmI=");
pub(crate) const BO: Student = Student("2100002", "cELakOuLun-ZPvPQIEip08tnxJiJYe88d3b0WqNdSmQ=");
pub(crate) const ZOE: Student =
    Student("zoe@class.example", "JzAPR9auvuVibHlKw8HCzGUmA0IDriVTCWwx1paOb8c=");

pub(crate) const ADA_GRADES: &str =
    "Lab 1: 3, Lab 2: 9, Lab 3: 9, Lab 4: 0, Midterm: 17, Exam 1: 4, Exam 2: 5";
pub(crate) const BO_GRADES: &str =
    "Lab 1: , Lab 2: 10, Lab 3: 7.5, Lab 4: 8, Midterm: 12, Exam 1: 4, Exam 2: ";

/// The longest that a test waits for an expected event.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// An ID and a key.
#[derive(Clone, Copy)]
pub(crate) struct Student(pub(crate) &'static str, pub(crate) &'static str);

impl Student {
    /// Opens a token with the student's key.
    #[track_caller]
    pub(crate) fn opens(&self, token: &str) -> String {
        let text = Fernet::new(self.1).unwrap().decrypt(token);
        String::from_utf8(text.unwrap_or_else(|_| panic!("not {}'s token: {token}", self.0)))
            .unwrap()
    }
}

/// The server, as built.
pub(crate) fn server_command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grade-actor-server"));
    command.env_remove("RUST_LOG").env_remove("RUST_BACKTRACE").stdin(Stdio::null());
    command
}

/// A folder with a class file and settings for any free port.
pub(crate) fn class_folder(settings: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.toml");
    write_private(&folder.path().join("class.csv"), CLASS);
    std::fs::write(&path, with_defaults(settings)).unwrap();
    (folder, path)
}

/// Writes a file that only its owner can read.
pub(crate) fn write_private(path: &Path, content: impl AsRef<[u8]>) {
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    file.unwrap().write_all(content.as_ref()).unwrap();
}

/// Adds a port, a class file and the lab's console to settings that have none.
fn with_defaults(settings: &str) -> String {
    let mut text = settings.to_owned();
    for (section, line) in [
        ("[server]", "listen = \"127.0.0.1:0\""),
        ("[gradebook]", "file = \"class.csv\""),
        ("[console]", "style = \"lab\""),
    ] {
        let key = line.split(' ').next().unwrap();
        if text.contains(section) && !text.contains(&format!("\n{key} = ")) {
            text = text.replace(section, &format!("{section}\n{line}"));
        } else if !text.contains(section) {
            text = format!("{section}\n{line}\n{text}");
        }
    }
    text
}

/// Runs a command that must end by itself. If it does not, it is killed and has no exit code.
pub(crate) fn ended(command: &mut Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_child(&child);
    let (ended, end) = channel::<()>();
    std::thread::spawn(move || {
        if end.recv_timeout(TIMEOUT) == Err(RecvTimeoutError::Timeout) {
            let _ = kill_process(pid, Signal::KILL);
        }
    });
    let output = child.wait_with_output().unwrap();
    drop(ended);
    output
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    pub(crate) folder: TempDir,
    pub(crate) port: u16,
    output: Receiver<String>,
    seen: Vec<String>,
}

impl Server {
    /// Starts a server with these settings and waits until it listens.
    #[track_caller]
    pub(crate) fn start(settings: &str) -> Self {
        let (folder, path) = class_folder(settings);
        Self::start_with(folder, server_command().arg("--config").arg(path))
    }

    /// Starts this command and waits until it listens.
    #[track_caller]
    pub(crate) fn start_with(folder: TempDir, command: &mut Command) -> Self {
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let (sender, output) = channel();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        for stream in [Box::new(stdout) as Box<dyn Read + Send>, Box::new(stderr)] {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines() {
                    let Ok(line) = line else { return };
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        let mut server = Self { child, folder, port: 0, output, seen: Vec::new() };
        let line = server.says_either(&[
            "Listening for connections on port ",
            "\"listening\"",
            " listening ",
        ]);
        let digits = line.rsplit_once("port").unwrap().1;
        let digits: String = digits
            .chars()
            .skip_while(|c| !c.is_ascii_digit())
            .take_while(char::is_ascii_digit)
            .collect();
        server.port = digits.parse().unwrap();
        server
    }

    /// Waits until the server prints a line with this text, and returns the line.
    #[track_caller]
    pub(crate) fn prints(&mut self, text: &str) -> String {
        self.says_either(&[text])
    }

    #[track_caller]
    fn says_either(&mut self, texts: &[&str]) -> String {
        loop {
            let Ok(line) = self.output.recv_timeout(TIMEOUT) else {
                panic!("the server never said {texts:?}, but: {:#?}", self.seen);
            };
            self.seen.push(line.clone());
            if texts.iter().any(|text| line.contains(text)) {
                return line;
            }
        }
    }

    pub(crate) fn class_file(&self) -> PathBuf {
        self.folder.path().join("class.csv")
    }

    /// Replaces the class file by a rename.
    pub(crate) fn save_class(&self, content: &str) {
        let draft = self.folder.path().join("draft");
        write_private(&draft, content);
        std::fs::rename(&draft, self.class_file()).unwrap();
    }

    #[track_caller]
    pub(crate) fn connect(&self) -> Client {
        Client::of(TcpStream::connect(("127.0.0.1", self.port)).unwrap())
    }

    /// Opens a connection, sends the bytes, closes the sending half and returns all reply lines.
    #[track_caller]
    pub(crate) fn answers(&self, bytes: &[u8]) -> Vec<String> {
        let mut client = self.connect();
        client.say(bytes).finish_sending();
        client.remaining_replies()
    }

    /// Limits the size of the files that the server writes, as a full disk does.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).unwrap());
        prlimit(pid, Resource::Fsize, Rlimit { current: bytes, maximum: None }).unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits until the server ends. Returns the exit code and all printed lines.
    pub(crate) fn ended(mut self) -> (Option<i32>, Vec<String>) {
        let code = self.child.wait().unwrap().code();
        let mut seen = std::mem::take(&mut self.seen);
        while let Ok(line) = self.output.recv() {
            seen.push(line);
        }
        (code, seen)
    }

    /// Stops the server. Returns the exit code and all printed lines.
    pub(crate) fn stopped(self) -> (Option<i32>, Vec<String>) {
        self.signal(Signal::TERM);
        self.ended()
    }

    /// Ends the server with a signal and returns its folder.
    pub(crate) fn end_with(mut self, signal: Signal) -> TempDir {
        self.signal(signal);
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    /// The server's resident memory in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until a condition is true.
#[track_caller]
pub(crate) fn eventually(what: &str, is_true: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < TIMEOUT, "it never came true that {what}");
        std::thread::yield_now();
    }
}

/// Checks that no line holds a key.
#[track_caller]
pub(crate) fn holds_no_key(lines: &[String]) {
    for Student(id, key) in [ADA, BO, ZOE] {
        let leak = lines.iter().find(|line| line.contains(key) || line.contains(&key[..43]));
        assert!(leak.is_none(), "the key of {id} in {leak:?}");
    }
}

/// The path of a file of the project.
pub(crate) fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Says that a test did not run, since a program is missing. With REQUIRE_TOOLS set, the test fails.
#[track_caller]
pub(crate) fn missing_tool(tool: &str) {
    assert!(std::env::var_os("REQUIRE_TOOLS").is_none(), "{tool} is not installed");
    // Written directly: the test runner hides what the macros print.
    let _ = writeln!(std::io::stderr(), "\nNOT TESTED: {tool} is not installed\n");
}
