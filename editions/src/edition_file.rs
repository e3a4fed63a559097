//! The file of one edition: a line with the digest of everything behind it, then the parts, deflated.
//!
//! ```text
//! grade-actor-server edition 1 <SHA-256 of the parts, 64 hexadecimal digits>\n
//! deflate(record | content | decisions | releases)
//! ```
//!
//! Each part stands behind its length. A file that was cut or changed anywhere is refused.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::bufread::DeflateDecoder;
use flate2::write::DeflateEncoder;
use sha2::{Digest as _, Sha256};

use crate::codec::{Malformed, Reader, Writer};
use crate::content::{Content, ContentDigest};
use crate::record::EditionRecord;

const MAGIC: &str = "grade-actor-server edition 1 ";

/// The most bytes of the parts: a class of a million students with comments.
const BYTES_MAX: u64 = 4 << 30;

/// Everything that is kept of an edition.
#[derive(Clone)]
pub struct StoredEdition {
    /// What is known of it beside its content.
    pub record: EditionRecord,
    /// The class.
    pub content: Content,
    /// What was decided about its statistics, as `gradebook` writes it.
    pub decisions: Vec<u8>,
    /// Everything that was released up to it, as `gradebook` writes it.
    pub releases: Vec<u8>,
}

impl StoredEdition {
    pub(crate) fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        let mut parts = Writer::default();
        parts.block(&serde_json::to_vec(&self.record)?);
        parts.block(&self.content.to_bytes());
        parts.block(&self.decisions);
        parts.block(&self.releases);
        let parts = parts.into_bytes();
        let digest = ContentDigest(Sha256::digest(&parts).into());
        let mut deflated =
            DeflateEncoder::new(format!("{MAGIC}{digest}\n").into_bytes(), Compression::default());
        deflated.write_all(&parts)?;
        deflated.finish()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let line_bytes = MAGIC.len() + 65;
        let (line, deflated) = bytes.split_at_checked(line_bytes).ok_or(Malformed)?;
        let mut parts = Vec::new();
        let mut input = deflated;
        let inflated = DeflateDecoder::new(&mut input).take(BYTES_MAX).read_to_end(&mut parts);
        if inflated.is_err() || !input.is_empty() {
            return Err(Malformed);
        }
        let digest = ContentDigest(Sha256::digest(&parts).into());
        if line != format!("{MAGIC}{digest}\n").as_bytes() {
            return Err(Malformed);
        }
        let mut parts = Reader::new(&parts);
        let record = serde_json::from_slice(parts.block()?).map_err(|_| Malformed)?;
        let content = Content::from_bytes(parts.block()?).map_err(|_| Malformed)?;
        let decisions = parts.block()?.to_vec();
        let releases = parts.block()?.to_vec();
        parts.end()?;
        Ok(Self { record, content, decisions, releases })
    }
}
