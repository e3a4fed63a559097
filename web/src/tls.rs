//! Certificates: read from PEM, checked against their key, exchanged while the server runs.

use std::sync::{Arc, PoisonError, RwLock};

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};

/// The only protocol behind TLS (<https://www.rfc-editor.org/rfc/rfc7301>).
const ALPN_HTTP_1_1: &[u8] = b"http/1.1";

/// Why a certificate cannot be used. The text names no content, which may be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The first file has no certificate in it.
    #[error("holds no certificate in PEM (\"-----BEGIN CERTIFICATE-----\")")]
    NoCertificate,
    /// The second file has no key in it.
    #[error("holds no private key in PEM (\"-----BEGIN PRIVATE KEY-----\")")]
    NoKey,
    /// The key is of a kind that TLS does not use.
    #[error(
        "holds a private key that TLS cannot use; make one of the kind ECDSA P-256, RSA or Ed25519"
    )]
    UnusableKey,
    /// The key is not the certificate's.
    #[error("holds a private key that does not belong to the certificate")]
    OtherKey,
}

/// A certificate with its chain and its key. Clones are the same certificate: when one is exchanged, all
/// are.
#[derive(Clone)]
pub struct Certificate {
    current: Arc<Current>,
}

#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl Certificate {
    /// Reads a certificate chain, the server's own certificate first, and its key.
    ///
    /// # Errors
    /// Returns an error if either is not there, or they do not belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, CertificateError> {
        let certified = certified_key(chain, key)?;
        Ok(Self { current: Arc::new(Current(RwLock::new(Arc::new(certified)))) })
    }

    /// Exchanges the certificate for another one. New connections use the new one, and open connections
    /// keep the old one.
    ///
    /// # Errors
    /// Returns an error if the new one is not usable; then the old one stays.
    pub fn exchange(&self, chain: &[u8], key: &[u8]) -> Result<(), CertificateError> {
        let certified = Arc::new(certified_key(chain, key)?);
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = certified;
        Ok(())
    }

    /// What makes TLS 1.2 and 1.3 of connections.
    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor, rustls::Error> {
        let resolver = Arc::clone(&self.current);
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth();
        let mut config = config.with_cert_resolver(resolver);
        config.alpn_protocols = vec![ALPN_HTTP_1_1.to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn certified_key(chain: &[u8], key: &[u8]) -> Result<CertifiedKey, CertificateError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
    let chain = chain.map_err(|_| CertificateError::NoCertificate)?;
    if chain.is_empty() {
        return Err(CertificateError::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| CertificateError::NoKey)?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => CertificateError::OtherKey,
        rustls::Error::InvalidCertificate(_) => CertificateError::NoCertificate,
        _ => CertificateError::UnusableKey,
    })
}
