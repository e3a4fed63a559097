//! A client of HTTP/1.1 for tests.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::harness::TIMEOUT;

/// A client of HTTP/1.1 that shows every byte.
pub(super) struct HttpClient<S>(pub(super) BufReader<S>);

impl HttpClient<TcpStream> {
    pub(super) fn connect(port: u16) -> Self {
        let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        socket.set_read_timeout(Some(TIMEOUT)).unwrap();
        Self(BufReader::new(socket))
    }
}

impl<S: Read + Write> HttpClient<S> {
    pub(super) fn say(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
        self
    }

    /// Sends a request with these headers and a body of known length.
    pub(super) fn send(&mut self, line: &str, headers: &str, body: &str) -> Response {
        let length = body.len();
        self.say(format!(
            "{line} HTTP/1.1\r\nhost: a\r\n{headers}content-length: {length}\r\n\r\n{body}"
        ));
        self.response()
    }

    pub(super) fn ask(&mut self, body: &str) -> Response {
        self.send("POST /v1/ask", "content-type: text/plain\r\n", body)
    }

    pub(super) fn get(&mut self, path: &str) -> Response {
        self.say(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"));
        self.response()
    }

    #[track_caller]
    pub(super) fn response(&mut self) -> Response {
        let head = self.head();
        let mut response = Response { head, body: String::new() };
        let body = if response.header("transfer-encoding") == Some("chunked") {
            self.chunks()
        } else {
            let length = response.header("content-length");
            self.bytes(length.map_or(0, |length| length.parse().unwrap()))
        };
        response.body = String::from_utf8(body).unwrap();
        response
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).unwrap();
        bytes
    }

    /// A body whose length is stated part by part.
    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let mut length = String::new();
            self.0.read_line(&mut length).unwrap();
            let chunk = self.bytes(usize::from_str_radix(length.trim_end(), 16).unwrap());
            assert_eq!(self.bytes(2), b"\r\n");
            if chunk.is_empty() {
                return body;
            }
            body.extend(chunk);
        }
    }

    /// The head of a response, whose body does not follow.
    #[track_caller]
    pub(super) fn head(&mut self) -> Vec<String> {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            assert!(line.ends_with("\r\n"), "no whole head, but {head:?} and {line:?}");
            match line.trim_end() {
                "" => return head,
                line => head.push(line.to_owned()),
            }
        }
    }

    /// Whether the server has closed.
    pub(super) fn is_closed(&mut self) -> bool {
        self.0.read(&mut [0]).is_ok_and(|read| read == 0)
    }
}

/// What a server answered.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) head: Vec<String>,
    pub(super) body: String,
}

impl Response {
    pub(super) fn status(&self) -> u16 {
        self.head[0].split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.iter().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(super) fn lines(&self) -> Vec<&str> {
        self.body.lines().collect()
    }
}
