//! Errors of `accept`, sorted by what they ask of the listener.

use std::io;

/// What a failed `accept` means for the listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AcceptFault {
    /// One connection went wrong before it was accepted: take the next.
    ThisConnection,
    /// The system is short of something: wait, since trying again at once would spin.
    Shortage,
    /// The listening socket itself is unusable, which is a fault of this program.
    Bug,
}

impl AcceptFault {
    /// Sorts an error by its name. The names are those of accept(2); what Linux passes on from the
    /// network of the new socket counts for this connection only.
    pub(crate) fn of(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM) => Self::Shortage,
            Some(libc::EBADF | libc::EFAULT | libc::EINVAL | libc::ENOTSOCK | libc::EOPNOTSUPP) => {
                Self::Bug
            }
            _ => Self::ThisConnection,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sorted_by_name() {
        let sorted = |code| AcceptFault::of(&io::Error::from_raw_os_error(code));
        for code in [libc::ECONNABORTED, libc::EPROTO, libc::EPERM, libc::EINTR, libc::ENETDOWN] {
            assert_eq!(sorted(code), AcceptFault::ThisConnection);
        }
        for code in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM] {
            assert_eq!(sorted(code), AcceptFault::Shortage);
        }
        for code in [libc::EBADF, libc::EINVAL, libc::ENOTSOCK] {
            assert_eq!(sorted(code), AcceptFault::Bug);
        }
    }
}
