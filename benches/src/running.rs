//! A server that was started to be measured.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Child;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use rustix::process::{Pid, Signal, kill_process};
use tokio_rustls::rustls::ClientConfig;

use crate::process::Process;

/// A server that runs until it is dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
    /// How to connect to that address, if by TLS.
    pub(crate) tls: Option<Arc<ClientConfig>>,
    /// Where it takes connections without TLS.
    pub(crate) plain: SocketAddr,
    /// Its audit file, if it has one.
    pub(crate) audit: Option<PathBuf>,
}

/// How long a server may take to give its first answer.
const START_MAX: Duration = Duration::from_secs(20);

impl Running {
    pub(crate) fn process(&self) -> Process {
        Process(self.child.id())
    }

    /// Tells the server to reload its class file.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn reload(&self) -> anyhow::Result<()> {
        self.signal(Signal::HUP)
    }

    /// Makes a server with an audit begin a new file, as the rotation of logs does. A file of gigabytes would be
    /// written into memory that a virtual machine has never used, which costs more than the record.
    ///
    /// # Errors
    /// When the file cannot be removed, or the server has ended.
    pub(crate) fn begin_audit_file(&self) -> anyhow::Result<()> {
        let Some(audit) = &self.audit else { return Ok(()) };
        fs::remove_file(audit)?;
        self.signal(Signal::USR1)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(kill_process(Pid::from_child(&self.child), signal)?)
    }

    /// Gives every student a value of this length, in Redis.
    ///
    /// # Errors
    /// When Redis does not say OK to each.
    pub(crate) fn fill_redis(&self, ids: &[String], value_bytes: usize) -> anyhow::Result<()> {
        let mut socket = TcpStream::connect(self.plain)?;
        let mut replies = BufReader::new(socket.try_clone()?);
        let value = "x".repeat(value_bytes);
        for ids in ids.chunks(1000) {
            let set = |id: &String| {
                format!("*3\r\n$3\r\nSET\r\n${}\r\n{id}\r\n${value_bytes}\r\n{value}\r\n", id.len())
            };
            socket.write_all(ids.iter().map(set).collect::<String>().as_bytes())?;
            for _ in ids {
                let mut reply = String::new();
                replies.read_line(&mut reply)?;
                if reply != "+OK\r\n" {
                    bail!("Redis said {reply:?} to SET");
                }
            }
        }
        Ok(())
    }

    fn answers(&self) -> std::io::Result<bool> {
        let mut socket = TcpStream::connect(self.plain)?;
        socket.set_read_timeout(Some(START_MAX))?;
        socket.write_all(b"PING\r\n")?;
        Ok(socket.read(&mut [0])? > 0)
    }

    /// Waits until it answers a line: a server that reads a big class may listen before it can.
    ///
    /// # Errors
    /// When it has ended, or does not answer in time.
    pub(crate) fn wait_until_answering(&mut self, name: &str) -> anyhow::Result<()> {
        let began = Instant::now();
        while !self.answers().unwrap_or_default() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{name} ended while it was started ({status})");
            }
            if began.elapsed() > START_MAX {
                bail!("{name} does not answer on {} after {START_MAX:?}", self.plain);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A process that has ended needs no signal.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
