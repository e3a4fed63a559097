//! Workbooks: xlsx and ods, which are archives, and xls, which is a compound file.
//!
//! The reader of workbooks makes room for every cell between two far ones, and unpacks what an archive
//! contains. So a workbook is looked through for both before it is read.

mod archive;
mod damage;
mod grid;
mod number_format;
mod ods;
mod sheet;
mod xls;
mod xlsx;
mod xlsx_columns;

use std::panic::{AssertUnwindSafe, catch_unwind};

use archive::Archive;
pub(crate) use archive::{has_entry, unpack};

use damage::damaged;

use crate::error::ClassFileError;
use crate::limits::ReadLimits;
use crate::table::SheetContent;

/// The kind of a file that is not text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A zip archive.
    Archive,
    /// A compound file, as older spreadsheet programs and encrypted workbooks use it.
    Compound,
}

/// The kind of a file; `None` if it is text.
pub(crate) fn kind(bytes: &[u8]) -> Option<Kind> {
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        Some(Kind::Archive)
    } else if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]) {
        Some(Kind::Compound)
    } else {
        None
    }
}

/// Reads a sheet: the named one, or the first that is shown.
pub(crate) fn read(
    bytes: &[u8],
    kind: Kind,
    sheet: Option<&str>,
    limits: &ReadLimits,
) -> Result<SheetContent, ClassFileError> {
    // The libraries are sound with damaged files as far as we know, and what we do not know must not
    // end the server.
    let read = catch_unwind(AssertUnwindSafe(|| match kind {
        Kind::Compound => xls::read(bytes, sheet),
        Kind::Archive => {
            let archive = Archive::check(bytes, limits)?;
            if archive.has("xl/workbook.xml") {
                xlsx::read(bytes, sheet)
            } else if archive.has("content.xml") {
                ods::read(bytes, &archive, sheet)
            } else if archive.has("xl/workbook.bin") {
                Err(damaged("is an xlsb workbook; save it as xlsx, ods or CSV"))
            } else {
                Err(damaged("is an archive of no known kind; name the class file that is in it"))
            }
        }
    }));
    read.unwrap_or_else(|_| Err(damaged("is damaged; open it in a spreadsheet and save it again")))
}
