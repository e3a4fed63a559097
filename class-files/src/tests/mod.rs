//! Conversations with the reader: a file, and the class or the errors that it makes.

mod course;
mod damage;
mod exports;
mod headers;
mod plain;
mod shapes;
mod workbooks;

use gradebook::Class;

use crate::testing::key;
use crate::{
    Course, Explanation, FolderFile, Format, KeyFile, Keys, ReadLimits, ReadOptions, Source, read,
};

const LIMITS: ReadLimits = ReadLimits { bytes_max: 1 << 20, rows_max: 1000 };

/// A key file for these students.
fn keys(ids: &[&str]) -> KeyFile {
    let rows = ids.iter().zip(1..).map(|(id, n)| format!("{id},{}\n", key(n)));
    let text = format!("ID Number,Key\n{}", rows.collect::<String>());
    KeyFile::read(text.as_bytes(), &LIMITS).unwrap()
}

/// What was understood of a file.
fn explained(name: &str, bytes: &[u8], course: &str) -> Explanation {
    explained_source(name, Source::File(bytes), course, Format::AUTO)
}

fn explained_source(name: &str, source: Source<'_>, course: &str, format: Format) -> Explanation {
    let course = Course::parse(course).unwrap();
    let options = ReadOptions {
        file_name: name,
        course: &course,
        format,
        keys: Keys::Optional,
        ..ReadOptions::of_any_file(LIMITS)
    };
    read(source, &options).explanation
}

/// The class of a file whose students have keys in a key file.
fn class_of(name: &str, source: Source<'_>, course: &str, ids: &[&str]) -> Result<Class, String> {
    let course = Course::parse(course).unwrap();
    let keys = keys(ids);
    let options = ReadOptions {
        file_name: name,
        course: &course,
        keys: Keys::KeyFile(&keys),
        ..ReadOptions::of_any_file(LIMITS)
    };
    read(source, &options).class.map_err(|errors| errors.to_string())
}

/// The rows of a class, each as one text: `4001|Ada Able|9.5|EX`.
fn rows_of(class: &Class) -> Vec<String> {
    let row =
        |(id, name, marks): (&str, &str, Vec<&str>)| format!("{id}|{name}|{}", marks.join("|"));
    class.rows().map(|(id, name, marks)| row((id, name, marks.collect()))).collect()
}

/// The files of a folder.
fn folder(files: &[(&str, &str)]) -> Vec<FolderFile> {
    let file = |(name, text): &(&str, &str)| ((*name).to_owned(), text.as_bytes().to_vec().into());
    files.iter().map(file).collect()
}
