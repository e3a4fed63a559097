//! Reading a class file: a CSV as spreadsheets export it, refused whole when anything in it is wrong.
//!
//! The first row names the columns. `Name`, `ID Number` and `Key` may stand anywhere; every other
//! column is an assessment, in file order. An error names row and column and never repeats a cell,
//! which could be a key in the wrong place.

mod error;
mod rows;

use std::collections::HashSet;
use std::io::Read;

use csv::ByteRecord;

use error::NAME;
pub use error::{ClassFileError, Column, IdList};
pub(crate) use error::{ID, KEY};
pub(crate) use rows::Rows;

use crate::book::{Book, EditionNumber};
use crate::key::StudentKeys;
use crate::key_file::KeyFile;
use crate::release::ReleaseHistory;
use crate::request::StudentId;
use crate::roster::{AddError, Duplicate, Record, Roster, RosterBuilder};
use crate::statistics::PrivacyPolicy;

/// What a class file may be, and what becomes of it.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// The most bytes.
    pub bytes_max: u64,
    /// The most students.
    pub rows_max: usize,
    /// By which rule statistics are told.
    pub policy: PrivacyPolicy,
}

/// Reads a class file with a column of keys into the book of that edition. What it may tell of the class
/// depends on what editions `before` have told.
///
/// # Errors
/// [`ClassFileError`] when the file is not all it should be.
pub fn read_class_file(
    file: impl Read,
    options: &ReadOptions,
    edition: EditionNumber,
    before: &ReleaseHistory,
) -> Result<Book, ClassFileError> {
    read_book(file, None, options, edition, before)
}

/// As [`read_class_file`], for a class file without a column of keys and a file of keys for the same
/// students.
///
/// # Errors
/// [`ClassFileError`] when the class file is not all it should be, or names other students than the
/// file of keys.
pub fn read_class_files(
    file: impl Read,
    keys: &KeyFile,
    options: &ReadOptions,
    edition: EditionNumber,
    before: &ReleaseHistory,
) -> Result<Book, ClassFileError> {
    read_book(file, Some(keys), options, edition, before)
}

fn read_book(
    file: impl Read,
    keys: Option<&KeyFile>,
    options: &ReadOptions,
    edition: EditionNumber,
    before: &ReleaseHistory,
) -> Result<Book, ClassFileError> {
    let (mut rows, header) = Rows::of(file, options.bytes_max)?;
    let header = Header::read(&header, keys)?;
    let mut roster = RosterBuilder::new(header.assessments.len());
    let mut read = StudentsRead::default();
    let all_read = read_students(&mut rows, &header, options, &mut roster, &mut read);
    // Of all that is wrong with a file, what comes first in it is told.
    let line = |place: usize| read.lines.get(place).copied().unwrap_or_default();
    let roster = roster.finish().map_err(|duplicate| match duplicate {
        Duplicate::SameId { first, second } => {
            ClassFileError::DuplicateId { row: line(second), first: line(first) }
        }
        Duplicate::SameKey { first, second } => {
            ClassFileError::DuplicateKey { row: line(second), first: line(first) }
        }
    })?;
    all_read?;
    if let Some(keys) = keys {
        read.compare(keys, &roster)?;
    }
    if roster.len() == 0 {
        return Err(ClassFileError::NoStudents);
    }
    let names = header.assessments.into_iter().map(|(_, name)| name).collect();
    Ok(Book::bind(edition, names, roster, options.policy, before))
}

/// What is known of the students beside the roster.
#[derive(Default)]
struct StudentsRead {
    /// Where each student stands.
    lines: Vec<u64>,
    /// Those who have no key, who are not in the roster.
    keyless: Vec<String>,
}

impl StudentsRead {
    /// Whether the same students are in the class file and in the file of keys.
    fn compare(self, keys: &KeyFile, roster: &Roster) -> Result<(), ClassFileError> {
        if self.keyless.is_empty() && roster.len() == keys.len() {
            return Ok(());
        }
        let known: HashSet<_> = roster.records().map(Record::id).collect();
        let strangers = keys.ids().filter(|id| !known.contains(id));
        let strangers = strangers.map(str::to_owned).collect();
        Err(ClassFileError::OtherStudents {
            without_key: IdList(self.keyless),
            without_marks: IdList(strangers),
        })
    }
}

