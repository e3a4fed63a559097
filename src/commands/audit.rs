//! `audit verify`: whether an audit log is as it was written.

use std::path::PathBuf;

use super::CommandError;
use crate::audit::{self, Verified};

/// Verifies the files of an audit log, the oldest first.
pub(crate) fn verify(files: &[PathBuf]) -> Result<String, CommandError> {
    let Verified { first, last, from, to, unfinished } =
        audit::verify(files).map_err(CommandError::failed)?;
    let earlier = if first == 1 { "" } else { "; earlier records are not in these files" };
    let behind = if unfinished { "; an unfinished record stands behind them" } else { "" };
    Ok(format!(
        "records {first} to {last}, {from} to {to}: complete and unchanged, up to the one that its .head \
         names{earlier}{behind}"
    ))
}
