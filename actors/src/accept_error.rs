//! Errors of `accept`, sorted by what they ask of the listener.

use std::io;

/// What a failed `accept` means for the listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AcceptErrorKind {
    /// One connection went wrong before it was accepted: take the next.
    Connection,
    /// The system is short of something: wait, since trying again at once would spin.
    Exhausted,
    /// The listening socket itself is unusable, which is a fault of this program.
    Fatal,
}

impl AcceptErrorKind {
    /// Sorts an error by its name, of which accept(2) has a list. Linux passes errors of the new
    /// socket's network on, and they count for that connection only. A name that is not known here
    /// is treated as a shortage, since a pause is never wrong.
    pub(crate) fn of(error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(
                libc::ECONNABORTED
                | libc::EINTR
                | libc::EAGAIN
                | libc::EPROTO
                | libc::ENOPROTOOPT
                | libc::ENETDOWN
                | libc::ENETUNREACH
                | libc::EHOSTDOWN
                | libc::EHOSTUNREACH
                | libc::ENONET
                | libc::EOPNOTSUPP,
            ) => Self::Connection,
            Some(libc::EBADF | libc::EFAULT | libc::EINVAL | libc::ENOTSOCK) => Self::Fatal,
            _ => Self::Exhausted,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sorted_by_name() {
        let sorted = |code| AcceptErrorKind::of(&io::Error::from_raw_os_error(code));
        for code in [libc::ECONNABORTED, libc::EPROTO, libc::EINTR, libc::ENETDOWN] {
            assert_eq!(sorted(code), AcceptErrorKind::Connection);
        }
        for code in [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM, libc::EPERM, 9999] {
            assert_eq!(sorted(code), AcceptErrorKind::Exhausted);
        }
        for code in [libc::EBADF, libc::EINVAL, libc::ENOTSOCK] {
            assert_eq!(sorted(code), AcceptErrorKind::Fatal);
        }
    }
}