/// Reads the rows below the header.
fn read_students<R: Read>(
    rows: &mut Rows<R>,
    header: &Header<'_>,
    options: &ReadOptions,
    roster: &mut RosterBuilder,
    read: &mut StudentsRead,
) -> Result<(), ClassFileError> {
    while let Some((line, row)) = rows.next()? {
        if read.lines.len().saturating_add(read.keyless.len()) >= options.rows_max {
            return Err(ClassFileError::TooManyRows(options.rows_max));
        }
        let added = header.add(row, line, roster);
        // A quote that is never closed swallows the rows behind it; whatever else that breaks
        // follows from it.
        if rows.ended_in_quotes() {
            return Err(ClassFileError::UnclosedQuote { row: line });
        }
        match added? {
            Added::Student => read.lines.push(line),
            Added::Keyless(id) => read.keyless.push(id),
        }
    }
    Ok(())
}

/// What became of a row.
enum Added {
    /// It is in the roster.
    Student,
    /// There is no key for this student.
    Keyless(String),
}

/// Which column holds what.
struct Header<'a> {
    columns: usize,
    name: usize,
    id: usize,
    keys: KeySource<'a>,
    /// The other columns that have a name, in file order.
    assessments: Vec<(usize, String)>,
    /// Columns without a name, which must be blank throughout.
    unnamed: Vec<usize>,
}

/// Where keys come from.
enum KeySource<'a> {
    Column(usize),
    KeyFile(&'a KeyFile),
}

impl<'a> Header<'a> {
    fn read(row: &ByteRecord, keys: Option<&'a KeyFile>) -> Result<Self, ClassFileError> {
        let mut names = Vec::new();
        for (at, cell) in row.iter().enumerate() {
            let column = || Column { number: at + 1, name: None };
            let text = std::str::from_utf8(cell)
                .map_err(|_| ClassFileError::NotUtf8 { row: 1, column: column() })?;
            names.push(on_one_line(text));
        }
        let find = |wanted: &'static str| {
            let missing = || ClassFileError::MissingColumn { name: wanted, hint: hint(&names) };
            names.iter().position(|name| name == wanted).ok_or_else(missing)
        };
        let (name, id) = (find(NAME)?, find(ID)?);
        let keys = match (keys, find(KEY)) {
            (None, key) => KeySource::Column(key?),
            (Some(keys), Err(_)) => KeySource::KeyFile(keys),
            (Some(_), Ok(at)) => return Err(ClassFileError::KeysTwice { column: at + 1 }),
        };
        for (second, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            match names.iter().position(|other| other == name) {
                Some(first) if first < second => {
                    let (first, second) = (first + 1, second + 1);
                    return Err(ClassFileError::DuplicateHeader { first, second });
                }
                _ => {}
            }
        }
        if let Some(at) = names.iter().position(|name| looks_like_a_key(name)) {
            let column = Column { number: at + 1, name: None };
            return Err(ClassFileError::LooksLikeAKey { row: 1, column });
        }
        let is_key = |at: usize| matches!(keys, KeySource::Column(key) if key == at);
        let is_assessment = |at: usize| ![name, id].contains(&at) && !is_key(at);
        let others = names.iter().cloned().enumerate().filter(|(at, _)| is_assessment(*at));
        let (unnamed, assessments): (Vec<_>, Vec<_>) =
            others.partition(|(_, name)| name.is_empty());
        let unnamed = unnamed.into_iter().map(|(at, _)| at).collect();
        Ok(Self { columns: names.len(), name, id, keys, assessments, unnamed })
    }

    /// Adds one row of cells to the roster.
    fn add(
        &self,
        row: &ByteRecord,
        line: u64,
        roster: &mut RosterBuilder,
    ) -> Result<Added, ClassFileError> {
        if row.len() != self.columns {
            let (cells, columns) = (row.len(), self.columns);
            return Err(ClassFileError::RowLength { row: line, cells, columns });
        }
        if let Some(at) = not_utf8(row) {
            return Err(ClassFileError::NotUtf8 { row: line, column: self.column(at) });
        }
        let cell = |at: usize| row.get(at).unwrap_or_default().trim_ascii();
        if let Some(at) = self.unnamed.iter().find(|at| !cell(**at).is_empty()) {
            return Err(ClassFileError::UnnamedColumn { row: line, column: at + 1 });
        }
        let id = StudentId::new(cell(self.id)).ok_or(ClassFileError::BadId { row: line })?;
        let keys = match self.keys {
            KeySource::Column(at) => StudentKeys::parse(cell(at)).map(Some),
            KeySource::KeyFile(key_file) => Ok(key_file.keys(id.as_str()).cloned()),
        };
        let keys = keys.map_err(|why| ClassFileError::BadKey { row: line, why })?;
        let name = std::str::from_utf8(cell(self.name)).unwrap_or_default();
        for (at, text) in [(self.name, name), (self.id, id.as_str())] {
            if looks_like_a_key(text) {
                let column = self.column(at);
                return Err(ClassFileError::LooksLikeAKey { row: line, column });
            }
        }
        let Some(keys) = keys else { return Ok(Added::Keyless(id.to_string())) };
        let marks = self.assessments.iter().map(|(at, _)| cell(*at));
        let added = roster.add(&id, name, keys, marks).map_err(|fault| match fault {
            AddError::BadMark(mark, why) => {
                let at = self.assessments.get(mark).map_or(0, |(at, _)| *at);
                ClassFileError::BadMark { row: line, column: self.column(at), why }
            }
            AddError::Full => ClassFileError::TooManyBytes(u64::from(u32::MAX)),
        });
        added.map(|()| Added::Student)
    }

    fn column(&self, at: usize) -> Column {
        let named = self.assessments.iter().find(|(column, _)| *column == at);
        Column { number: at + 1, name: named.map(|(_, name)| name.clone()) }
    }
}

