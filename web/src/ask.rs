//! `POST /v1/ask`: lines of sealed requests, answered with their reply lines in order.

use std::future::ready;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::stream::{once, unfold};
use futures_util::{Stream, StreamExt};
use grade_actors::audit::Requester;
use grade_actors::{Source, WorkerContext};
use gradebook::{MalformedLine, Rejection, Request, Requests, wire};
use tokio::time::timeout_at;

use crate::connection::{Connection, Draining};
use crate::forwarded;
use crate::pieces::{Pieces, in_pieces};

/// The most lines of one request.
pub const LINES_MAX: usize = 64;

/// The most bytes of one request: more than so many sealed requests take.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What the handlers of a thread share.
pub(crate) struct Thread {
    pub(crate) worker: Arc<WorkerContext>,
    pub(crate) draining: Arc<Draining>,
}

/// Why a request has no reply lines.
enum AskError {
    /// There is no request in it.
    Empty,
    /// Its body is not complete, or not framed as HTTP wants.
    Broken,
    /// It is not plain text.
    NotText,
    TooLong,
    TooManyLines,
    TooSlow,
    /// The service ends.
    Draining,
}

impl AskError {
    fn response(&self) -> HttpResponse {
        let (status, text) = match self {
            Self::Empty => (StatusCode::BAD_REQUEST, "send 1 to 64 lines of sealed requests\n"),
            Self::Broken => (StatusCode::BAD_REQUEST, "the body of the request is not complete\n"),
            Self::NotText => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "send text/plain\n"),
            Self::TooLong => (StatusCode::PAYLOAD_TOO_LARGE, "send at most 64 KiB\n"),
            Self::TooManyLines => (StatusCode::PAYLOAD_TOO_LARGE, "send at most 64 lines\n"),
            Self::TooSlow => {
                (StatusCode::REQUEST_TIMEOUT, "the request was not complete in time\n")
            }
            Self::Draining => (StatusCode::SERVICE_UNAVAILABLE, "the server stops\n"),
        };
        let mut response = text_response(status);
        if matches!(self, Self::Draining) {
            response.insert_header((RETRY_AFTER, "5"));
        }
        // The rest of the body is not read.
        response.force_close().body(text)
    }
}

/// Answers one request.
pub(crate) async fn ask(request: HttpRequest, body: Payload, thread: Data<Thread>) -> HttpResponse {
    let Some(connection) = request.conn_data::<Rc<Connection>>() else {
        return HttpResponse::InternalServerError().finish();
    };
    match answer(&request, body, &thread, connection).await {
        Ok(response) => response,
        Err(error) => error.response(),
    }
}

async fn answer(
    request: &HttpRequest,
    body: Payload,
    thread: &Thread,
    connection: &Connection,
) -> Result<HttpResponse, AskError> {
    let worker = &thread.worker;
    if !is_plain_text(request) {
        return Err(AskError::NotText);
    }
    if announced_bytes(request).is_some_and(|bytes| bytes > BODY_BYTES_MAX) {
        return Err(AskError::TooLong);
    }
    let deadline = connection.handling_since() + worker.session_config().timeouts.request;
    let body = timeout_at(deadline, read(body)).await.map_err(|_| AskError::TooSlow)??;
    let lines = lines(&body.into())?;
    // What has come whole by the end of the service is answered.
    let in_flight = thread.draining.take_in().ok_or(AskError::Draining)?;
    connection.keep_in_flight(in_flight, lines.len());
    let peer = client(request, connection);
    let requester = Requester { session: connection.number, peer };
    let source = Source::of(peer.ip());
    let admits = |line| AskedLine { line, is_admitted: worker.session_config().admits(source) };
    let lines: Vec<_> = lines.into_iter().map(admits).collect();
    let is_any_admitted = lines.iter().any(|line| line.is_admitted);
    let (replies, rest) = Asked::new(Arc::clone(worker), requester, lines).dispatch().await;
    let mut response = text_response(match is_any_admitted {
        true => StatusCode::OK,
        false => StatusCode::TOO_MANY_REQUESTS,
    });
    if !is_any_admitted {
        response.insert_header((RETRY_AFTER, "1"));
    }
    Ok(match rest {
        None => response.body(Pieces::new(replies)),
        // No more is answered ahead than the client takes: the replies of all lines could be many.
        Some(rest) => response.body(in_pieces(rest.replies(replies))),
    })
}

fn text_response(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response.insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"));
    response
}

