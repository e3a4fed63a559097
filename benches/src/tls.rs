//! TLS for the comparison with Redis: a certificate that only this run trusts.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

const HOST: &str = "localhost";

/// Writes a new certificate (P-256) and its key, as `redis.crt` and `redis.key`. Returns how a client connects to the
/// server that has them. Each connection is a handshake of its own, as students on different devices make them.
///
/// # Errors
/// Returns an error if no certificate can be made, or the files cannot be written.
pub(crate) fn certify(folder: &Path) -> anyhow::Result<Arc<ClientConfig>> {
    let made = rcgen::generate_simple_self_signed([HOST.to_owned()])?;
    fs::write(folder.join("redis.crt"), made.cert.pem())?;
    fs::write(folder.join("redis.key"), made.signing_key.serialize_pem())?;
    let mut trusted = RootCertStore::empty();
    trusted.add(made.cert.der().clone())?;
    let mut config = ClientConfig::builder().with_root_certificates(trusted).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// Connects on an open socket.
///
/// # Errors
/// Returns an error if the handshake fails.
pub(crate) async fn connect(
    config: &Arc<ClientConfig>,
    socket: TcpStream,
) -> anyhow::Result<TlsStream<TcpStream>> {
    let host = ServerName::try_from(HOST)?;
    Ok(TlsConnector::from(Arc::clone(config)).connect(host, socket).await?)
}
