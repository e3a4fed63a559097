//! CPU time and memory of another process, from `/proc` (proc(5)).

use std::fs;
use std::io;
use std::time::Duration;

/// A process whose cost is measured.
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

    /// How long its child processes have run that it has waited for, to a hundredth of a second.
    pub(crate) fn children_cpu(self) -> io::Result<Duration> {
        /// The kernel counts such times in these (`USER_HZ`).
        const TICKS_PER_SECOND: u64 = 100;
        let text = fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        // The 16th and the 17th field; the name, the 2nd, may hold blanks.
        let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks =
            fields.skip(13).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
        Ok(Duration::from_millis(ticks.saturating_mul(1000 / TICKS_PER_SECOND)))
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
