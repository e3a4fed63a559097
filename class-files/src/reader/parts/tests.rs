//! Files that are read in parts, and row by row, with the same result.

use proptest::prelude::*;

use super::*;
use crate::layout::RowText;
use crate::reader::Origin;
use crate::shapes::{self, Surroundings};
use crate::table::StoredRow;
use crate::testing::{everything_said, key};
use crate::{Course, Keys, ReadLimits, ReadOptions, Source, Threads};

const LIMITS: ReadLimits = ReadLimits { bytes_max: 1 << 20, rows_max: 13 };
const THREE: Threads = Threads { count: 3, part_bytes_min: 1 };

/// Six students with these marks, one after the other.
fn class(marks: [&str; 6]) -> String {
    let rows = marks.iter().zip(1..).map(|(mark, n)| format!("S {n};400{n};{};{mark}\n", key(n)));
    format!("Name;ID Number;Key;Lab 1\n{}", rows.collect::<String>())
}

fn options(course: &Course) -> ReadOptions<'_> {
    ReadOptions { course, threads: THREE, ..ReadOptions::of_any_file(LIMITS) }
}

/// Whether a file can be read in parts.
fn is_read_in_parts(text: &str, options: &ReadOptions<'_>) -> bool {
    let mut table = Table::of_text(text, b';').unwrap();
    let first_row = table.first_row().unwrap();
    let shape = shapes::detect(&table.header, RowText(&first_row));
    let surroundings = Surroundings { file_stem: "class", first_row: RowText(&first_row) };
    let layout = (shape.layout)(&table.header, &surroundings);
    let origin = Origin { text: None, files: None };
    let mut explanation = Explanation::default();
    let layout = (table.header.clone(), layout);
    let mut reader = ClassReader::new(options, origin, shape, layout, &mut explanation);
    assert!(table.next(&mut StoredRow::default()).unwrap());
    reader.start();
    reader.read_parts(&table)
}

#[test]
fn parts_that_contradict_each_other_are_not_joined() {
    let held = "[hold]\n4001 = [\"Lab 1\"]\n";
    let stated = "[assessment.\"Lab 1\"]\nout_of = 20\n";
    for (marks, course, is_joined) in [
        (["7", "8", "EX", "", "A", "7.5"], "", true),
        (["7,5", "8", "", "", "", "7,5"], "", true),
        (["7,5", "8", "", "", "", "7.5"], "", false),
        (["7", "x", "", "", "", "8"], "", false),
        (["85%", "", "", "", "", "90%"], "", true),
        (["85%", "", "", "", "", "90"], "", false),
        (["3/10", "", "", "", "", "4/10"], "", true),
        (["3/10", "", "", "", "", "4/20"], "", false),
        (["3/10", "", "", "", "", "4/20"], held, false),
        (["3/10", "", "", "", "", "4"], held, true),
        (["3/20", "", "", "", "", "4/20"], stated, true),
    ] {
        let course = Course::parse(course).unwrap();
        assert_eq!(is_read_in_parts(&class(marks), &options(&course)), is_joined, "{marks:?}");
    }
    let course = Course::none();
    let twelve = class(["7"; 6]) + class(["7"; 6]).split_once('\n').unwrap().1;
    assert!(is_read_in_parts(&twelve, &options(course)), "IDs are compared when all are there");
    let more = format!("{twelve}S;5001;{};\n", key(13));
    assert!(!is_read_in_parts(&more, &options(course)), "as many students as there may be");
    let one = ReadOptions { threads: Threads::up_to(3), ..options(course) };
    assert!(!is_read_in_parts(&class(["7"; 6]), &one), "too short to be worth it");
}

#[test]
fn the_maxima_above_the_students_count_for_every_part() {
    let canvas = |maximum: &str, marks: [&str; 4]| {
        let rows = marks
            .iter()
            .zip(1..)
            .map(|(mark, n)| format!("S {n},,400{n},\"s{n}\",A1,\"{mark}\"\n"));
        format!(
            "Student,ID,SIS User ID,SIS Login ID,Section,Lab 1 (208551)\n\
             \"    Points Possible\",,,,,\"{maximum}\"\n{}",
            rows.collect::<String>()
        )
    };
    for (maximum, marks) in [
        ("10,5", ["9,5", "7", "7", "8,5"]),
        ("10,5", ["9.5", "7", "7", "8.5"]),
        ("1,000", ["900", "7", "7", "8"]),
        ("10,0", ["1,234", "7", "7", "1,235"]),
        ("10,0", ["7", "7", "7", "8"]),
        ("x", ["7", "7", "7", "8"]),
    ] {
        let text = canvas(maximum, marks);
        let said = |threads| {
            let options = ReadOptions { keys: Keys::Optional, threads, ..options(Course::none()) };
            everything_said(Source::File(text.as_bytes()), &options)
        };
        assert_eq!(said(THREE), said(Threads::ONE), "{maximum}: {marks:?}");
    }
}

/// A text, and now and then another.
fn mostly(text: &'static str, seldom: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![60 => text, 1 => seldom]
}

proptest! {
    #[test]
    fn a_file_says_the_same_in_parts_and_row_by_row(
        rows in proptest::collection::vec(
            (
                mostly("S [1-9]|\"a\n;b\"|\u{e9}", "mean"),
                mostly("40[0-9]{4}", "40010|| 400101|4E8"),
                mostly("7|7|8|EX|A|", "8.5|8,5|90%|3/10|4/20|x"),
                mostly("7||\"8\"", "7;"),
                "\n|\r\n|\n\n|\r",
            ),
            1..15,
        ),
        windows_1252: bool,
        in_file: bool,
    ) {
        let rows = rows.iter().zip(1..).map(|((name, id, first, second, end), n)| {
            format!("{name};{id};{};{first};{second}{end}", key(n))
        });
        let rows: String = rows.collect();
        let held = format!("Held;400100;{};3/20;\n", key(99));
        let text = format!("Name;ID Number;Key;Lab 1;Lab 2\n{held}{rows}");
        let bytes = if windows_1252 {
            text.chars().filter_map(|char| u8::try_from(u32::from(char)).ok()).collect()
        } else {
            text.clone().into_bytes()
        };
        let course = Course::parse("[hold]\n400100 = [\"Lab 1\"]\n").unwrap();
        let keys = if in_file { Keys::InClassFile } else { Keys::Optional };
        let said = |threads| {
            let options = ReadOptions { keys, threads, ..options(&course) };
            everything_said(Source::File(&bytes), &options)
        };
        prop_assert_eq!(said(THREE), said(Threads::ONE), "{:?}", text);
    }
}
