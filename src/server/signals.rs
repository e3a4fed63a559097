//! The signals of the operating system.

use std::io;

use tokio::signal::unix::{self, SignalKind, signal};

/// The signals that the server receives, from the moment this is made.
pub(super) struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
    hangup: unix::Signal,
    user: unix::Signal,
    /// By default it ends the process when a file exceeds its size limit. It is received so that the
    /// write fails instead.
    _file_size: unix::Signal,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// SIGINT or SIGTERM: end the service.
    Stop,
    /// SIGHUP: reload the class file.
    Reload,
    /// SIGUSR1: continue in a new audit file.
    Reopen,
}

impl Signals {
    /// Starts to receive signals. Without this, each of them would end the process.
    ///
    /// # Errors
    /// Returns an error if a handler cannot be installed.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            user: signal(SignalKind::user_defined1())?,
            _file_size: signal(SignalKind::from_raw(libc::SIGXFSZ))?,
        })
    }

    /// Waits for the next signal.
    pub(super) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Stop,
            _ = self.terminate.recv() => Signal::Stop,
            _ = self.hangup.recv() => Signal::Reload,
            _ = self.user.recv() => Signal::Reopen,
        }
    }

    /// Waits for a signal to stop.
    pub(super) async fn stop(&mut self) {
        while self.next().await != Signal::Stop {}
    }
}
