//! Marks of every kind, with full results and comments.

use super::*;
use crate::roster::Assessment;
use crate::values::Decimal;

/// Two students with every kind of mark and some comments, and the full result of two assessments.
fn book_of_every_kind_of_mark() -> Book {
    let mut columns = ["Lab 1", "Lab 2", "Team"].map(|name| Assessment::from(name.to_owned()));
    columns[0].out_of = Some(Decimal::parse("10").unwrap());
    columns[2].out_of = Some(Decimal::parse("2.5").unwrap());
    let mut builder = RosterBuilder::new(columns);
    let rows: [(&[u8], _, _); 2] = [
        (b"2100001", ["9.50", "EX", "B+"], "well \"done\""),
        (b"2100002", ["", "MI", "12.125"], "see me"),
    ];
    for (n, (id, marks, comment)) in (1..).zip(rows) {
        let id = StudentId::new(id).unwrap();
        let marks = marks.map(|mark| Mark::parse(mark).unwrap());
        builder.add(&id, "Ada", StudentKeys::new(key(n)), marks).unwrap();
        builder.comment(1, comment).unwrap();
    }
    let class = builder.finish().ok().unwrap();
    let policy = PrivacyPolicy::EXACT;
    Book::publish(class, EditionNumber(7).published_at(NOW), policy)
}

#[test]
fn every_kind_of_mark_is_shown_as_what_it_is() {
    let book = book_of_every_kind_of_mark();
    let ask = |n, id, command| answer(&book, &UnknownStudent::Close, n, id, command);
    assert_eq!(ask(1, "2100001", Command::Grades), "Lab 1: 9.5, Lab 2: EX, Team: B+");
    assert_eq!(ask(2, "2100002", Command::Grades), "Lab 1: , Lab 2: MI, Team: 12.125");
    assert_eq!(ask(1, "2100001", Command::Average("Lab 2")), "Lab 2 average: no marks yet");
    assert_eq!(ask(1, "2100001", Command::Average("Team")), "Team average: 12.125");
    let lines = |n, id| {
        let report: Value = serde_json::from_str(&ask(n, id, Command::Report)).unwrap();
        let mut lines = report["assessments"].as_array().unwrap().clone();
        for line in &mut lines {
            line.as_object_mut().unwrap().remove("class");
        }
        lines
    };
    let line = |assessment, mark: Value, status, letter: Value, out_of: Value, comment: Value| {
        json!({
            "assessment": assessment, "mark": mark, "status": status, "letter": letter,
            "out_of": out_of, "comment": comment,
        })
    };
    let none = || Value::Null;
    assert_eq!(
        lines(1, "2100001"),
        [
            line("Lab 1", json!(9.5), "number", none(), json!(10), none()),
            line("Lab 2", none(), "excused", none(), none(), json!("well \"done\"")),
            line("Team", none(), "letter", json!("B+"), json!(2.5), none()),
        ]
    );
    assert_eq!(
        lines(2, "2100002"),
        [
            line("Lab 1", none(), "blank", none(), json!(10), none()),
            line("Lab 2", none(), "missing", none(), none(), json!("see me")),
            line("Team", json!(12.125), "number", none(), json!(2.5), none()),
        ]
    );
}

#[test]
fn the_length_of_a_report_reveals_neither_kind_nor_comment() {
    let book = book_of_every_kind_of_mark();
    for (n, id) in [(1, "2100001"), (2, "2100002")] {
        let read = answer(&book, &UnknownStudent::Close, n, id, Command::Report).len();
        assert!(read <= book.lengths.report && book.lengths.report <= read + 60, "{read}");
    }
}
