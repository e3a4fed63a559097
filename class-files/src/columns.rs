//! The names of the columns that are not assessments.

pub(crate) const NAME: &str = "Name";
pub(crate) const ID: &str = "ID Number";
pub(crate) const KEY: &str = "Key";

/// A header cell on one line: spreadsheets break long ones.
pub(crate) fn on_one_line(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
