//! Routes, and the headers of every response.

use std::rc::Rc;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    self, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName,
    HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, TRANSFER_ENCODING,
    UPGRADE, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{ConnectionType, Method, StatusCode, Version};
use actix_web::middleware::Next;
use actix_web::web::{Data, ServiceConfig, resource, route};
use actix_web::{Error, HttpRequest, HttpResponse, guard};

use crate::ask::ask;
use crate::connection::Connection;
use crate::page::Page;
use crate::pieces::{Noted, Pieces};

/// Where requests go.
const ASK_PATH: &str = "/v1/ask";

/// What may be embedded in, or loaded by, what is not the page: nothing.
const POLICY_OF_NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

/// Browsers ask by HTTPS only, for a year.
const HSTS: &str = "max-age=31536000";

/// Adds the routes: the page, `POST /v1/ask`, and one answer to everything else.
pub(crate) fn routes(app: &mut ServiceConfig) {
    app.service(resource("/").guard(guard::Any(guard::Get()).or(guard::Head())).to(page));
    app.service(resource(ASK_PATH).guard(guard::Post()).to(ask));
    app.service(resource(ASK_PATH).guard(guard::Options()).to(preflight));
    app.default_service(route().to(not_found));
}

async fn page(request: HttpRequest, page: Data<Page>) -> HttpResponse {
    let tags = request.headers().get_all(IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
    let mut tags = tags.flat_map(|value| value.split(',')).map(str::trim);
    let is_known = tags.any(|tag| tag == "*" || tag.trim_start_matches("W/") == page.etag());
    let status = if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let mut response = HttpResponse::build(status);
    response
        .insert_header((ETAG, page.etag()))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((CONTENT_SECURITY_POLICY, page.policy()));
    if is_known {
        return response.finish();
    }
    response
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .body(Pieces::new(page.bytes()))
}

/// What a browser asks before a page of another origin, or from disk, may ask.
async fn preflight() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, "POST"))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, "content-type"))
        .insert_header((ACCESS_CONTROL_MAX_AGE, "86400"))
        .finish()
}

async fn not_found() -> HttpResponse {
    HttpResponse::NotFound()
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .body("not found\n")
}

/// Notes each request's beginning and end, rejects what must not be answered, and adds the headers that
/// every response has.
pub(crate) async fn with_headers(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let connection = request.conn_data::<Rc<Connection>>().map(Rc::clone);
    let is_secure = connection.as_ref().is_some_and(|connection| connection.is_secure);
    let is_ask = request.path() == ASK_PATH;
    if let Some(connection) = &connection {
        if connection.is_last() {
            // What follows a request that ends its connection is not read. The listener ends the connection.
            return std::future::pending().await;
        }
        connection.handle();
    }
    let rejection = match &connection {
        Some(connection) if !connection.is_allowed => Some(StatusCode::FORBIDDEN),
        _ => is_ambiguous(&request).then_some(StatusCode::BAD_REQUEST),
    };
    // Nobody reads the body, so what follows it would be read as the next request.
    let is_read = is_ask && request.method() == Method::POST;
    let is_last = request.head().connection_type() != ConnectionType::KeepAlive
        || (has_body(&request) && !is_read);
    let version = request.version();
    let mut response = match rejection {
        Some(status) => {
            let rejected = HttpResponse::build(status).force_close().finish();
            request.into_response(rejected)
        }
        None => next.call(request).await?.map_into_boxed_body(),
    };
    add_headers(response.headers_mut(), is_ask, is_secure);
    // Clients of HTTP/1.0 know the end of a body of unknown length by the end of the connection.
    let is_ended_by_closing =
        version < Version::HTTP_11 && response.response().body().size() == BodySize::Stream;
    let is_last = is_last || is_ended_by_closing;
    let head = response.response_mut().head_mut();
    // The library uses heads again, and their versions stay from the response before.
    head.version = version;
    head.no_chunking(is_ended_by_closing);
    if is_last {
        head.set_connection_type(ConnectionType::Close);
    }
    if let Some(connection) = &connection {
        connection.answer(is_last || !head.keep_alive());
    }
    Ok(response.map_body(|_, body| Noted::new(body, connection)))
}

fn has_body(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    let length = headers.get(header::CONTENT_LENGTH).map(HeaderValue::as_bytes);
    headers.contains_key(TRANSFER_ENCODING) || length.is_some_and(|length| length != b"0")
}

fn add_headers(headers: &mut header::HeaderMap, is_ask: bool, is_secure: bool) {
    let mut add = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    if is_ask {
        add(ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    }
    if is_secure {
        add(STRICT_TRANSPORT_SECURITY, HSTS);
    }
    add(CACHE_CONTROL, "no-store");
    add(CONTENT_SECURITY_POLICY, POLICY_OF_NO_PAGE);
    add(REFERRER_POLICY, "no-referrer");
    add(X_CONTENT_TYPE_OPTIONS, "nosniff");
}

/// Returns true if a proxy could see another end of the request than the library does
/// (<https://www.rfc-editor.org/rfc/rfc9112#section-6.3>), or another host.
fn is_ambiguous(request: &ServiceRequest) -> bool {
    let headers = request.headers();
    let is_upgrade = headers.contains_key(UPGRADE) || request.head().upgrade();
    let is_before_1_1 = request.version() < Version::HTTP_11;
    let has_coding = headers.contains_key(TRANSFER_ENCODING);
    let is_chunked = headers
        .get(TRANSFER_ENCODING)
        .is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
    let has_length = headers.contains_key(header::CONTENT_LENGTH);
    let hosts = headers.get_all(header::HOST).count();
    (has_coding && (is_before_1_1 || has_length || !is_chunked))
        || headers.get_all(header::CONTENT_LENGTH).count() > 1
        || hosts > 1
        || (hosts == 0 && !is_before_1_1)
        // Bytes behind such a request belong to another protocol.
        || is_upgrade && (has_length || has_coding)
}
