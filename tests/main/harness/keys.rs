//! The class with its keys in a file of their own.

use super::{ADA, BO, CLASS, Student, ZOE};

/// The class without its column of keys.
pub(crate) fn class_without_keys() -> String {
    let key = |text: String, student: &Student| text.replace(&format!(",{}", student.1), "");
    [ADA, BO, ZOE].iter().fold(CLASS.replace(",Key", ""), key)
}

/// A key file with these rows.
pub(crate) fn keys_of(students: &[(&str, &str)]) -> String {
    let row = |(id, key): &(&str, &str)| format!("{id},{key}\n");
    format!("ID Number,Key\n{}", students.iter().map(row).collect::<String>())
}
