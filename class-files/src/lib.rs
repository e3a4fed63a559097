//! Reads class files and key files.
//!
//! [`read`] reads a class file of any known shape into a [`Class`] and an
//! [`Explanation`] of what was understood; [`KeyFile`] reads the students' keys. [`Course`] says what a
//! class file cannot. A file is read completely or rejected: an error names the row, the column and the
//! fix.
//!
//! ```text
//! bytes -> encoding -> separator -> table --+
//! workbook ------------------------> table --+--> shape -> layout -> reader -> Class
//! archive -------------------------> table --+
//! ```
//!
//! This crate opens no file, has no clock, knows no edition, and decides nothing about statistics.

#![forbid(unsafe_code)]

mod byte_bits;
mod cells;
mod columns;
mod course;
mod course_apply;
mod decimals;
mod encoding;
mod error;
mod explain;
mod explanation;
mod identifiers;
mod key_file;
mod layout;
mod limits;
mod marks;
mod problem;
mod reader;
mod required;
mod rows;
mod separator;
mod shapes;
mod table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod threads;
mod workbook;

pub use course::{Course, CourseError};
use encoding::Text;
use error::ErrorList;
pub use error::{ClassFileError, ClassFileErrors, Column, Place};
pub use explanation::{ExplainedColumn, ExplainedError, ExplainedUse, Explanation, SkippedRow};
use fernet_batch::{SecretBytes, Timestamp};
use gradebook::Class;
pub use key_file::KeyFile;
use layout::RowText;
pub use limits::ReadLimits;
pub use problem::{IdList, Problem, Shown};
use reader::{ClassReader, Found, Origin};
use separator::separate;
use shapes::{Shape, Surroundings, oneroster};
use table::{COLUMNS_MAX, Table, Wide};
pub use threads::Threads;

/// A file of a folder: its name and its bytes.
pub type FolderFile = (String, SecretBytes);

/// What a class is read from.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// The bytes of a file.
    File(&'a [u8]),
    /// The files of a folder: the name and the bytes of each.
    Folder(&'a [FolderFile]),
}

/// The format of a class file.
#[derive(Clone, Copy, Default)]
pub struct Format(Option<&'static Shape>);

/// Where the students' keys stand.
#[derive(Clone, Copy)]
pub enum Keys<'a> {
    /// In the class file.
    InClassFile,
    /// In a key file, which names the same students.
    KeyFile(&'a KeyFile),
    /// Perhaps in the class file. The class that is read then has keys that nobody has.
    Optional,
}

/// How to read a class file.
#[derive(Clone, Copy)]
pub struct ReadOptions<'a> {
    /// The name of the file: files with the marks of one assessment do not name it.
    pub file_name: &'a str,
    /// The format.
    pub format: Format,
    /// What the class file cannot say.
    pub course: &'a Course,
    /// Where the keys stand.
    pub keys: Keys<'a>,
    /// How large the file may be.
    pub limits: ReadLimits,
    /// When it is read, for the explanation of what is released.
    pub now: Timestamp,
    /// Whether marks are read, too.
    pub reads_marks: bool,
    /// How many threads read it.
    pub threads: Threads,
}

impl ReadOptions<'static> {
    /// How to read a file of which nothing is known.
    pub fn of_any_file(limits: ReadLimits) -> Self {
        Self {
            file_name: "",
            format: Format::AUTO,
            course: Course::none(),
            keys: Keys::InClassFile,
            limits,
            now: Timestamp(0),
            reads_marks: true,
            threads: Threads::ONE,
        }
    }
}

/// A class file that was read.
pub struct Reading {
    /// The class, with all its assessments, whether they are released or not.
    pub class: Result<Class, ClassFileErrors>,
    /// What was understood.
    pub explanation: Explanation,
}

impl Format {
    /// The format that a file has is found out.
    pub const AUTO: Self = Self(None);

    /// The format with this name; `auto` is [`AUTO`](Self::AUTO).
    pub fn named(name: &str) -> Option<Self> {
        if name == "auto" {
            return Some(Self::AUTO);
        }
        shapes::named(name).map(|shape| Self(Some(shape)))
    }

    /// The shape, if it was named.
    fn shape(self) -> Option<&'static Shape> {
        self.0
    }

    /// The names of all formats, `auto` first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        std::iter::once("auto").chain(shapes::format_names())
    }
}

/// Reads a class file.
pub fn read(source: Source<'_>, options: &ReadOptions<'_>) -> Reading {
    let mut explanation = Explanation::default();
    let class = read_table(source, options, &mut explanation).map(|(class, _)| class);
    Reading { class, explanation }
}

/// Reads a class file of which nothing is known, with keys from it or from a key file.
///
/// # Errors
/// Returns all that is wrong with it.
pub fn read_class(
    file: impl std::io::Read,
    keys: Option<&KeyFile>,
    limits: &ReadLimits,
) -> Result<Class, ClassFileErrors> {
    let bytes = limits.read(file, 0)?;
    let keys = keys.map_or(Keys::InClassFile, Keys::KeyFile);
    let options = ReadOptions { keys, ..ReadOptions::of_any_file(*limits) };
    read(Source::File(&bytes), &options).class
}

