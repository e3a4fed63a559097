//! What the operating system asks of the program.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that the server listens to, from the moment this is made.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    user: Signal,
    /// Its default is to end the process when a file becomes longer than it may be; so it is received,
    /// and the write fails.
    _file_size: Signal,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignalAction {
    /// SIGINT or SIGTERM: end the service.
    Stop,
    /// SIGHUP: load the class file again.
    Reload,
    /// SIGUSR1: go on in a new audit file.
    Reopen,
}

impl Signals {
    /// Starts to listen; without this, each of them would end the process.
    ///
    /// # Errors
    /// When a handler cannot be installed.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            user: signal(SignalKind::user_defined1())?,
            _file_size: signal(SignalKind::from_raw(libc::SIGXFSZ))?,
        })
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) -> SignalAction {
        tokio::select! {
            _ = self.interrupt.recv() => SignalAction::Stop,
            _ = self.terminate.recv() => SignalAction::Stop,
            _ = self.hangup.recv() => SignalAction::Reload,
            _ = self.user.recv() => SignalAction::Reopen,
        }
    }

    /// Waits for a signal to stop.
    pub(crate) async fn stop(&mut self) {
        while self.next().await != SignalAction::Stop {}
    }
}
