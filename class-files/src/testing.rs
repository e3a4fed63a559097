//! Invented classes, for the tests of this crate.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use gradebook::Class;

use crate::{KeyFile, ReadOptions, Source, read};

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

/// All that a file says, as texts: its students or errors, what was understood, and its keys.
pub(crate) fn everything_said(source: Source<'_>, options: &ReadOptions<'_>) -> [String; 3] {
    let reading = read(source, options);
    let class = reading.class.map(|class| {
        let columns = class.columns().len();
        let students = class.each_student().zip(rows_of(&class)).map(|(student, row)| {
            let comments: Vec<_> = (0..columns).map(|at| student.comment(at)).collect();
            format!("{row} {:?} {comments:?}", student.holds().collect::<Vec<_>>())
        });
        let columns = class.columns().iter().map(|column| format!("{column:?}"));
        columns.chain(students).collect::<Vec<_>>().join("\n")
    });
    let keys = KeyFile::from_class_file(source, options);
    [
        class.unwrap_or_else(|errors| errors.to_string()),
        serde_json::to_string(&reading.explanation).unwrap(),
        keys.map_or_else(|errors| errors.to_string(), |keys| keys.expose_text().to_string()),
    ]
}
