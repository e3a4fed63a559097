//! The page: one file of HTML that seals requests and opens answers in the browser, filled with the names
//! of the course and of the server.

use std::fmt;
use std::net::Ipv6Addr;

use actix_web::web::Bytes;
use base64_simd::STANDARD;
use sha2::{Digest, Sha256};

/// The file, with places for what differs from server to server.
const TEMPLATE: &str = include_str!("../page/index.html");

/// The places: each stands once in the template, in an attribute.
const POLICY_PLACE: &str = "{{policy}}";
const AUDIENCE_PLACE: &str = "{{audience}}";
const SERVER_PLACE: &str = "{{server}}";

/// The page of one server.
pub struct Page {
    html: Bytes,
    hash: String,
    etag: String,
    policy: String,
}

impl Page {
    /// The page for an audience. `public_url` is where the page asks when it was opened from disk.
    pub fn new(audience: &str, public_url: Option<&PublicUrl>) -> Self {
        let server = public_url.map(ToString::to_string).unwrap_or_default();
        let policy = policy(&server);
        let html = TEMPLATE
            .replace(POLICY_PLACE, &policy)
            .replace(AUDIENCE_PLACE, &escape(audience))
            .replace(SERVER_PLACE, &escape(&server));
        let hash = Sha256::digest(html.as_bytes());
        let hash = hex_simd::encode_to_string(hash, hex_simd::AsciiCase::Lower);
        // A policy in the page itself cannot say who may embed it, so that stands in the header alone.
        let policy = format!("{policy}; frame-ancestors 'none'");
        Self { html: html.into(), etag: format!("\"{hash}\""), hash, policy }
    }

    /// The file.
    pub fn html(&self) -> &str {
        std::str::from_utf8(&self.html).unwrap_or_default()
    }

    /// The file, to be sent.
    pub(crate) fn bytes(&self) -> Bytes {
        self.html.clone()
    }

    /// The SHA-256 of the file, in 64 digits from `0-9a-f`.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What identifies the file for caches.
    pub(crate) fn etag(&self) -> &str {
        &self.etag
    }

    /// The header `Content-Security-Policy` (<https://www.w3.org/TR/CSP3/>).
    pub(crate) fn policy(&self) -> &str {
        &self.policy
    }
}

/// The page runs its own script and style, known by their hashes, and connects to its server. It loads and
/// sends nothing else.
fn policy(server: &str) -> String {
    let script = source_hash("<script>", "</script>");
    let style = source_hash("<style>", "</style>");
    let separator = if server.is_empty() { "" } else { " " };
    format!(
        "default-src 'none'; script-src {script}; style-src {style}; img-src data:; connect-src \
         'self'{separator}{server}; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )
}

/// The hash of the text between two tags, as a policy names it.
fn source_hash(begin: &str, end: &str) -> String {
    let behind = TEMPLATE.split_once(begin).map_or("", |(_, behind)| behind);
    let text = behind.split_once(end).map_or("", |(text, _)| text);
    let hash = STANDARD.encode_to_string(Sha256::digest(text.as_bytes()));
    format!("'sha256-{hash}'")
}

/// A text in an attribute.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

/// Where students reach the page: `https://host` or `https://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

/// A text is not the address of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be https://HOST or https://HOST:PORT, without a path")]
pub struct InvalidPublicUrl;

impl PublicUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// Returns an error if the text has another form.
    pub fn parse(text: &str) -> Result<Self, InvalidPublicUrl> {
        let place = text.strip_prefix("https://").ok_or(InvalidPublicUrl)?;
        let place = place.strip_suffix('/').unwrap_or(place);
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (place, None),
        };
        let is_port = port.is_none_or(|port| {
            port.bytes().all(|byte| byte.is_ascii_digit())
                && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let is_host = match bare {
            Some(address) => address.parse::<Ipv6Addr>().is_ok(),
            None => host.split('.').all(|label| {
                !label.is_empty() && !label.starts_with('-') && label.bytes().all(is_name)
            }),
        };
        if !is_port || !is_host {
            return Err(InvalidPublicUrl);
        }
        let host = host.to_ascii_lowercase();
        // The port of HTTPS is not written in the origin of a page.
        let port = port.filter(|port| port.parse() != Ok(443));
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self(format!("https://{host}{port}")))
    }

    /// The host, and the port if it is not that of HTTPS.
    pub fn authority(&self) -> &str {
        self.0.trim_start_matches("https://")
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(audience: &str, url: &str) -> String {
        Page::new(audience, Some(&PublicUrl::parse(url).unwrap())).html().to_owned()
    }

    #[test]
    fn every_place_of_the_template_is_filled_once() {
        for place in [POLICY_PLACE, AUDIENCE_PLACE, SERVER_PLACE] {
            assert_eq!(TEMPLATE.matches(place).count(), 1, "{place}");
        }
        assert!(!page("a-2026", "https://a.example").contains("{{"));
    }

    #[test]
    fn an_audience_cannot_leave_its_attribute() {
        let html = page("a\"><script>alert(1)</script>&lt;", "https://a.example");
        assert!(html.contains("content=\"a&quot;>&lt;script>alert(1)&lt;/script>&amp;lt;\""));
        assert_eq!(html.matches("<script>").count(), 1);
    }

    #[test]
    fn the_script_is_under_600_lines_and_the_page_loads_nothing() {
        let script = TEMPLATE.split_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
        assert!(script.lines().count() < 600, "{} lines", script.lines().count());
        for loading in ["src=", "@import", "url(", "import("] {
            assert!(!TEMPLATE.contains(loading), "{loading}");
        }
    }

    #[test]
    fn the_hash_changes_with_the_audience_and_the_server() {
        let hash = |audience, url| Page::new(audience, url).hash().to_owned();
        let url = PublicUrl::parse("https://a.example").unwrap();
        assert_ne!(hash("a", None), hash("b", None));
        assert_ne!(hash("a", None), hash("a", Some(&url)));
        assert_eq!(hash("a", Some(&url)).len(), 64);
    }

    #[test]
    fn a_public_url_is_an_https_host_with_or_without_a_port() {
        let read = |text| PublicUrl::parse(text).map(|url| url.to_string());
        for (text, url) in [
            ("https://grades.example.org", "https://grades.example.org"),
            ("https://Grades.example.org:8443/", "https://grades.example.org:8443"),
            ("https://grades.example.org:443", "https://grades.example.org"),
            ("https://[2001:db8::7]:8443", "https://[2001:db8::7]:8443"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(url));
        }
        for text in [
            "http://a.example",
            "https://",
            "https://a.example/page",
            "https://a.example:0",
            "https://a.example:x",
            "https://a.example:+7",
            "https://a example",
            "https://a.example; script-src *",
            "https://u@a.example",
            "https://a.example?x",
            "https://..",
            "https://-a.example",
        ] {
            assert_eq!(read(text), Err(InvalidPublicUrl), "{text}");
        }
    }
}
