//! Conversations with a book: publish a class, ask as a student, read the decrypted answer.

mod decoys;
mod kept;
mod marks;
mod sealed;
mod wiped;

use fernet_batch::{Key, Sealer, StudentKeys, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::batch::{BatchLimits, Outcome, Requests};
use crate::request::{Command, LAB_ANSWER_BYTES_MAX, LAB_COMMANDS, Rejection, Request, StudentId};
use crate::roster::{Mark, RosterBuilder};

const LIMITS: BatchLimits = BatchLimits { requests: 64, output_bytes: 1 << 20 };
const NOW: Timestamp = Timestamp(1_800_000_000);

/// Three invented students: Ada has the first invented key, Bo the second, Cy the third.
const CLASS: &[&str] = &[
    "Lab 1,Lab 2,Midterm,Exam 1,Exam 2",
    "Ada Invented,2100001,3,9,17,5,8",
    "Bo Invented,2100002,,10,12.5,4,",
    "Cy Invented,2100003,4,,11,6,7",
];

/// Publishes a class.
fn book_of(lines: &[&str], population_min: u32) -> Book {
    let policy = PrivacyPolicy { population_min, ..PrivacyPolicy::EXACT };
    let stamp = EditionNumber(7).published_at(NOW);
    Book::publish(class_of(lines), stamp, policy)
}

/// A class: the names of the assessments, then a row for each student.
fn class_of(lines: &[&str]) -> Class {
    let (names, rows) = lines.split_first().unwrap();
    let names = names.split(',').filter(|name| !name.is_empty()).map(str::to_owned);
    let mut builder = RosterBuilder::new(names);
    for (row, n) in rows.iter().zip(1..) {
        let cells: Vec<_> = row.split(',').collect();
        let id = StudentId::new(cells[1].as_bytes()).unwrap();
        let keys = StudentKeys::new(key(n));
        let marks = cells[2..].iter().map(|mark| Mark::parse(mark).unwrap());
        builder.add(&id, cells[0], keys, marks).unwrap();
    }
    builder.finish().unwrap_or_else(|duplicate| panic!("{duplicate:?}"))
}

/// The `n`-th invented key.
fn key(n: u8) -> Key {
    Key::from_bytes([n; 32])
}

/// What the student with the `n`-th invented key reads; in brackets what is not a token.
fn answer(
    book: &Book,
    unknown: &UnknownStudent,
    n: u8,
    id: &str,
    command: Command<&str>,
) -> String {
    let mut requests = Requests::new(LIMITS);
    let id = StudentId::new(id.as_bytes()).unwrap();
    requests.push(Request { id, command });
    let answers = book.answer(requests, unknown, NOW);
    let replies = answers.seal(&mut Sealer::new().unwrap());
    assert_eq!(replies.edition(), EditionNumber(7));
    let (_, outcome, reply) = replies.iter().next().unwrap();
    let reply = std::str::from_utf8(reply).unwrap().trim_end();
    match outcome {
        Outcome::Answered | Outcome::Declined(_) | Outcome::Decoy => {
            match fernet_batch::open(&key(n), reply) {
                Ok(opened) => opened.text,
                Err(_) => format!("[{} bytes for another student]", reply.len()),
            }
        }
        Outcome::Rejected(rejection) => format!("[{}]", rejection.word()),
        Outcome::Silence => "[silence]".into(),
    }
}

fn asks(command: Command<&str>) -> String {
    answer(&book_of(CLASS, 1), &UnknownStudent::Close, 1, "2100001", command)
}

fn lab(word: &str) -> Command<&'static str> {
    LAB_COMMANDS.into_iter().find(|command| command.word() == word).unwrap()
}

#[test]
fn grades_are_listed_in_file_order() {
    assert_eq!(asks(Command::Grades), "Lab 1: 3, Lab 2: 9, Midterm: 17, Exam 1: 5, Exam 2: 8");
}

#[test]
fn the_longest_grades_are_the_longest_mark_of_each_column() {
    // "Lab 1: 4, " and so on, with a separator behind the last one, too.
    let book = book_of(CLASS, 1);
    assert_eq!(book.lengths.grades, 10 + 11 + 15 + 11 + 11);
    let [ada, bo] = [(1, "2100001"), (2, "2100002")]
        .map(|(n, id)| answer(&book, &UnknownStudent::Close, n, id, Command::Report).len());
    assert!(ada <= book.lengths.report && bo <= book.lengths.report);
    assert!(book.lengths.report <= ada + 20, "{} for {ada}", book.lengths.report);
}