/// The first cell of a row that is not UTF-8. Nearly always all of a row is ASCII, which is found out at
/// once.
fn not_utf8(row: &ByteRecord) -> Option<usize> {
    let not_text = |cell: &[u8]| std::str::from_utf8(cell).is_err();
    if row.as_slice().is_ascii() { None } else { row.iter().position(not_text) }
}

/// A header on one line: spreadsheets break long ones.
pub(crate) fn on_one_line(text: &str) -> String {
    let clean = text.replace(char::is_control, " ");
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a text holds a word of the length that a key has without its `=`, in its alphabet.
pub(crate) fn looks_like_a_key(text: &str) -> bool {
    const KEY_WORD_BYTES: usize = 43;
    if text.len() < KEY_WORD_BYTES {
        return false;
    }
    let foreign = |char: char| !(char.is_ascii_alphanumeric() || char == '-' || char == '_');
    text.split(foreign).any(|word| word.len() == KEY_WORD_BYTES)
}

/// What may have happened to a header without the three columns.
fn hint(names: &[String]) -> &'static str {
    match names {
        [only] if only.contains(';') => "; export it again with commas, not semicolons",
        _ => "; the first row must name Name, ID Number, Key and the assessments",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, class, key};

    const OPTIONS: ReadOptions =
        ReadOptions { bytes_max: 4096, rows_max: 5, policy: PrivacyPolicy::NONE };

    fn read(bytes: &[u8]) -> Result<Book, ClassFileError> {
        read_class_file(bytes, &OPTIONS, EditionNumber(1), &ReleaseHistory::default())
    }

    /// The rows of the book that `bytes` make, each as one text.
    #[track_caller]
    fn rows(bytes: impl AsRef<[u8]>) -> Vec<String> {
        let book = read(bytes.as_ref()).unwrap_or_else(|fault| panic!("{fault}"));
        book.rows()
            .map(|(id, name, marks)| format!("{id}|{name}|{}", marks.collect::<Vec<_>>().join("|")))
            .collect()
    }

    #[track_caller]
    fn refused(bytes: impl AsRef<[u8]>) -> String {
        let Err(fault) = read(bytes.as_ref()) else { panic!("was accepted") };
        let text = fault.to_string();
        assert!(!text.contains(&key(1)) && !text.contains(&key(2)), "a key in: {text}");
        text
    }

    #[test]
    fn the_lab_s_columns_make_a_book() {
        let file = class(&["Ada Invented,2100001,K1,3,9.5", "Bo Invented,2100002,K2,,10"]);
        assert_eq!(rows(&file), ["2100001|Ada Invented|3|9.5", "2100002|Bo Invented||10"]);
        assert_eq!(
            read(file.as_bytes()).unwrap().assessments().collect::<Vec<_>>(),
            ["Lab 1", "Exam 1"]
        );
    }

    #[test]
    fn what_spreadsheets_export_is_accepted() {
        let plain = class(&["Ada Invented,2100001,K1,3,9.5", "Bo Invented,2100002,K2,,10"]);
        let expected = rows(&plain);
        assert_eq!(rows([b"\xef\xbb\xbf", plain.as_bytes()].concat()), expected, "BOM");
        let quoted = plain.lines().map(|line| format!("\"{}\"\n", line.replace(',', "\",\"")));
        let quoted: String = quoted.collect();
        assert_eq!(rows(&quoted), expected, "all cells quoted");
        assert_eq!(rows([b"\xef\xbb\xbf", quoted.as_bytes()].concat()), expected, "and a BOM");
        assert_eq!(rows(plain.replace('\n', "\r\n")), expected, "CRLF");
        assert_eq!(rows(plain.trim_end()), expected, "no last line end");
        assert_eq!(rows(format!("{plain}\n,,,,\n , ,,,\n")), expected, "blank rows");
        assert_eq!(rows(plain.replace("Ada Invented", "\"Ada Invented\"")), expected, "quotes");
        assert_eq!(rows(plain.replace(",3,", ", 3 ,")), expected, "blanks around a cell");
        assert_eq!(rows(plain.replace(",3,", ",\"3\" ,")), expected, "blanks behind a quoted cell");
        let trailing: String = plain.lines().map(|line| format!("{line},,\n")).collect();
        assert_eq!(rows(trailing), expected, "columns without a name");
    }

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let file =
            testing::keyed("Key,Lab 1,ID Number,Exam 1,Name\nK1,3,2100001,9.5,Ada Invented\n");
        assert_eq!(rows(file), ["2100001|Ada Invented|3|9.5"]);
    }

    #[test]
    fn names_may_hold_anything_that_is_text() {
        let file = class(&["\"Invented, Z\u{f6}\u{eb} \"\"Z\"\"\",2100001,K1,3,9"]);
        assert_eq!(rows(file), ["2100001|Invented, Z\u{f6}\u{eb} \"Z\"|3|9"]);
    }

    #[test]
    fn a_header_broken_over_lines_is_one_line() {
        let file = testing::keyed("Name,ID Number,Key,\"Lab\n1\"\nAda,2100001,K1,3\n");
        assert_eq!(read(file.as_bytes()).unwrap().assessments().collect::<Vec<_>>(), ["Lab 1"]);
    }

    #[test]
    fn a_file_without_a_class_is_refused() {
        assert_eq!(
            refused(""),
            "is empty; its first row must name the columns Name, ID Number, Key and the assessments"
        );
        assert_eq!(refused("\n\n"), refused(""));
        assert_eq!(refused(class(&[])), "has no students below its header");
        assert_eq!(refused(class(&[",,,,"])), "has no students below its header");
    }

    #[test]
    fn a_missing_or_doubled_column_is_refused() {
        let row = testing::keyed("Ada,2100001,K1,3\n");
        assert_eq!(
            refused(format!("Name,ID Number,Kex,Lab 1\n{row}")),
            "row 1: has no column \"Key\"; the first row must name Name, ID Number, Key and the assessments"
        );
        assert!(refused(&row).starts_with("row 1: has no column \"Name\""), "no header");
        assert_eq!(
            refused("Name;ID Number;Key;Lab 1\n"),
            "row 1: has no column \"Name\"; export it again with commas, not semicolons"
        );
        assert_eq!(
            refused(format!("Name,ID Number,Key,Name\n{row}")),
            "row 1: columns 1 and 4 have the same name; rename one"
        );
        assert_eq!(
            refused(testing::keyed("Name,ID Number,Key,\nAda,2100001,K1,3\n")),
            "row 2, column 4: has content, but the column has no name in row 1"
        );
    }

    #[test]
    fn a_row_of_another_length_is_refused() {
        let file = class(&["Ada,2100001,K1,3,9", "Bo,2100002,K2,3"]);
        assert_eq!(refused(file), "row 3: has 4 cells where the header has 5");
        let file = class(&["Ada,2100001,K1,3,9,9"]);
        assert_eq!(refused(file), "row 2: has 6 cells where the header has 5");
    }

    #[test]
    fn ids_and_keys_are_checked_without_showing_them() {
        let with =
            |id: &str, key: &str| class(&["Ada,2100001,K1,3,9", &format!("Bo,{id},{key},1,2")]);
        assert_eq!(
            refused(with("", "K2")),
            "row 3, column \"ID Number\": is not 1 to 64 of A-Z a-z 0-9 . _ @ -"
        );
        assert_eq!(refused(with("21 02", "K2")), refused(with("", "K2")));
        assert_eq!(refused(with("K1", "2100002")).find("row 3, column \"ID Number\""), Some(0));
        assert_eq!(
            refused(with("2100001", "K2")),
            "row 3, column \"ID Number\": is the same as in row 2; every student needs an own one"
        );
        assert_eq!(
            refused(with("2100002", "K1")),
            "row 3, column \"Key\": is the same as in row 2; every student needs an own one"
        );
        assert_eq!(
            refused(with("2100002", "AAAA")),
            "row 3, column \"Key\": decodes to 3 bytes instead of 32; a Fernet key is 32 bytes in base64url"
        );
        for bad in ["", "K1K2", "K1=", "not a key"] {
            assert!(refused(with("2100002", bad)).starts_with("row 3, column \"Key\": "), "{bad}");
        }
    }

    /// What is wrong with a class file and a file of keys together.
    fn refused_with_keys(class: &str, keys: &str) -> String {
        let keys = KeyFile::read(testing::keyed(keys).as_bytes(), 4096, 5);
        let keys = match keys {
            Ok(keys) => keys,
            Err(fault) => return format!("keys: {fault}"),
        };
        let before = ReleaseHistory::default();
        let file = testing::keyed(class);
        match read_class_files(file.as_bytes(), &keys, &OPTIONS, EditionNumber(1), &before) {
            Ok(book) => format!("{} students", book.students()),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn keys_may_stand_in_a_file_of_their_own() {
        let class = "Name,ID Number,Lab 1\nAda,2100001,3\nBo,2100002,4\n";
        let both = |keys| refused_with_keys(class, keys);
        assert_eq!(both("ID Number,Key\n2100002,K2\n2100001,K1\n"), "2 students");
        assert_eq!(both("\"Key\",ID Number,\r\nK2;K3,2100002,\r\n\r\nK1,2100001,"), "2 students");
        assert_eq!(
            both("ID Number,Key\n2100001,K1\n2100009,K2\n"),
            "has other students than gradebook.keys_file; without a key: 2100002; without a row of \
             marks: 2100009; make both files name the same students"
        );
        assert!(both("ID Number,Key\n2100001,K1\n").contains("without a row of marks: none"));
        let many: String = (0..9).map(|n| format!("Ada,{n},3\n")).collect();
        let text = refused_with_keys(
            &format!("Name,ID Number,Lab 1\n{}", many.replace("Ada,5", "Ada,8")),
            "ID Number,Key\n7,K1\n",
        );
        assert!(text.starts_with("has more than 5 students"), "{text}");
        let text = refused_with_keys(
            "Name,ID Number,Key,Lab 1\nAda,2100001,K1,3\n",
            "ID Number,Key\n2100001,K1\n",
        );
        assert!(text.starts_with("row 1, column 3: is named Key, but keys stand in"), "{text}");
    }

    #[test]
    fn a_file_of_keys_has_a_key_for_each_of_its_students_and_nothing_else() {
        let with = |keys: &str| refused_with_keys("", &format!("ID Number,Key\n{keys}"));
        for (keys, fault) in [
            ("2100001,K1\n2100001,K2\n", "row 3, column \"ID Number\": is the same as in row 2"),
            ("2100001,K1\n2100002,K1\n", "row 3, column \"Key\": is the same as in row 2"),
            ("2100001,K1;K3\n2100002,K3\n", "row 3, column \"Key\": is the same as in row 2"),
            ("2100001,\n", "row 2, column \"Key\": decodes to 0 bytes"),
            ("2100001,K1,x\n", "row 2: has 3 cells where the header has 2"),
            ("K1,2100001\n", "row 2, column \"ID Number\": is not 1 to 64"),
            ("\"2100001,K1\n", "row 2: a quoted cell is never closed"),
            ("", "has no students below its header"),
        ] {
            let text = with(keys);
            assert!(text.starts_with(&format!("keys: {fault}")), "{keys}: {text}");
            assert!(!text.contains(&key(1)), "{text}");
        }
        let other = refused_with_keys("", "ID Number,Key,Lab 1\n2100001,K1,3\n");
        assert!(
            other.starts_with("keys: row 1, column 3: is neither ID Number nor Key"),
            "{other}"
        );
    }

    #[test]
    fn no_key_serves_two_students_be_it_a_new_one_or_an_old_one() {
        let file = class(&["Ada,2100001,K1;K2,3,9", "Bo,2100002,K3;K4,3,9"]);
        assert_eq!(rows(file).len(), 2);
        for other in ["K1", "K2", "K3;K1", "K3;K2"] {
            let file = class(&["Ada,2100001,K1;K2,3,9", &format!("Bo,2100002,{other},3,9")]);
            assert_eq!(
                refused(file),
                "row 3, column \"Key\": is the same as in row 2; every student needs an own one"
            );
        }
        let file = class(&["Ada,2100001,K1;K1,3,9"]);
        assert!(refused(file).starts_with("row 2, column \"Key\": holds the same key twice"));
    }

    #[test]
    fn a_mark_is_a_finite_number_or_blank() {
        for bad in ["x", "nan", "inf", "-inf", "1;5", "7/10", "0x1"] {
            assert_eq!(
                refused(class(&[&format!("Ada,2100001,K1,3,{bad}")])),
                "row 2, column \"Exam 1\": is not a finite number; write digits with a point, like 7.5, or leave it blank"
            );
        }
        assert_eq!(
            refused(class(&["Ada,2100001,K1,1e400,9"])),
            "row 2, column \"Lab 1\": is out of range; a mark has at most 12 digits before the point"
        );
    }

    #[test]
    fn rows_are_counted_as_a_spreadsheet_counts_them() {
        let bad = |before: &str, end: &str| {
            let file = format!("{}{before}Bo,2100002,K2,3,x", class(&["Ada,2100001,K1,3,9"]));
            let text = refused(testing::keyed(&file).replace('\n', end) + end);
            text.split_once(',').unwrap().0.to_owned()
        };
        for end in ["\n", "\r\n", "\r"] {
            assert_eq!(bad("", end), "row 3", "{end:?}");
            assert_eq!(bad("\n\n", end), "row 5", "{end:?}");
            assert_eq!(bad(",,,,\n", end), "row 4", "{end:?}");
            assert_eq!(bad("\"C\nD\n\",2100003,K3,,\n", end), "row 4", "{end:?}");
        }
        let behind = "\"C\nD\n\",2100003,K3,,";
        let stray = class(&["Ada,2100001,K1,3,9", behind, "B\"o,2100002,K2,3,9"]);
        assert!(refused(stray).starts_with("row 4: a quote stands"));
        let nul = class(&["Ada,2100001,K1,3,9", behind, "B\0o,2100002,K2,3,9"]);
        assert!(refused(nul).starts_with("row 4: holds a NUL"));
        let unended = class(&["Ada,2100001,K1,3,9", "", "Bo,2100002,K2,3,x"]);
        assert!(refused(unended.trim_end()).starts_with("row 4"));
        let inside = class(&["Ada,2100001,K1,3,9", "\"B\no\",2100002,K2,3,x"]);
        assert!(refused(inside.trim_end()).starts_with("row 3"));
    }

    #[test]
    fn line_ends_may_be_cut_between_two_reads() {
        struct OneByOne<'a>(&'a [u8]);
        impl Read for OneByOne<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
                self.0 = rest;
                buffer[0] = *first;
                Ok(1)
            }
        }
        let file = class(&["Ada,2100001,K1,3,9", "Bo,2100002,K2,,10"]).replace('\n', "\r\n");
        let book = read_class_file(
            OneByOne(file.as_bytes()),
            &OPTIONS,
            EditionNumber(1),
            &ReleaseHistory::default(),
        )
        .unwrap();
        assert_eq!(book.students(), 2);
    }

    #[test]
    fn what_is_not_utf_8_text_is_refused() {
        let file = class(&["Ada,2100001,K1,3,9", "B?,2100002,K2,3,9"]);
        let latin_1 = file.bytes().map(|b| if b == b'?' { 0xf6 } else { b }).collect::<Vec<_>>();
        assert_eq!(
            refused(latin_1),
            "row 3, column 1: is not UTF-8; export the file again as CSV in UTF-8"
        );
        let nul = "row 3: holds a NUL byte; export it again as CSV in UTF-8";
        assert_eq!(refused(file.replace('?', "\0")), nul);
        let utf_16: Vec<u8> = file.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(refused(utf_16), nul.replace('3', "1"));
    }

    #[test]
    fn a_quote_without_its_second_half_is_refused() {
        let unclosed = "row 3: a quoted cell is never closed; look for a single \" in this row";
        let file = class(&["Ada,2100001,K1,3,9", "\"Bo,2100002,K2,3,9", "Cy,2100003,K3,3,9"]);
        assert_eq!(refused(file), unclosed);
        let file = class(&["Ada,2100001,K1,3,9", "Bo,2100002,K2,3,\"9"]);
        assert_eq!(refused(file.trim_end()), unclosed);
        assert_eq!(refused("\"Name,ID Number"), unclosed.replace('3', "1"));
    }

    #[test]
    fn a_quote_inside_a_cell_is_refused() {
        let stray = |row: usize| {
            format!(
                "row {row}: a quote stands inside a cell; a quoted cell begins and ends with one, one \
                 in it is doubled, and cells are separated by commas"
            )
        };
        for row in ["Bo 5\" tall,2100002,K2,3,9", "Bo,2100002,K2,3,\"9\"5", "\"B\"o,2100002,K2,3,9"]
        {
            let file = class(&["Ada,2100001,K1,3,9", row]);
            assert_eq!(refused(&file), stray(3));
            assert_eq!(refused(file.trim_end()), stray(3));
        }
        // Two of them, which would make the rows between one student's name. The cell began in row 2.
        let file = class(&["\"Ada,2100001,K1,3,9", "\"Bo,2100002,K2,3,9"]);
        assert_eq!(refused(&file), stray(2));
    }

    #[test]
    fn a_key_in_the_wrong_column_is_refused_and_never_shown() {
        let elsewhere = "holds what looks like a key; move it to the column Key, or if it is none, \
                         let it not be 43 characters long";
        let file = class(&["Ada K2,2100001,K1,3,9"]);
        assert_eq!(refused(file), format!("row 2, column 1: {elsewhere}"));
        let file = class(&["\"Ada,2100002,K2,3\nBo\",2100001,K1,3,9"]);
        assert_eq!(refused(file), format!("row 2, column 1: {elsewhere}"));
        let id = key(2).replace('=', "");
        let file = class(&[&format!("Ada,{id},K1,3,9")]);
        assert_eq!(refused(file), format!("row 2, column 2: {elsewhere}"));
        let file = testing::keyed("Name,ID Number,Key,K2\nAda,2100001,K1,3\n");
        assert_eq!(refused(file), format!("row 1, column 4: {elsewhere}"));
    }

    #[test]
    fn the_limits_hold_at_and_above() {
        let row = |n: usize| format!("Ada,210000{n},K{n},3,9");
        let rows_of = |count: usize| (1..=count).map(row).collect::<Vec<_>>();
        let file =
            |count: usize| class(&rows_of(count).iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(rows(file(5)).len(), 5);
        assert_eq!(
            refused(file(6)),
            "has more than 5 students; raise gradebook.rows_max if the class is that large"
        );
        let padded = |bytes: usize| format!("{}{}", file(1), "\n".repeat(bytes - file(1).len()));
        assert_eq!(rows(padded(4096)).len(), 1);
        assert_eq!(
            refused(padded(4097)),
            "has more than 4096 bytes; raise gradebook.bytes_max if it is meant to be that large"
        );
        let endless = read_class_file(
            std::io::repeat(b','),
            &OPTIONS,
            EditionNumber(1),
            &ReleaseHistory::default(),
        );
        assert!(matches!(endless, Err(ClassFileError::TooManyBytes(4096))));
    }
}
