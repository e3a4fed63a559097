//! The HTTP listener of the running server: started beside the sessions, with the certificate of the
//! settings.

use std::sync::Arc;

use anyhow::Context as _;
use grade_actors::Server;
use grade_actors::event::{EventSink, ServerEvent, SharedSink};
use grade_web::{Certificate, HttpConfig, HttpListener};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::listen::bind_http;
use crate::files::certificate::CertificateFiles;
use crate::settings::{HttpSettings, Settings};

/// What the page needs before the server starts: the socket, and the certificate if there is one.
pub(super) struct PreparedHttp {
    socket: TcpListener,
    certificate: Option<Certificate>,
}

/// Binds the socket and reads the certificate; `None` if the settings have no page.
///
/// # Errors
/// Returns an error if the port is taken, or the certificate cannot be used.
pub(super) fn prepare(settings: &Settings) -> anyhow::Result<Option<PreparedHttp>> {
    let Some(HttpSettings { listen, certificate }) = &settings.http else { return Ok(None) };
    let certificate = certificate.as_ref().map(CertificateFiles::read).transpose()?;
    let socket = bind_http(*listen)?;
    Ok(Some(PreparedHttp { socket, certificate }))
}

/// The page while it is served; it may be absent.
pub(super) struct HttpServer {
    running: Option<Running>,
}

struct Running {
    listener: HttpListener,
    /// The certificate, and the files that it comes from.
    certificate: Option<(Certificate, CertificateFiles)>,
}

impl HttpServer {
    /// Serves the page beside a server.
    ///
    /// # Errors
    /// Returns an error if a thread cannot be started.
    pub(super) fn start(
        prepared: Option<PreparedHttp>,
        settings: &Settings,
        connections_max: usize,
        server: &Server,
        events: &SharedSink,
    ) -> anyhow::Result<Self> {
        let Some(PreparedHttp { socket, certificate }) = prepared else {
            return Ok(Self { running: None });
        };
        let page = settings.page()?;
        let hash = page.hash().to_owned();
        let config = HttpConfig {
            socket,
            certificate: certificate.clone(),
            page,
            threads: settings.workers,
            connections_max,
            timeouts: settings.session.timeouts,
            events: Arc::clone(events),
        };
        let listener = HttpListener::start(config, server).context("cannot serve the page")?;
        let address = listener.address();
        let is_secure = certificate.is_some();
        events.emit(&ServerEvent::PageServed { address, is_secure, hash: &hash });
        let files = settings.http.as_ref().and_then(|http| http.certificate.clone());
        Ok(Self { running: Some(Running { listener, certificate: certificate.zip(files) }) })
    }

    /// Reads the certificate again. One that is not usable changes nothing.
    pub(super) fn reload_certificate(&self, events: &dyn EventSink) {
        let running = self.running.as_ref();
        let Some((certificate, files)) = running.and_then(|http| http.certificate.as_ref()) else {
            return;
        };
        match files.read_again(certificate) {
            Ok(()) => events.emit(&ServerEvent::CertificateExchanged),
            Err(error) => events
                .emit(&ServerEvent::Warning(&format!("{error}; the certificate in use stays"))),
        }
    }

    /// Waits until the listening socket fails.
    pub(super) async fn failed(&self) {
        match &self.running {
            Some(running) => running.listener.failed().await,
            None => std::future::pending().await,
        }
    }

    /// Ends the service of the page.
    pub(super) async fn drain(&self, deadline: Instant) {
        if let Some(running) = &self.running {
            running.listener.drain(deadline).await;
        }
    }

    /// Stops the threads.
    pub(super) fn close(self) {
        if let Some(running) = self.running {
            running.listener.close();
        }
    }
}
