//! The client that a proxy names in the header `Forwarded` (<https://www.rfc-editor.org/rfc/rfc7239>).

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{FORWARDED, HeaderMap};

/// The last client that the headers name: the one that the nearest proxy saw, since each proxy appends.
/// `None` if the last element names nobody by an address, or is not valid.
pub(crate) fn client(headers: &HeaderMap) -> Option<SocketAddr> {
    let last = headers.get_all(FORWARDED).last()?.to_str().ok()?;
    let element = last_element(last)?;
    let mut client = None;
    for pair in element.split(';') {
        let (name, value) = pair.split_once('=')?;
        if name.trim().eq_ignore_ascii_case("for") {
            client = Some(value.trim());
        }
    }
    address(client?)
}

/// The text behind the last comma that stands outside of quotes; `None` if a quote does not end.
fn last_element(text: &str) -> Option<&str> {
    let mut start = 0;
    let mut quoted = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => start = at + 1,
            _ => {}
        }
    }
    if quoted { None } else { text.get(start..) }
}

/// `192.0.2.60`, `192.0.2.60:4711`, `"[2001:db8::1]:4711"`.
fn address(value: &str) -> Option<SocketAddr> {
    let bare = match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None => value,
    };
    if let Ok(address) = bare.parse() {
        return Some(address);
    }
    let host = bare.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(bare);
    Some(SocketAddr::new(host.parse::<IpAddr>().ok()?, 0))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn named(values: &[&'static str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(FORWARDED, HeaderValue::from_static(value));
        }
        client(&headers).map(|address| address.to_string())
    }

    #[test]
    fn the_last_proxy_names_the_client() {
        for (values, client) in [
            (&["for=192.0.2.60"][..], "192.0.2.60:0"),
            (&["For=\"192.0.2.60:4711\";proto=https;by=203.0.113.43"], "192.0.2.60:4711"),
            (&["proto=https; for=\"[2001:db8:cafe::17]:4711\""], "[2001:db8:cafe::17]:4711"),
            (&["for=\"[2001:db8::1]\""], "[2001:db8::1]:0"),
            (&["for=198.51.100.1, for=192.0.2.60"], "192.0.2.60:0"),
            (&["for=198.51.100.1", "for=192.0.2.60"], "192.0.2.60:0"),
            (&["for=\"a, for=198.51.100.1\", for=192.0.2.60"], "192.0.2.60:0"),
        ] {
            assert_eq!(named(values).as_deref(), Some(client), "{values:?}");
        }
    }

    #[test]
    fn a_header_that_names_nobody_by_an_address_is_no_client() {
        for values in [
            &[][..],
            &["for=unknown"],
            &["for=_hidden"],
            &["proto=https"],
            &["for=192.0.2.60, for=unknown"],
            &["for=192.0.2.60, proto=https"],
            &["for=\"x, for=192.0.2.60"],
            &["for=192.0.2.60;"],
            &["192.0.2.60"],
        ] {
            assert_eq!(named(values), None, "{values:?}");
        }
    }
}