fn is_plain_text(request: &HttpRequest) -> bool {
    let mut types = request.headers().get_all(CONTENT_TYPE);
    let only = types.next().filter(|_| types.next().is_none());
    let text = only.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = text.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("text/plain")
}

/// The length of the body, if the head says it.
fn announced_bytes(request: &HttpRequest) -> Option<usize> {
    let length = request.headers().get(CONTENT_LENGTH)?.to_str().ok()?;
    // A number that is too large for this machine is too long.
    Some(length.trim().parse().unwrap_or(usize::MAX))
}

/// Reads the body, up to its limit.
async fn read(mut body: Payload) -> Result<Vec<u8>, AskError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| AskError::Broken)?;
        if bytes.len().saturating_add(chunk.len()) > BODY_BYTES_MAX {
            return Err(AskError::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The lines that are not blank, as on TCP.
fn lines(body: &Bytes) -> Result<Vec<Bytes>, AskError> {
    let lines = body.split(|byte| *byte == wire::LINE_END).map(<[u8]>::trim_ascii);
    let lines = lines.filter(|line| !line.is_empty()).take(LINES_MAX.saturating_add(1));
    let lines: Vec<_> = lines.map(|line| body.slice_ref(line)).collect();
    match lines.len() {
        0 => Err(AskError::Empty),
        1..=LINES_MAX => Ok(lines),
        _ => Err(AskError::TooManyLines),
    }
}

/// Where the client comes from.
fn client(request: &HttpRequest, connection: &Connection) -> SocketAddr {
    let named = if connection.is_proxy { forwarded::client(request.headers()) } else { None };
    named.unwrap_or(connection.peer)
}

/// A line, and whether the limit of its source admits it.
struct AskedLine {
    line: Bytes,
    is_admitted: bool,
}

/// The lines of a request that have no replies yet.
struct Asked {
    worker: Arc<WorkerContext>,
    requester: Requester,
    lines: std::vec::IntoIter<AskedLine>,
    batch: Requests,
}

impl Asked {
    fn new(worker: Arc<WorkerContext>, requester: Requester, lines: Vec<AskedLine>) -> Self {
        let batch = worker.take_batch();
        Self { worker, requester, lines: lines.into_iter(), batch }
    }

    /// The reply lines to the first lines, as many as the settings allow at a time, and the other lines if there are
    /// any.
    async fn dispatch(self) -> (Vec<u8>, Option<Self>) {
        let Self { worker, requester, mut lines, mut batch } = self;
        while !batch.is_full()
            && let Some(AskedLine { line, is_admitted }) = lines.next()
        {
            match entry(&line, is_admitted) {
                Ok(request) => batch.push(request),
                Err(rejection) => batch.push_rejected(rejection),
            }
        }
        let requests = batch.len();
        let mut replies = Vec::new();
        batch = match worker.dispatch(batch, requester).await {
            Ok(answered) => {
                replies.extend_from_slice(answered.bytes());
                worker.emit_requests(requester.session, &answered);
                answered.into_requests()
            }
            // A part of the server failed on the batch, or it could not be recorded.
            Err(_) => {
                for _ in 0..requests {
                    wire::write_rejection(&mut replies, Rejection::Busy);
                }
                worker.take_batch()
            }
        };
        if batch.is_empty() && lines.as_slice().is_empty() {
            worker.put_back(batch);
            return (replies, None);
        }
        (replies, Some(Self { worker, requester, lines, batch }))
    }

    /// The first replies, and those to the lines behind, as they are asked for.
    fn replies(self, first: Vec<u8>) -> impl Stream<Item = Vec<u8>> {
        once(ready(first)).chain(unfold(Some(self), async |asked| Some(asked?.dispatch().await)))
    }
}

/// The request of a line, or why it is not answered.
fn entry(line: &[u8], is_admitted: bool) -> Result<Request<'_>, Rejection> {
    if !is_admitted {
        return Err(Rejection::TooMany);
    }
    wire::parse_sealed_line(line)
        .map_err(|error| Rejection::Malformed(MalformedLine { error, bytes: line.len() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_are_skipped_and_1_to_64_lines_are_read() {
        let count =
            |body: &[u8]| lines(&Bytes::copy_from_slice(body)).map(|lines| lines.len()).ok();
        assert_eq!(count(b"a\nb"), Some(2));
        assert_eq!(count(b"\r\na\r\n\n \nb\n"), Some(2));
        assert_eq!(count(&b"a\n".repeat(64)), Some(64));
        assert_eq!(count(&b"a\n".repeat(65)), None);
        assert_eq!(count(b""), None);
        assert_eq!(count(b" \r\n\n"), None);
    }
}
