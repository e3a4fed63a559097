//! Plain files: a class file, and the class or the error that it makes.

use std::io::Read;

use gradebook::Class;

use crate::testing::{self, class, key};
use crate::{ClassFileErrors, ReadLimits, read_class};

const LIMITS: ReadLimits = ReadLimits { bytes_max: 4096, rows_max: 5 };

fn read(bytes: &[u8]) -> Result<Class, ClassFileErrors> {
    read_class(bytes, None, &LIMITS)
}

/// The rows of the class that `bytes` make, each as one text.
#[track_caller]
pub(super) fn rows(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let class = read(bytes.as_ref()).unwrap_or_else(|error| panic!("{error}"));
    class
        .rows()
        .map(|(id, name, marks)| format!("{id}|{name}|{}", marks.collect::<Vec<_>>().join("|")))
        .collect()
}

#[track_caller]
pub(super) fn rejected(bytes: impl AsRef<[u8]>) -> String {
    let Err(error) = read(bytes.as_ref()) else { panic!("was accepted") };
    let text = error.to_string();
    assert!(!text.contains(&key(1)) && !text.contains(&key(2)), "a key in: {text}");
    text
}

#[test]
fn the_lab_s_columns_make_a_class() {
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
    let file = testing::keyed("Key,Lab 1,ID Number,Exam 1,Name\nK1,3,2100001,9.5,Ada Invented\n");
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
fn a_file_without_a_class_is_rejected() {
    assert_eq!(
        rejected(""),
        "is empty; its first row must name the columns, such as Name, ID Number and the assessments"
    );
    assert_eq!(rejected("\n\n"), rejected(""));
    assert_eq!(rejected(class(&[])), "has no students below its header");
    assert_eq!(rejected(class(&[",,,,"])), "has no students below its header");
}

#[test]
fn a_missing_or_doubled_column_is_rejected() {
    let row = testing::keyed("Ada,2100001,K1,3\n");
    assert_eq!(
        rejected(format!("Name,ID Number,Kex,Lab 1\n{row}")),
        "row 1: has no column \"Key\"; add it, or name a key file in gradebook.keys_file, which \"grade-actor-server keys issue\" makes"
    );
    assert!(rejected(&row).starts_with("row 1: has no column \"ID Number\""), "no header");
    assert_eq!(
        rejected(format!("Name,ID Number,Key,Name\n{row}")),
        "row 1: columns 1 and 4 have the same name; rename one"
    );
    assert_eq!(
        rejected(testing::keyed("Name,ID Number,Key,\nAda,2100001,K1,3\n")),
        "row 2, column 4: has content, but the column has no name in row 1"
    );
}

#[test]
fn a_row_of_another_length_is_rejected() {
    let file = class(&["Ada,2100001,K1,3,9", "Bo,2100002,K2,3"]);
    assert_eq!(rejected(file), "row 3: has 4 cells, but the header has 5");
    let file = class(&["Ada,2100001,K1,3,9,9"]);
    assert_eq!(rejected(file), "row 2: has 6 cells, but the header has 5");
}

#[test]
fn ids_and_keys_are_checked_without_showing_them() {
    let with = |id: &str, key: &str| class(&["Ada,2100001,K1,3,9", &format!("Bo,{id},{key},1,2")]);
    assert_eq!(
        rejected(with("", "K2")),
        "row 3, column \"ID Number\": must be 1 to 64 characters from A-Z a-z 0-9 . _ @ -"
    );
    assert_eq!(rejected(with("21 02", "K2")), rejected(with("", "K2")));
    assert_eq!(rejected(with("K1", "2100002")).find("row 3, column \"ID Number\""), Some(0));
    assert_eq!(
        rejected(with("2100001", "K2")),
        "row 3, column \"ID Number\": is the same as in row 2; each student needs a unique ID"
    );
    assert_eq!(
        rejected(with("2100002", "K1")),
        "row 3, column \"Key\": is the same as in row 2; each student needs a unique key"
    );
    assert_eq!(
        rejected(with("2100002", "AAAA")),
        "row 3, column \"Key\": decodes to 3 bytes instead of 32"
    );
    for bad in ["", "K1K2", "K1=", "not a key"] {
        assert!(rejected(with("2100002", bad)).starts_with("row 3, column \"Key\": "), "{bad}");
    }
}

#[test]
fn no_key_belongs_to_two_students_neither_a_new_one_nor_an_old_one() {
    let file = class(&["Ada,2100001,K1;K2,3,9", "Bo,2100002,K3;K4,3,9"]);
    assert_eq!(rows(file).len(), 2);
    for other in ["K1", "K2", "K3;K1", "K3;K2"] {
        let file = class(&["Ada,2100001,K1;K2,3,9", &format!("Bo,2100002,{other},3,9")]);
        assert_eq!(
            rejected(file),
            "row 3, column \"Key\": is the same as in row 2; each student needs a unique key"
        );
    }
    let file = class(&["Ada,2100001,K1;K1,3,9"]);
    assert!(rejected(file).starts_with("row 2, column \"Key\": holds the same key twice"));
}

#[test]
fn what_is_no_mark_is_shown_with_its_place() {
    for bad in ["x", "nan", "inf", "-inf", "1;5", "0x1"] {
        let text = rejected(class(&[&format!("Ada,2100001,K1,3,{bad}")]));
        let says =
            format!("row 2, column \"Exam 1\": {bad:?} is not a mark; write a number like 7.5");
        assert!(text.starts_with(&says), "{text}");
    }
    let text = rejected(class(&["Ada,2100001,K1,3,K2"]));
    assert!(text.contains("<43 base64 characters>") || text.contains("characters>"), "{text}");
    assert_eq!(
        rejected(class(&["Ada,2100001,K1,1e400,9"])),
        "row 2, column \"Lab 1\": is out of range; a mark has at most 12 digits before the point"
    );
}

#[test]
fn rows_are_counted_as_a_spreadsheet_counts_them() {
    let bad = |before: &str, end: &str| {
        let file = format!("{}{before}Bo,2100002,K2,3,x", class(&["Ada,2100001,K1,3,9"]));
        let text = rejected(testing::keyed(&file).replace('\n', end) + end);
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
    assert!(rejected(stray).starts_with("row 4: a quote stands"));
    let nul = class(&["Ada,2100001,K1,3,9", behind, "B\0o,2100002,K2,3,9"]);
    assert!(rejected(nul).starts_with("row 4: holds a NUL"));
    let unended = class(&["Ada,2100001,K1,3,9", "", "Bo,2100002,K2,3,x"]);
    assert!(rejected(unended.trim_end()).starts_with("row 4"));
    let inside = class(&["Ada,2100001,K1,3,9", "\"B\no\",2100002,K2,3,x"]);
    assert!(rejected(inside.trim_end()).starts_with("row 3"));
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
    let class = read_class(OneByOne(file.as_bytes()), None, &LIMITS).unwrap();
    assert_eq!(class.students(), 2);
}

#[test]
fn a_nul_byte_is_rejected() {
    let file = class(&["Ada,2100001,K1,3,9", "B?,2100002,K2,3,9"]);
    let nul = "row 3: holds a NUL byte; export it again as CSV in UTF-8";
    assert_eq!(rejected(file.replace('?', "\0")), nul);
}

#[test]
fn all_errors_are_listed_at_once() {
    let rows = ["Ada,,K1,x,9", "Bo,2100002,K2,3,y", "Cy,2100003,K3,3,3", "Di,2100002,K4,z,z"];
    let file = class(&rows);
    let text = rejected(file);
    let lines: Vec<_> = text.lines().map(|line| line.split(": ").next().unwrap()).collect();
    let expected = [
        "5 errors:",
        "  row 2, column \"ID Number\"",
        "  row 3, column \"Exam 1\"",
        "  row 5, column \"Lab 1\"",
        "  row 5, column \"Exam 1\"",
        "  row 5, column \"ID Number\"",
    ];
    assert_eq!(lines, expected, "{text}");
    let many: Vec<_> = (1..=5).map(|n| format!("Ada,210000{n},K{n},x,y")).collect();
    let many = format!("{}x", class(&many.iter().map(String::as_str).collect::<Vec<_>>()));
    assert!(rejected(many).starts_with("11 errors:"));
}

#[test]
fn more_errors_than_a_person_reads_are_counted() {
    let limits = ReadLimits { bytes_max: 1 << 20, rows_max: 100 };
    let rows: Vec<_> = (10..40).map(|n| format!("Ada,21000{n},K,x,1")).collect();
    let file = class(&rows.iter().map(String::as_str).collect::<Vec<_>>()).replace(",K,", ",,");
    let Err(errors) = read_class(file.as_bytes(), None, &limits) else { panic!("was accepted") };
    assert_eq!((errors.iter().count(), errors.total()), (20, 60));
    assert!(errors.to_string().ends_with("\n  and 40 more"), "{errors}");
}

#[test]
fn a_quote_without_its_second_half_is_rejected() {
    let unclosed = "row 3: a quoted cell is never closed; look for a single \" in this row";
    let file = class(&["Ada,2100001,K1,3,9", "\"Bo,2100002,K2,3,9", "Cy,2100003,K3,3,9"]);
    assert_eq!(rejected(file), unclosed);
    let file = class(&["Ada,2100001,K1,3,9", "Bo,2100002,K2,3,\"9"]);
    assert_eq!(rejected(file.trim_end()), unclosed);
    assert_eq!(rejected("\"Name,ID Number"), unclosed.replace('3', "1"));
}

#[test]
fn a_quote_inside_a_cell_is_rejected() {
    let stray = |row: usize| {
        format!(
            "row {row}: a quote stands inside a cell; a quoted cell begins and ends with one, one \
             in it is doubled, and cells are separated by commas"
        )
    };
    for row in ["Bo 5\" tall,2100002,K2,3,9", "Bo,2100002,K2,3,\"9\"5", "\"B\"o,2100002,K2,3,9"] {
        let file = class(&["Ada,2100001,K1,3,9", row]);
        assert_eq!(rejected(&file), stray(3));
        assert_eq!(rejected(file.trim_end()), stray(3));
    }
    // Two of them, which would make the rows between one student's name. The cell began in row 2.
    let file = class(&["\"Ada,2100001,K1,3,9", "\"Bo,2100002,K2,3,9"]);
    assert_eq!(rejected(&file), stray(2));
}

#[test]
fn a_key_in_the_wrong_column_is_rejected_and_never_shown() {
    let elsewhere = "holds what may be a key; move it to the column Key; if it is not a key, \
                     change its length: 43 characters is the length of a key";
    let file = class(&["Ada K2,2100001,K1,3,9"]);
    assert_eq!(rejected(file), format!("row 2, column 1: {elsewhere}"));
    let file = class(&["\"Ada,2100002,K2,3\nBo\",2100001,K1,3,9"]);
    assert_eq!(rejected(file), format!("row 2, column 1: {elsewhere}"));
    let id = key(2).replace('=', "");
    let file = class(&[&format!("Ada,{id},K1,3,9")]);
    assert_eq!(rejected(file), format!("row 2, column 2: {elsewhere}"));
    let file = testing::keyed("Name,ID Number,Key,K2\nAda,2100001,K1,3\n");
    assert_eq!(rejected(file), format!("row 1, column 4: {elsewhere}"));
}

#[test]
fn the_limits_hold_at_and_above() {
    let row = |n: usize| format!("Ada,210000{n},K{n},3,9");
    let rows_of = |count: usize| (1..=count).map(row).collect::<Vec<_>>();
    let file = |count: usize| class(&rows_of(count).iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(rows(file(5)).len(), 5);
    assert_eq!(
        rejected(file(6)),
        "has more than 5 students; raise gradebook.rows_max if the class is that large"
    );
    let padded = |bytes: usize| format!("{}{}", file(1), "\n".repeat(bytes - file(1).len()));
    assert_eq!(rows(padded(4096)).len(), 1);
    assert_eq!(
        rejected(padded(4097)),
        "has more than 4096 bytes; raise gradebook.bytes_max if it is meant to be that large"
    );
    let endless = read_class(std::io::repeat(b','), None, &LIMITS);
    let text = endless.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(text.starts_with("has more than 4096 bytes"), "{text}");
}
