//! The columns of an xlsx workbook that are not shown, which the reader of its cells passes over
//! (ECMA-376, part 1, section 18.3.1.13).
//!
//! A workbook in which nothing is found is damaged for the reader of cells, too, or has its parts in other
//! places than spreadsheet programs put them.

use std::collections::BTreeSet;
use std::io::{Cursor, Read};

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

/// The last column of a sheet, counted from 0.
const LAST_COLUMN: u32 = 16_383;

/// The hidden columns of a sheet, counted from 0.
pub(super) fn hidden_columns(bytes: &[u8], sheet: &str) -> BTreeSet<u32> {
    sheet_part(bytes, sheet).map(|part| hidden_in(&part)).unwrap_or_default()
}

/// The XML of a sheet.
fn sheet_part(bytes: &[u8], sheet: &str) -> Option<String> {
    let workbook = part(bytes, "xl/workbook.xml")?;
    let id = elements(&workbook).find_map(|element| {
        let is_wanted = is_named(&element, "sheet") && attribute(&element, "name")? == sheet;
        if is_wanted { attribute(&element, "id") } else { None }
    })?;
    let relations = part(bytes, "xl/_rels/workbook.xml.rels")?;
    let target = elements(&relations).find_map(|element| {
        let is_wanted = is_named(&element, "Relationship") && attribute(&element, "Id")? == id;
        if is_wanted { attribute(&element, "Target") } else { None }
    })?;
    match target.strip_prefix('/') {
        Some(path) => part(bytes, path),
        None => part(bytes, &format!("xl/{target}")),
    }
}

fn hidden_in(sheet: &str) -> BTreeSet<u32> {
    let mut hidden = BTreeSet::new();
    for element in elements(sheet) {
        // The columns stand before the cells.
        if is_named(&element, "sheetData") {
            break;
        }
        let is_true = |value: String| value == "1" || value == "true";
        if is_named(&element, "col") && attribute(&element, "hidden").is_some_and(is_true) {
            let column = |name| attribute(&element, name)?.parse::<u32>().ok()?.checked_sub(1);
            if let (Some(first), Some(last)) = (column("min"), column("max")) {
                hidden.extend(first..=last.min(LAST_COLUMN));
            }
        }
    }
    hidden
}

/// A part of the workbook as text. What it may unpack to was checked before.
fn part(bytes: &[u8], name: &str) -> Option<String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut text = String::new();
    archive.by_name(name).ok()?.read_to_string(&mut text).ok()?;
    Some(text)
}

/// The elements of a document, as they begin.
fn elements(xml: &str) -> impl Iterator<Item = BytesStart<'_>> {
    let mut reader = Reader::from_str(xml);
    std::iter::from_fn(move || {
        loop {
            match reader.read_event() {
                Ok(Event::Start(element) | Event::Empty(element)) => return Some(element),
                Ok(Event::Eof) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    })
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