#[test]
fn a_book_says_what_it_was_published_from() {
    let book = book_of(CLASS, 1);
    assert_eq!((book.edition(), book.students()), (EditionNumber(7), 3));
    let assessments = ["Lab 1", "Lab 2", "Midterm", "Exam 1", "Exam 2"];
    assert_eq!(book.assessments().collect::<Vec<_>>(), assessments);
    let rows: Vec<_> = book
        .rows()
        .map(|(id, name, marks)| format!("{name},{id},{}", marks.collect::<Vec<_>>().join(",")))
        .collect();
    assert_eq!(rows, CLASS[1..]);
    let report: Value = serde_json::from_str(&asks(Command::Report)).unwrap();
    assert_eq!((&report["edition"], &report["published"]), (&7.into(), &NOW.to_string().into()));
}

#[test]
fn a_blank_mark_is_shown_blank_and_left_out_of_the_average() {
    let book = book_of(CLASS, 1);
    let grades = answer(&book, &UnknownStudent::Close, 2, "2100002", Command::Grades);
    assert_eq!(grades, "Lab 1: , Lab 2: 10, Midterm: 12.5, Exam 1: 4, Exam 2: ");
    assert_eq!(asks(lab("GL1A")), "Lab 1 average: 3.5");
    assert_eq!(asks(lab("GL2A")), "Lab 2 average: 9.5");
    assert_eq!(asks(lab("GMA")), "Midterm average: 13.5");
    assert_eq!(asks(lab("GEA")), "Exam average: 6 (Exam 1: 5, Exam 2: 7.5)");
    assert_eq!(asks(Command::Average("Exam 2")), "Exam 2 average: 7.5");
}

#[test]
fn a_preview_is_what_the_student_reads() {
    let book = book_of(CLASS, 2);
    for command in [Command::Grades, lab("GL1A"), lab("GEA"), Command::Report] {
        for (n, id) in [(1, "2100001"), (2, "2100002")] {
            let request = Request { id: StudentId::new(id.as_bytes()).unwrap(), command };
            let read = answer(&book, &UnknownStudent::Close, n, id, command);
            assert_eq!(book.preview(&request, NOW), Ok(read));
        }
    }
    let request = |id, command| Request { id: StudentId::new(id).unwrap(), command };
    let nobody = book.preview(&request(b"7", Command::Grades), NOW);
    assert_eq!(nobody, Err(Rejection::UnknownStudent));
    let nothing = book.preview(&request(b"2100001", Command::Average("x")), NOW);
    assert_eq!(nothing, Err(Rejection::UnknownAssessment));
}

#[test]
fn an_assessment_that_the_class_does_not_have_is_rejected() {
    assert_eq!(asks(lab("GL3A")), "[assessment]");
    assert_eq!(asks(Command::Average("Lab 9")), "[assessment]");
    let book = book_of(&["", "Ada,2100001"], 1);
    let ask = |command| answer(&book, &UnknownStudent::Close, 1, "2100001", command);
    assert_eq!(ask(lab("GEA")), "[assessment]");
    assert_eq!(ask(lab("GMA")), "[assessment]");
    assert_eq!(ask(Command::Grades), "no assessments yet");
}

#[test]
fn grades_read_the_same_whether_their_parts_are_ready_or_not() {
    let mut book = book_of(CLASS, 1);
    assert!(book.ready_grades.is_some());
    let ask = |book: &Book| {
        [(1, "2100001"), (2, "2100002"), (3, "2100003")]
            .map(|(n, id)| answer(book, &UnknownStudent::Close, n, id, Command::Grades))
    };
    let ready = ask(&book);
    book.ready_grades = None;
    assert_eq!(ask(&book), ready);
    let long = "L".repeat(40);
    let long = book_of(&[&long, "Ada,2100001,3"], 1);
    assert!(long.ready_grades.is_none(), "a label that is too long");
    assert!(ask(&long)[0].ends_with("LLL: 3"));
}

#[test]
fn an_assessment_may_be_named_in_any_case_where_that_is_unambiguous() {
    assert_eq!(asks(Command::Average("lab 1")), "Lab 1 average: 3.5");
    assert_eq!(asks(Command::Average("EXAM 2")), "Exam 2 average: 7.5");
    let book = book_of(&["Quiz,QUIZ,\u{c9}tude", "Ada,2100001,3,5,7"], 1);
    let ask = |name| answer(&book, &UnknownStudent::Close, 1, "2100001", Command::Average(name));
    assert_eq!(ask("Quiz"), "Quiz average: 3");
    assert_eq!(ask("QUIZ"), "QUIZ average: 5");
    assert_eq!(ask("quiz"), "[assessment]", "either could be meant");
    assert_eq!(ask("\u{e9}tude"), "\u{c9}tude average: 7");
}

#[test]
fn a_column_without_marks_has_no_average() {
    let book = book_of(&["Lab 1", "Ada,2100001,"], 1);
    let average = answer(&book, &UnknownStudent::Close, 1, "2100001", lab("GL1A"));
    assert_eq!(average, "Lab 1 average: no marks yet");
}

