//! The columns of an xlsx workbook that are not shown, which the reader of its cells passes over
//! (ECMA-376, part 1, section 18.3.1.13).
//!
//! A workbook in which the columns are not found is refused: what it hides would be published.

use std::collections::BTreeSet;
use std::io::{BufReader, Cursor};
use std::ops::ControlFlow;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use zip::ZipArchive;

use super::damage::damaged;
use crate::error::ClassFileError;
use crate::table::COLUMNS_MAX;

/// The hidden columns of a sheet, counted from 0.
pub(super) fn hidden_columns(bytes: &[u8], sheet: &str) -> Result<BTreeSet<u32>, ClassFileError> {
    let hidden = sheet_part(bytes, sheet).and_then(|part| hidden_in(bytes, &part));
    hidden.ok_or_else(|| {
        damaged("does not say which columns it hides; open it in a spreadsheet and save it again")
    })
}

/// The name of the part with a sheet.
fn sheet_part(bytes: &[u8], sheet: &str) -> Option<String> {
    let value = |element: &BytesStart<'_>, kind, key, wanted: &str, name| {
        let is_wanted =
            is_named(element, kind) && attribute(element, key).is_some_and(|key| key == wanted);
        let found = if is_wanted { attribute(element, name) } else { None };
        found.map_or(ControlFlow::Continue(()), ControlFlow::Break)
    };
    let id =
        find(bytes, "xl/workbook.xml", |element| value(element, "sheet", "name", sheet, "id"))?;
    let target = find(bytes, "xl/_rels/workbook.xml.rels", |element| {
        value(element, "Relationship", "Id", &id, "Target")
    })?;
    let absolute = target.strip_prefix('/').map(str::to_owned);
    Some(absolute.unwrap_or_else(|| format!("xl/{target}")))
}

fn hidden_in(bytes: &[u8], part: &str) -> Option<BTreeSet<u32>> {
    let mut hidden = BTreeSet::new();
    find(bytes, part, |element| {
        // The columns stand before the cells.
        if is_named(element, "sheetData") {
            return ControlFlow::Break(());
        }
        let is_true = |value: String| value == "1" || value == "true";
        if is_named(element, "col") && attribute(element, "hidden").is_some_and(is_true) {
            let column = |name| attribute(element, name)?.parse::<u32>().ok()?.checked_sub(1);
            let columns_max = u32::try_from(COLUMNS_MAX).unwrap_or(u32::MAX);
            if let (Some(first), Some(last)) = (column("min"), column("max")) {
                hidden.extend(first..columns_max.min(last.saturating_add(1)));
            }
        }
        ControlFlow::Continue(())
    })?;
    Some(hidden)
}

/// Looks at the elements of a part as they begin, until one is found. No more is unpacked than that needs.
fn find<T>(
    bytes: &[u8],
    part: &str,
    mut look: impl FnMut(&BytesStart<'_>) -> ControlFlow<T>,
) -> Option<T> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut reader = Reader::from_reader(BufReader::new(archive.by_name(part).ok()?));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).ok()? {
            Event::Start(element) | Event::Empty(element) => {
                if let ControlFlow::Break(found) = look(&element) {
                    return Some(found);
                }
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

fn is_named(element: &BytesStart<'_>, name: &str) -> bool {
    element.local_name().as_ref() == name
}

/// The value of an attribute, whatever its prefix is.
fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = element.attributes().flatten();
    let attribute = attributes.find(|attribute| attribute.key.local_name().as_ref() == name)?;
    Some(attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned())
}
