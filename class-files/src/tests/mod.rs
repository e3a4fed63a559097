//! Conversations with the reader: a file, and the class or the errors that it makes.

mod course;
mod damage;
mod exports;
mod headers;
mod plain;
mod shapes;
mod workbooks;

use gradebook::Class;

use crate::testing::{everything_said, key, rows_of};
use crate::{
    Course, Explanation, FolderFile, Format, KeyFile, Keys, ReadLimits, ReadOptions, Reading,
    Source, Threads, read,
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
    read_alike(source, &options).explanation
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
    read_alike(source, &options).class.map_err(|errors| errors.to_string())
}

/// Reads a file, and reads it again in parts, with the same result.
fn read_alike(source: Source<'_>, options: &ReadOptions<'_>) -> Reading {
    let reading = read(source, options);
    let said = everything_said(source, options);
    for count in [2, 3, 7] {
        let threads = Threads { count, part_bytes_min: 1 };
        let in_parts = everything_said(source, &ReadOptions { threads, ..*options });
        assert_eq!(in_parts, said, "in {count} parts");
    }
    reading
}

/// The files of a folder.
fn folder(files: &[(&str, &str)]) -> Vec<FolderFile> {
    let file = |(name, text): &(&str, &str)| ((*name).to_owned(), text.as_bytes().to_vec().into());
    files.iter().map(file).collect()
}
