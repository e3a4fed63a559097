//! Invented classes, for the tests of this crate.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use gradebook::Class;

/// The text of the `n`-th invented key.
pub(crate) fn key(n: u8) -> String {
    URL_SAFE.encode([n; 32])
}

/// The text with `K1` to `K9` replaced by invented keys.
pub(crate) fn keyed(text: &str) -> String {
    let mut text = text.to_owned();
    for n in 1..10 {
        text = text.replace(&format!("K{n}"), &key(n));
    }
    text
}

/// A class file with two assessments and these rows.
pub(crate) fn class(rows: &[&str]) -> String {
    let mut file = String::from("Name,ID Number,Key,Lab 1,Exam 1\n");
    for row in rows {
        file.push_str(row);
        file.push('\n');
    }
    keyed(&file)
}

/// The rows of a class, each as one text: `4001|Ada Able|9.5|EX`.
pub(crate) fn rows_of(class: &Class) -> Vec<String> {
    let row =
        |(id, name, marks): (&str, &str, Vec<&str>)| format!("{id}|{name}|{}", marks.join("|"));
    class.rows().map(|(id, name, marks)| row((id, name, marks.collect()))).collect()
}
