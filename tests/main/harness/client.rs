//! A client that sends raw bytes and reads replies.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};

use super::TIMEOUT;

/// A connection of such a client.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) fn of(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(TIMEOUT)).unwrap();
        socket.set_nodelay(true).unwrap();
        Self(BufReader::new(socket))
    }

    #[track_caller]
    pub(crate) fn say(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
        self
    }

    /// Closes the sending half.
    pub(crate) fn finish_sending(&mut self) -> &mut Self {
        self.0.get_mut().shutdown(Shutdown::Write).unwrap();
        self
    }

    /// One reply line without its end.
    #[track_caller]
    pub(crate) fn reply(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        assert!(line.ends_with('\n'), "no whole line, but {line:?}");
        line.pop();
        line
    }

    /// All lines until the server closes.
    #[track_caller]
    pub(crate) fn remaining_replies(&mut self) -> Vec<String> {
        let mut text = String::new();
        self.0.read_to_string(&mut text).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "no whole lines: {text:?}");
        text.lines().map(str::to_owned).collect()
    }

    /// The bytes of one `recv(1024)`, as in the lab's clients.
    #[track_caller]
    pub(crate) fn receives_once(&mut self) -> Vec<u8> {
        let mut buffer = [0; 1024];
        let received = self.0.get_mut().read(&mut buffer).unwrap();
        buffer[..received].to_vec()
    }

    pub(crate) fn socket(&mut self) -> &mut TcpStream {
        self.0.get_mut()
    }
}
