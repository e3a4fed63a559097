//! What another process costs, as Linux tells it in `/proc` (proc(5)).

use std::fs;
use std::io;
use std::time::Duration;

/// A process that is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// How long its threads have run, in user and kernel mode.
    pub(crate) fn cpu(self) -> io::Result<Duration> {
        let mut nanoseconds = 0_u64;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0))? {
            let path = thread?.path().join("schedstat");
            // A thread may end between being listed and being read.
            let text = fs::read_to_string(path).unwrap_or_default();
            let ran: u64 = text.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or_default();
            nanoseconds = nanoseconds.saturating_add(ran);
        }
        Ok(Duration::from_nanos(nanoseconds))
    }

    /// How many bytes of memory it holds now.
    pub(crate) fn resident_bytes(self) -> io::Result<u64> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        number
            .map(|kibibytes| kibibytes.saturating_mul(1024))
            .ok_or_else(|| io::Error::other(format!("/proc/{}/status has no VmRSS", self.0)))
    }
}
