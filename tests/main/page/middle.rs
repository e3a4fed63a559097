//! Somebody between the browser and the server, who has a certificate that the browser accepts: serves the
//! page, and answers requests as a test wants.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use fernet::Fernet;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::harness::Student;
use crate::http::tls::certificate;
use crate::sealed::now;

/// Makes a whole response of HTTP from the line of a request.
pub(super) type Answer = Box<dyn Fn(&str) -> Vec<u8> + Send>;

/// Somebody in the middle.
pub(super) struct Middle {
    pub(super) url: String,
    answer: Arc<Mutex<Answer>>,
}

impl Middle {
    pub(super) fn start(page: String) -> Self {
        let certified = certificate();
        let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        let answer: Arc<Mutex<Answer>> = Arc::new(Mutex::new(Box::new(|_| Vec::new())));
        let answers = Arc::clone(&answer);
        std::thread::spawn(move || {
            for socket in listener.incoming() {
                let (config, page, answers) =
                    (Arc::clone(&config), page.clone(), Arc::clone(&answers));
                let serve = move || serve(socket.unwrap(), config, &page, &answers);
                std::thread::spawn(serve);
            }
        });
        Self { url, answer }
    }

    /// Answers requests so from now on.
    pub(super) fn answers(&self, answer: impl Fn(&str) -> Vec<u8> + Send + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }
}

/// Serves one request; `None` if the browser has ended.
fn serve(
    socket: TcpStream,
    config: Arc<ServerConfig>,
    page: &str,
    answers: &Mutex<Answer>,
) -> Option<()> {
    let connection = ServerConnection::new(config).ok()?;
    let mut stream = BufReader::new(StreamOwned::new(connection, socket));
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
        if line.trim_end().is_empty() {
            break;
        }
        head.push(line.to_lowercase());
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
    stream.read_exact(&mut body).ok()?;
    let response = if head[0].starts_with("get / ") {
        http("200 OK", "content-type: text/html; charset=utf-8\r\n", page)
    } else {
        let answer = answers.lock().unwrap();
        answer(String::from_utf8(body).unwrap().trim_end())
    };
    stream.get_mut().write_all(&response).ok()?;
    stream.get_mut().conn.send_close_notify();
    stream.get_mut().flush().ok()
}

/// A response of HTTP.
pub(super) fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .into()
}

/// A response with one reply line.
pub(super) fn line(reply: &str) -> Vec<u8> {
    http("200 OK", "content-type: text/plain\r\n", &format!("{reply}\n"))
}

/// The parts of a true reply, each of which a test may change.
#[derive(Clone)]
pub(super) struct Reply {
    pub(super) id: String,
    pub(super) command: String,
    pub(super) nonce: String,
    pub(super) edition: u64,
    pub(super) time: u64,
    pub(super) status: String,
    pub(super) body: String,
}

impl Reply {
    /// The true reply to a request of this student, with this report.
    pub(super) fn to(student: Student, request: &str, report: &str) -> Self {
        let token = request.split(' ').nth(1).unwrap();
        let text = student.opens(token);
        let fields: Vec<_> = text.trim_end().split('\t').collect();
        Self {
            id: fields[2].to_owned(),
            command: fields[3].to_owned(),
            nonce: fields[4].to_owned(),
            edition: 7,
            time: now(),
            status: "ok".to_owned(),
            body: report.to_owned(),
        }
    }

    /// The token, under this student's key.
    pub(super) fn token(&self, student: Student) -> String {
        let Self { id, command, nonce, edition, time, status, body } = self;
        let text = format!("R1\t{id}\t{command}\t{nonce}\t{edition}\t{time}\t{status}\t{body}");
        let padded = format!("{text:<width$}", width = (text.len() / 384 + 1) * 384 - 1);
        Fernet::new(student.1).unwrap().encrypt_at_time(padded.as_bytes(), *time)
    }
}
