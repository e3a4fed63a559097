//! Course files together with class files.

use fernet_batch::Timestamp;
use gradebook::{Book, Command, EditionNumber, PrivacyPolicy, Request, StudentId};

use super::*;

const CLASS: &str = "Name,ID Number,Lab 1,Lab 2,Exam 1,Total\n\
                     Ada,4001001,9,7,pass,16\nBo,4001002,8,6,fail,14\n";
const IDS: &[&str] = &["4001001", "4001002"];

fn errors(course: &str) -> Vec<String> {
    match class_of("class.csv", Source::File(CLASS.as_bytes()), course, IDS) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.lines().map(|line| line.trim().to_owned()).collect(),
    }
}

const TEXT: &str = "[assessment.\"Exam 1\"]\nkind = \"text\"\n";

#[test]
fn a_column_of_words_is_published_if_the_course_file_says_so() {
    assert_eq!(errors("").len(), 3, "two words and the line that counts them");
    let class = class_of("class.csv", Source::File(CLASS.as_bytes()), TEXT, IDS).unwrap();
    assert_eq!(rows_of(&class), ["4001001|Ada|9|7|pass|16", "4001002|Bo|8|6|fail|14"]);
    let explanation = explained("class.csv", CLASS.as_bytes(), TEXT);
    assert_eq!(explanation.warnings.len(), 1, "{:?}", explanation.warnings);
    assert!(explanation.warnings[0].starts_with("column \"Total\" is published like every column"));
}

#[test]
fn a_mark_on_hold_reads_as_a_blank() {
    let course = format!("{TEXT}[hold]\n4001001 = [\"Lab 2\", \"Exam 1\"]\n4001002 = \"all\"\n");
    let class = class_of("class.csv", Source::File(CLASS.as_bytes()), &course, IDS).unwrap();
    assert_eq!(rows_of(&class), ["4001001|Ada|9|||16", "4001002|Bo||||"]);
}

#[test]
fn what_the_class_does_not_have_is_named_with_the_nearest() {
    for (course, error) in [
        (
            "[assessment.\"Lab 3\"]\nrelease = false\n",
            "assessment.\"Lab 3\" in the course file: the class file has no column \"Lab 3\"; did you mean \"Lab 2\"?",
        ),
        (
            "[assessment.A]\ncolumn = \"Examm 1\"\n",
            "assessment.\"A\" in the course file: the class file has no column \"Examm 1\"; did you mean \"Exam 1\"?",
        ),
        (
            "[hold]\n4001003 = \"all\"\n",
            "[hold] in the course file: the class file has no student \"4001003\"; did you mean \"4001002\"?",
        ),
        (
            "[hold]\n4001001 = [\"Exam\"]\n",
            "hold.4001001 in the course file: the class file has no assessment \"Exam\"; did you mean \"Exam 1\"?",
        ),
        (
            "[columns]\nid = \"ID Numbre\"\n",
            "columns.id in the course file: the class file has no column \"ID Numbre\"; did you mean \"ID Number\"?",
        ),
        (
            "[assessment.A]\ncolumn = \"Name\"\n",
            "assessment.\"A\" in the course file names a column that is used for something else",
        ),
        (
            "[assessment.A]\ncolumn = \"Lab 1\"\n[assessment.B]\ncolumn = \"Lab 1\"\n",
            "assessment.\"B\" in the course file names the column of \"A\" too",
        ),
        (
            "[assessment.\"Lab 2\"]\ncolumn = \"Lab 1\"\n",
            "row 1, column \"Lab 2\": makes the assessment \"Lab 2\", as another column does; name one of them in the course file",
        ),
    ] {
        let course = if course.contains("Exam 1\"]") {
            course.to_owned()
        } else {
            format!("{TEXT}{course}")
        };
        let found = errors(&course);
        assert!(found.iter().any(|line| line == error), "{course}: {found:?}");
    }
}

