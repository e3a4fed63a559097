//! Reading a certificate and its key.

use std::path::PathBuf;

use class_files::{ReadLimits, Threads};
use grade_web::{Certificate, CertificateError};

use super::regular::{Contents, FileRead, ReadError};
use crate::redact::show_path;

/// The most bytes of a certificate's file: a chain of many certificates.
const LIMITS: ReadLimits = ReadLimits { bytes_max: 1 << 20, rows_max: 0 };

/// Where a certificate is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate chain in PEM.
    pub(crate) chain: PathBuf,
    /// The private key in PEM.
    pub(crate) key: PathBuf,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateFilesError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{}: {error}", show_path(path))]
    Unusable { path: PathBuf, error: CertificateError },
}

impl CertificateFiles {
    /// Reads the certificate.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read, if other users can read the key, or if the two do not
    /// belong together.
    pub(crate) fn read(&self) -> Result<Certificate, CertificateFilesError> {
        self.read_with(Certificate::from_pem)
    }

    /// Reads the certificate again, in place of one that is in use.
    ///
    /// # Errors
    /// Returns an error if [`read`](Self::read) would; then the certificate in use stays.
    pub(crate) fn read_again(
        &self,
        certificate: &Certificate,
    ) -> Result<(), CertificateFilesError> {
        self.read_with(|chain, key| certificate.exchange(chain, key))
    }

    fn read_with<T>(
        &self,
        make: impl FnOnce(&[u8], &[u8]) -> Result<T, CertificateError>,
    ) -> Result<T, CertificateFilesError> {
        let read = |path: &PathBuf| {
            FileRead::read(path, |file| Ok(file.read_whole(&LIMITS, Threads::ONE)?))
        };
        let chain = read(&self.chain)?;
        let key = read(&self.key)?;
        if let Some(error) = key.world_readable(Contents::PrivateKey) {
            return Err(error.into());
        }
        make(&chain.content, &key.content).map_err(|error| {
            let is_of_chain = error == CertificateError::NoCertificate;
            let path = if is_of_chain { self.chain.clone() } else { self.key.clone() };
            CertificateFilesError::Unusable { path, error }
        })
    }
}