#[test]
fn an_average_of_too_few_marks_is_withheld_everywhere() {
    let book = book_of(CLASS, 3);
    let ask = |command| answer(&book, &UnknownStudent::Close, 1, "2100001", command);
    assert_eq!(ask(lab("GMA")), "Midterm average: 13.5");
    assert_eq!(ask(lab("GL1A")), "Lab 1 average: withheld (fewer than 3 marks)");
    assert_eq!(
        ask(lab("GEA")),
        "Exam average: 5 (Exam 1: 5, Exam 2: withheld (fewer than 3 marks))",
        "the first 5 counts Exam 1 alone: with Exam 2 it would reveal its average"
    );
    assert!(ask(Command::Report).contains("\"class\":{\"withheld\":\"fewer than 3 marks\"}"));
}

#[test]
fn every_student_reads_the_same_statistics() {
    let book = book_of(CLASS, 2);
    let read = |n, id, command| answer(&book, &UnknownStudent::Close, n, id, command);
    for command in [lab("GL1A"), lab("GEA"), Command::Statistics("Lab 1")] {
        let ada = read(1, "2100001", command);
        assert!(!ada.contains("withheld"), "{ada}");
        assert_eq!(read(2, "2100002", command), ada, "Bo has no mark in it");
    }
}

#[test]
fn one_answer_contains_all_statistics_of_an_assessment() {
    assert_eq!(
        asks(Command::Statistics("Midterm")),
        "Midterm statistics: 3 marks, mean 13.5, median 12.5, min 11, quartiles 11 and 17, max 17, \
         deviation 2.55; 11 to 11: 1, 12.5 to 12.5: 1, 17 to 17: 1"
    );
    assert_eq!(asks(Command::Statistics("Midter")), "[assessment]");
}

#[test]
fn a_report_is_one_json_document() {
    let text = answer(&book_of(CLASS, 1), &UnknownStudent::Close, 2, "2100002", Command::Report);
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["id"], "2100002");
    assert_eq!(report["name"], "Bo Invented");
    assert_eq!(report["edition"], 7);
    assert_eq!(report["time"], "2027-01-15T08:00:00Z");
    let lab_1 = &report["assessments"][0];
    assert_eq!(lab_1["assessment"], "Lab 1");
    assert_eq!(lab_1["mark"], Value::Null);
    assert_eq!(
        lab_1["class"],
        json!({
            "as_of": "2027-01-15T08:00:00Z", "count": 2, "mean": 3.5, "median": 3.5, "min": 3, "max": 4,
            "lower_quartile": 3, "upper_quartile": 4, "deviation": 0.5,
            "histogram": [
                { "from": 3, "to": 3, "count": 1 },
                { "from": 4, "to": 4, "count": 1 },
            ],
        })
    );
    assert_eq!(report["assessments"][2]["mark"], 12.5);
}

#[test]
fn an_unknown_student_is_answered_as_configured() {
    let book = book_of(CLASS, 1);
    let ask = |unknown: &UnknownStudent| answer(&book, unknown, 1, "9999999", Command::Grades);
    assert_eq!(ask(&UnknownStudent::Close), "[silence]");
    assert_eq!(ask(&UnknownStudent::Error), "[unknown]");
    assert_eq!(
        ask(&UnknownStudent::Decoy(DecoyKeys::new().unwrap())),
        "[1016 bytes for another student]"
    );
}

#[test]
fn with_decoys_every_answer_has_the_length_of_its_decoy() {
    let book = book_of(CLASS, 1);
    let unknown = UnknownStudent::Decoy(DecoyKeys::new().unwrap());
    let commands = [Command::Grades, lab("GMA"), Command::Average("Lab 2"), Command::Report];
    for command in commands {
        let known = answer(&book, &unknown, 9, "2100002", command);
        assert_eq!(answer(&book, &unknown, 9, "9999999", command), known, "{command:?}");
    }
    let read = answer(&book, &unknown, 1, "2100001", lab("GMA"));
    assert_eq!(read.trim_end(), "Midterm average: 13.5");
    assert_eq!(answer(&book, &unknown, 9, "9999999", Command::Average("no")), "[assessment]");
}

#[test]
fn a_lab_answer_is_ascii_and_fits_what_lab_clients_read() {
    let names: Vec<_> = (1..=80).map(|n| format!("Exam \u{dc}bung {n}")).collect();
    let book = book_of(&[&names.join(","), &format!("Ada,2100001{}", ",7.25".repeat(80))], 1);
    for command in [Command::Grades, lab("GEA")] {
        let text = answer(&book, &UnknownStudent::Close, 1, "2100001", command);
        assert!(text.is_ascii() && text.len() <= LAB_ANSWER_BYTES_MAX, "{text}");
        assert!(text.contains("Exam Ubung 1: 7.25, Exam Ubung 2"), "{text}");
        assert!(text.ends_with(": 7.25, ... (REPORT shows all)"), "{text}");
    }
}
