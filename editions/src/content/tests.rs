//! Contents of a class with every kind of mark.

use fernet_batch::Timestamp;
use gradebook::{AssessmentRelease, Decimal};

use super::*;

fn class(order: &[usize]) -> Class {
    let mut assessments: Vec<Assessment> =
        ["Lab 1", "\u{dc}bung", "Exam"].map(|name| name.to_owned().into()).to_vec();
    assessments[1].out_of = Decimal::parse("12.5").ok();
    assessments[1].release = AssessmentRelease::Hidden;
    assessments[2].release = AssessmentRelease::From(Timestamp(1_800_000_000));
    let rows = [
        ("2100001", "Ada Invented", [Mark::Number(decimal("7.5")), Mark::Excused, Mark::Blank]),
        ("2100002", "", [Mark::Missing, Mark::Letter("B+"), Mark::Number(decimal("-3"))]),
        ("bob", "B\u{f6}b", [Mark::Blank, Mark::Letter("\u{e9}"), Mark::Number(decimal("7.5"))]),
    ];
    let mut builder = RosterBuilder::new(assessments);
    for at in order {
        let (id, name, marks) = rows[*at];
        let id = StudentId::new(id.as_bytes()).unwrap();
        builder.add(&id, name, StudentKeys::generate().unwrap(), marks).unwrap();
        if *at == 0 {
            builder.hold(2);
            builder.comment(0, "well done").unwrap();
        }
    }
    builder.finish().unwrap_or_else(|_| panic!("the class is valid"))
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

fn content() -> Content {
    Content::of(&class(&[0, 1, 2]))
}

#[test]
fn a_content_is_read_as_it_was_written() {
    let content = content();
    let bytes = content.to_bytes();
    assert!(Content::from_bytes(&bytes).is_ok_and(|read| read == content));
    assert_eq!((content.students(), content.marks(), content.on_hold()), (3, 7, 1));
}

#[test]
fn the_order_of_the_students_does_not_change_the_content() {
    let digest = content().digest();
    assert!(Content::of(&class(&[2, 0, 1])).digest() == digest);
    assert!(Content::of(&class(&[0, 1])).digest() != digest);
    assert_eq!(digest.to_string().len(), 64);
}

#[test]
fn a_content_becomes_the_class_again_without_the_students_who_have_no_key() {
    let content = content();
    let keys = |id: &str| (id != "bob").then(|| StudentKeys::generate().unwrap());
    let class = content.into_class(keys).unwrap_or_else(|_| panic!("the class is valid"));
    assert_eq!(class.ids().collect::<Vec<_>>(), ["2100001", "2100002"]);
    let marks: Vec<Vec<_>> = class.rows().map(|(_, _, marks)| marks.collect()).collect();
    assert_eq!(marks, [["7.5", "EX", ""], ["MI", "B+", "-3"]]);
    assert_eq!(class.columns(), content.assessments());
    let all = content.into_class(|_| StudentKeys::generate().ok());
    assert!(Content::of(&all.unwrap_or_else(|_| panic!("valid"))) == content);
}

#[test]
fn a_mark_that_no_student_has_is_a_second_form() {
    let mut content = content();
    content.students.pop();
    assert_eq!(Content::from_bytes(&content.to_bytes()).err(), Some(ContentError::Malformed));
}

#[test]
fn two_students_cannot_have_one_key() {
    let keys = StudentKeys::generate().unwrap();
    let class = content().into_class(|_| Some(keys.clone()));
    assert_eq!(class.err(), Some(ContentError::Duplicate));
}

#[test]
fn bytes_that_were_cut_or_changed_are_refused_or_another_content_in_its_one_form() {
    let bytes = content().to_bytes();
    for end in 0..bytes.len() {
        assert!(Content::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            if let Ok(other) = Content::from_bytes(&changed) {
                assert_eq!(other.to_bytes(), changed, "byte {at}, bit {bit}");
            }
        }
    }
    let longer = [&bytes[..], b"\0"].concat();
    assert!(Content::from_bytes(&longer).is_err());
}