/// Reads a class and, if those are optional, its keys.
fn read_table(
    source: Source<'_>,
    options: &ReadOptions<'_>,
    explanation: &mut Explanation,
) -> Result<(Class, KeyFile), ClassFileErrors> {
    explanation.file = options.file_name.to_owned();
    let found = read_any(source, options, explanation);
    let found = found.inspect_err(|error| explanation.set_error(error))?;
    Ok((found.class?, found.keys))
}

fn read_any(
    source: Source<'_>,
    options: &ReadOptions<'_>,
    explanation: &mut Explanation,
) -> Result<Found, ClassFileError> {
    let file = match source {
        Source::File(bytes) => bytes,
        Source::Folder(files) => {
            return read_oneroster(files, options, explanation);
        }
    };
    match workbook::kind(file) {
        Some(workbook::Kind::Archive) if oneroster::is_archive(file) => {
            let files = workbook::unpack(file, &options.limits)?;
            read_oneroster(&files, options, explanation)
        }
        Some(kind) => {
            let sheet = options.course.sheet.as_deref();
            let sheet = workbook::read(file, kind, sheet, &options.limits)?;
            let origin = Origin { text: None, files: None };
            read_shape(Table::of_sheet(sheet)?, origin, options, explanation)
        }
        None => {
            let text = Text::decode(file).map_err(|invalid| invalid.problem().anywhere())?;
            let separated = separate(text.as_str());
            let separator = char::from(separated.separator);
            explanation.encoding = Some(text.encoding.name());
            explanation.separator = Some(separator.to_string());
            let origin = Origin { text: Some((text.encoding, separated.separator)), files: None };
            let table = Table::of_text(separated.text, separated.separator)?;
            read_shape(table, origin, options, explanation)
        }
    }
}

/// The most rows of a file with a row for each mark, for each student that a class may have.
const MARKS_PER_STUDENT_MAX: usize = 100;

/// Reads a table of the shape that it has.
fn read_shape(
    mut table: Table<'_>,
    origin: Origin,
    options: &ReadOptions<'_>,
    explanation: &mut Explanation,
) -> Result<Found, ClassFileError> {
    if table.header.len() > COLUMNS_MAX {
        let problem = Problem::TooManyColumns { columns: table.header.len(), max: COLUMNS_MAX };
        return Err(problem.at_row(table.header.row));
    }
    let first_row = table.first_row()?;
    let detected = || shapes::detect(&table.header, RowText(&first_row));
    let shape = match options.format {
        Format(None) => detected(),
        Format(Some(shape)) => shape,
    };
    explanation.shape = Some(shape.name);
    let is_table = matches!(shape.name, "plain" | "table");
    if !is_table && !(shape.matches)(&table.header, RowText(&first_row)) {
        return Err(Problem::OtherFormat(shape.name).at_row(table.header.row));
    }
    let mut errors = ErrorList::default();
    if let Some(widen) = shape.widen {
        let rows = table.rest(options.limits.rows_max.saturating_mul(MARKS_PER_STUDENT_MAX))?;
        let wide = widen(&table.header, &rows, &mut errors);
        return Ok(read_wide(wide, shape, origin, options, explanation, errors));
    }
    let file_stem = std::path::Path::new(options.file_name).file_stem();
    let file_stem = file_stem.and_then(std::ffi::OsStr::to_str).unwrap_or("Marks");
    let surroundings = Surroundings { file_stem, first_row: RowText(&first_row) };
    let mut layout = (shape.layout)(&table.header, &surroundings);
    layout.ignore_hidden(&table.hidden_columns);
    course_apply::apply_columns(options.course, &table.header, &mut layout, &mut errors);
    if shape.name == shapes::MOODLE {
        explanation.exported_at = shapes::exported_at(RowText(&first_row));
    }
    let header = table.header.clone();
    let reader = ClassReader::new(options, origin, shape, (header, layout), explanation);
    Ok(reader.read(table, errors))
}

/// Reads the files of a OneRoster export.
fn read_oneroster(
    files: &[FolderFile],
    options: &ReadOptions<'_>,
    explanation: &mut Explanation,
) -> Result<Found, ClassFileError> {
    let shape = options.format.shape().unwrap_or(&oneroster::SHAPE);
    if shape.name != oneroster::SHAPE.name {
        return Err(Problem::OtherFormat(shape.name).anywhere());
    }
    explanation.shape = Some(shape.name);
    let mut errors = ErrorList::default();
    let rows_max = options.limits.rows_max.saturating_mul(MARKS_PER_STUDENT_MAX);
    let wide = oneroster::widen(files, rows_max, &mut errors)?;
    let origin = Origin { text: None, files: Some(oneroster::FILES) };
    Ok(read_wide(wide, shape, origin, options, explanation, errors))
}

/// Reads a table that was made of one with a row for each mark.
fn read_wide(
    wide: Wide,
    shape: &'static Shape,
    origin: Origin,
    options: &ReadOptions<'_>,
    explanation: &mut Explanation,
    errors: ErrorList,
) -> Found {
    let Wide { header, mut layout, rows } = wide;
    let mut errors = errors;
    course_apply::apply_columns(options.course, &header, &mut layout, &mut errors);
    let table = Table::below(header.clone(), rows);
    let reader = ClassReader::new(options, origin, shape, (header, layout), explanation);
    reader.read(table, errors)
}
