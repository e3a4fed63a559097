//! Firefox by its own protocol, Marionette: a length, a colon, and a message in JSON
//! (<https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html>).

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::eventually;

/// A running Firefox.
pub(super) struct Firefox {
    child: Child,
    stream: BufReader<TcpStream>,
    last_id: u64,
    _profile: TempDir,
}

impl Firefox {
    /// Starts Firefox; `None` if it is not installed.
    pub(super) fn start(language: &str) -> Option<Self> {
        let profile = tempfile::tempdir().unwrap();
        let settings = format!(
            "user_pref(\"marionette.port\", 0);\nuser_pref(\"intl.accept_languages\", \"{language}\");\n"
        );
        std::fs::write(profile.path().join("user.js"), settings).unwrap();
        let mut command = Command::new("firefox-esr");
        command
            .args(["--headless", "--marionette", "--no-remote", "--profile"])
            .arg(profile.path());
        command.env("HOME", profile.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().ok()?;
        let port = port(profile.path());
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut firefox =
            Self { child, stream: BufReader::new(stream), last_id: 0, _profile: profile };
        firefox.receive();
        firefox.run("WebDriver:NewSession", &json!({"acceptInsecureCerts": true}));
        Some(firefox)
    }

    /// Runs a command. Returns its value.
    #[track_caller]
    pub(super) fn run(&mut self, command: &str, parameters: &Value) -> Value {
        self.last_id += 1;
        let message = json!([0, self.last_id, command, parameters]).to_string();
        write!(self.stream.get_mut(), "{}:{message}", message.len()).unwrap();
        let answer = self.receive();
        assert_eq!(answer[1], self.last_id);
        assert!(answer[2].is_null(), "{command}: {}", answer[2]);
        answer[3].get("value").cloned().unwrap_or(Value::Null)
    }

    /// The element with this ID, as the protocol names it.
    pub(super) fn element(&mut self, id: &str) -> Value {
        let found = self.run(
            "WebDriver:FindElement",
            &json!({"using": "css selector", "value": format!("#{id}")}),
        );
        found.as_object().unwrap().values().next().unwrap().clone()
    }

    fn receive(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).unwrap();
            match byte[0] {
                b':' => break,
                digit => length = length * 10 + usize::from(digit - b'0'),
            }
        }
        let mut message = vec![0; length];
        self.stream.read_exact(&mut message).unwrap();
        serde_json::from_slice(&message).unwrap()
    }
}

impl Drop for Firefox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The port that Firefox writes into its profile once it listens.
fn port(profile: &Path) -> u16 {
    let path = profile.join("MarionetteActivePort");
    let read = || std::fs::read_to_string(&path).ok()?.trim().parse().ok();
    eventually("Firefox listens", || read().is_some());
    read().unwrap()
}
