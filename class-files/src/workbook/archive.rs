//! Zip archives: what is in them, and how much that is.

use std::io::{Cursor, Read};

use fernet_batch::SecretBytes;
use zeroize::Zeroizing;
use zip::ZipArchive;
use zip::result::ZipError;

use super::damage::{damaged, encrypted, unreadable};
use crate::FolderFile;
use crate::error::ClassFileError;
use crate::limits::ReadLimits;
use crate::problem::Problem;

/// The most entries of an archive.
const ENTRIES_MAX: usize = 10_000;
/// The most bytes of all entries: a workbook of that size has millions of cells.
const UNPACKED_BYTES_MAX: u64 = 256 << 20;

/// An archive that unpacks to no more than it may.
pub(crate) struct Archive {
    names: Vec<String>,
    /// The entry `content.xml`, which is the content of an ods workbook.
    content: Vec<u8>,
    encrypted_parts: bool,
    /// Whether a part states that it has more texts than bytes.
    states_too_many_strings: bool,
}

impl Archive {
    /// Unpacks everything once, and keeps little of it.
    pub(crate) fn check(bytes: &[u8], limits: &ReadLimits) -> Result<Self, ClassFileError> {
        let mut archive = Self {
            names: Vec::new(),
            content: Vec::new(),
            encrypted_parts: false,
            states_too_many_strings: false,
        };
        each_entry(bytes, limits, |name, content| {
            if name == "META-INF/manifest.xml" {
                let marker = b"encryption-data";
                archive.encrypted_parts = memchr::memmem::find(&content, marker).is_some();
            }
            archive.states_too_many_strings |= states_more_strings_than_fit(&content);
            if name == "content.xml" {
                archive.content = content.to_vec();
            }
            archive.names.push(name);
        })?;
        if archive.encrypted_parts {
            return Err(encrypted());
        }
        if archive.states_too_many_strings {
            return Err(damaged(
                "states that it has more texts than it has room for; save it again",
            ));
        }
        Ok(archive)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|found| found == name)
    }

    pub(super) fn content(&self) -> &[u8] {
        &self.content
    }
}

/// Returns true if a part states more texts in `uniqueCount` than it has bytes: the reader makes room for
/// that many. The part may be in UTF-16, where every other byte is NUL.
fn states_more_strings_than_fit(content: &[u8]) -> bool {
    let without_nul: Vec<u8>;
    let text = if memchr::memchr(0, content).is_some() {
        without_nul = content.iter().copied().filter(|byte| *byte != 0).collect();
        &without_nul
    } else {
        content
    };
    let name = b"uniqueCount";
    memchr::memmem::find_iter(text, name).any(|at| {
        let rest = text.get(at.saturating_add(name.len())..).unwrap_or_default();
        let is_before_digits = |byte: &u8| byte.is_ascii_whitespace() || b"='\"+".contains(byte);
        let digits = rest.iter().skip_while(|byte| is_before_digits(byte));
        let digits = digits.take_while(|byte| byte.is_ascii_digit());
        let stated = digits.fold(0_usize, |number, digit| {
            number.saturating_mul(10).saturating_add(usize::from(digit - b'0'))
        });
        stated > text.len()
    })
}

/// The files of an archive: the name and the bytes of each.
pub(crate) fn unpack(bytes: &[u8], limits: &ReadLimits) -> Result<Vec<FolderFile>, ClassFileError> {
    let mut files = Vec::new();
    each_entry(bytes, limits, |name, content| files.push((name, content)))?;
    Ok(files)
}

/// Returns true if an archive has this entry.
pub(crate) fn has_entry(bytes: &[u8], name: &str) -> bool {
    ZipArchive::new(Cursor::new(bytes)).is_ok_and(|archive| archive.index_for_name(name).is_some())
}

/// Unpacks each entry of an archive.
fn each_entry(
    bytes: &[u8],
    limits: &ReadLimits,
    mut take: impl FnMut(String, SecretBytes),
) -> Result<(), ClassFileError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
    if archive.len() > ENTRIES_MAX {
        return Err(damaged("is an archive of more than 10000 files; name the class file alone"));
    }
    let bytes_max = limits.bytes_max.min(UNPACKED_BYTES_MAX);
    let mut left = bytes_max;
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).map_err(|error| match error {
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => encrypted(),
            error => unreadable(&error),
        })?;
        let too_many = || Problem::TooManyUnpackedBytes(bytes_max).anywhere();
        let stated = entry.size();
        if stated > left {
            return Err(too_many());
        }
        let mut content = Zeroizing::new(Vec::new());
        let name = entry.name().map_err(|error| unreadable(&error))?.into_owned();
        // The size that the archive states may be wrong, so that one byte more is asked for.
        let read = entry.by_ref().take(left.saturating_add(1)).read_to_end(&mut content);
        read.map_err(|error| unreadable(&error))?;
        let unpacked = u64::try_from(content.len()).unwrap_or(u64::MAX);
        if unpacked > left {
            return Err(too_many());
        }
        if unpacked != stated {
            return Err(damaged(
                "is an archive that states another size than its content has; save it again",
            ));
        }
        left = left.saturating_sub(unpacked);
        take(name, std::mem::take(&mut *content).into());
    }
    Ok(())
}