#[test]
fn a_maximum_comes_from_the_course_file_where_the_class_file_has_none() {
    let course = format!("out_of = 10\n{TEXT}[assessment.\"Lab 2\"]\nout_of = 20\n");
    let explanation = explained("class.csv", CLASS.as_bytes(), &course);
    let json = serde_json::to_value(&explanation).unwrap();
    let out_of: Vec<_> = (2..5).map(|at| json["columns"][at]["out_of"].to_string()).collect();
    assert_eq!(out_of, ["10", "20", "10"]);
    let fractions = "Name,ID Number,Lab 1\nAda,4001001,3/10\nBo,4001002,4/20\n";
    let fractions = explained("class.csv", fractions.as_bytes(), "");
    assert_eq!(
        fractions.errors[0].message,
        "is out of 20, but the assessment is out of 10; an assessment has one maximum"
    );
    let percent = |rows: &str, course: &str| {
        let file = format!("Name,ID Number,Lab 1\n{rows}");
        explained("class.csv", file.as_bytes(), course).errors_total
    };
    assert_eq!(percent("Ada,1,85%\nBo,2,90 %\n", ""), 0);
    assert_eq!(percent("Ada,1,85%\nBo,2,90\n", ""), 1);
    assert_eq!(percent("Ada,1,85\nBo,2,90%\n", ""), 1);
    assert_eq!(
        percent("Ada,1,85\nBo,2,85\nCy,3,\nDi,4,90%\nEd,5,85\nFi,6,\n", ""),
        2,
        "the same text again"
    );
    assert_eq!(percent("Ada,1,85%\n", "[assessment.\"Lab 1\"]\nout_of = 10\n"), 1);
}

#[test]
fn columns_that_nobody_knows_are_named_in_the_course_file() {
    let file = "Wer,Kennung,Lab 1\nAda,4001001,9\n";
    assert_eq!(explained("x.csv", file.as_bytes(), "").errors_total, 1);
    let course = "[columns]\nid = \"Kennung\"\nname = \"Wer\"\n";
    let class = class_of("x.csv", Source::File(file.as_bytes()), course, &IDS[..1]).unwrap();
    assert_eq!(rows_of(&class), ["4001001|Ada|9"]);
}

#[test]
fn short_ids_are_accepted_if_the_course_file_says_so() {
    let file = "Name,ID Number,Lab 1\nAda,4001,9\nBo,401,8\nCy,4002,7\n";
    let refused = explained("x.csv", file.as_bytes(), "");
    assert_eq!(refused.errors_total, 1);
    assert_eq!(
        (refused.errors[0].row, refused.errors[0].column.as_deref()),
        (Some(3), Some("ID Number"))
    );
    assert_eq!(
        explained("x.csv", file.as_bytes(), "[columns]\nid_length = \"any\"").errors_total,
        0
    );
}

#[test]
fn a_mark_on_hold_does_not_show_what_it_is_out_of() {
    let file = "Name,ID Number,Lab 1\nAda,4001001,8/10\nBo,4001002,\n";
    let out_of = |course: &str| {
        let json = serde_json::to_value(explained("x.csv", file.as_bytes(), course)).unwrap();
        json["columns"][2]["out_of"].clone()
    };
    assert_eq!(out_of(""), 10);
    assert_eq!(out_of("[hold]\n4001001 = \"all\"\n"), serde_json::Value::Null);
    for bad in ["3/0", "3/-10"] {
        let file = file.replace("8/10", bad);
        let error = &explained("x.csv", file.as_bytes(), "").errors[0].message;
        assert!(error.ends_with("a maximum is greater than zero"), "{error}");
    }
}

#[test]
fn the_comment_on_a_mark_on_hold_is_not_published() {
    let file = "Student ID,Student Name,Lab 1 [10],* Lab 1\n4001001,A,9,Good\n4001002,B,8,Fair\n";
    let report = |course: &str, id: &str| {
        let class = class_of("s.csv", Source::File(file.as_bytes()), course, IDS).unwrap();
        let stamp = EditionNumber(1).published_at(Timestamp(0));
        let book = Book::publish(class, stamp, PrivacyPolicy::EXACT);
        let id = StudentId::new(id.as_bytes()).unwrap();
        book.preview(&Request { id, command: Command::Report }, Timestamp(0)).unwrap()
    };
    let course = "[hold]\n4001001 = [\"Lab 1\"]\n";
    assert!(report("", "4001001").contains("\"comment\":\"Good\""));
    assert!(!report(course, "4001001").contains("Good"));
    assert!(report(course, "4001002").contains("\"comment\":\"Fair\""));
}
