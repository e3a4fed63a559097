//! Conversations with a roster: add students, look them up.

use fernet_batch::{Key, StudentKeys, Timestamp};

use super::*;
use crate::request::StudentId;

/// The roster of a class that was built.
fn roster(builder: RosterBuilder) -> Roster {
    builder.finish().map_err(|duplicate| format!("{duplicate:?}")).unwrap().into_parts().1
}

fn builder(columns: usize) -> RosterBuilder {
    RosterBuilder::new(vec![String::new(); columns])
}

fn id(text: &str) -> StudentId<'_> {
    StudentId::new(text.as_bytes()).unwrap()
}

fn found<'a>(roster: &'a Roster, text: &str) -> Option<Record<'a>> {
    let mut slots = Vec::new();
    roster.lookup_batch([None, Some(text)].into_iter(), &mut slots);
    assert!(slots[0].row.is_none());
    slots[1].row.and_then(|row| roster.record(row))
}

fn add(builder: &mut RosterBuilder, text: &str, key: u8, marks: &[&str]) -> Result<(), Full> {
    builder.add(
        &id(text),
        "Some One",
        StudentKeys::new(Key::from_bytes([key; 32])),
        marks.iter().map(|mark| Mark::parse(mark).unwrap()),
    )
}

#[test]
fn every_student_is_found_by_id_with_name_and_marks() {
    let mut class = builder(2);
    for n in 0..200_u8 {
        let (first, second) = (n.to_string(), (n / 2).to_string());
        add(&mut class, &format!("s{n}"), n, &[&first, &second]).unwrap();
    }
    let roster = roster(class);
    for n in 0..200_u8 {
        let record = found(&roster, &format!("s{n}")).unwrap();
        assert_eq!((record.id(), record.name()), (format!("s{n}").as_str(), "Some One"));
        assert_eq!(*record.key().key().expose_bytes(), [n; 32]);
        let marks: Vec<_> = record.marks().map(|mark| mark.text.as_str().to_owned()).collect();
        assert_eq!(marks, [n.to_string(), (n / 2).to_string()]);
    }
    assert!(found(&roster, "s200").is_none());
}

#[test]
fn a_row_with_too_few_or_too_many_marks_is_not_added() {
    for marks in [&["1"][..], &["1", "2", "3"]] {
        let added = std::panic::catch_unwind(|| add(&mut builder(2), "7", 1, marks).is_ok());
        assert!(added.is_err(), "{marks:?}: the next student would get a mark of this one");
    }
}

#[test]
fn students_added_by_several_builders_are_those_of_one() {
    let student = |class: &mut RosterBuilder, n: u8| {
        let marks = [(n % 7).to_string(), (n / 2).to_string()];
        let marks = marks.iter().map(|mark| Mark::parse(mark).unwrap());
        let old_key = (n.is_multiple_of(4)).then(|| n + 100);
        let keys = [Some(n), old_key].into_iter().flatten();
        let keys = keys.map(|key| Key::from_bytes([key; 32]).expose_text().to_string());
        let keys = StudentKeys::parse(keys.collect::<Vec<_>>().join(";").as_bytes()).unwrap();
        let name = match n {
            n if n.is_multiple_of(11) => String::new(),
            40 | 70 => format!("Somebody {n}"),
            n => format!("Some {n}"),
        };
        class.add(&id(&format!("s{n}")), &name, keys, marks).unwrap();
        if n.is_multiple_of(3) {
            class.comment(1, &format!("comment on {n}")).unwrap();
        }
        if n.is_multiple_of(5) {
            class.hold(0);
        }
    };
    let shown = |class: Class| {
        let nameless: Vec<_> = class.nameless().map(str::to_owned).collect();
        let roster = class.into_parts().1;
        let shown = roster.records().map(|record| {
            let marks: Vec<_> = record.marks().map(|mark| mark.text.as_str().to_owned()).collect();
            let found = found(&roster, record.id()).map(|found| found.name().to_owned());
            let holds: Vec<_> = record.holds().collect();
            let comment = record.comments().of(1).map(str::to_owned);
            (
                record.id().to_owned(),
                [Some(record.key()), record.old_key()]
                    .map(|key| key.map(|key| *key.key().expose_bytes())),
                found,
                marks,
                holds,
                comment,
            )
        });
        let counts = format!("{:?}", roster.count_marks());
        let mark_texts: Vec<_> = roster.mark_texts().map(str::to_owned).collect();
        let longest = [roster.longest_id(), roster.longest_name()].map(str::to_owned);
        (shown.collect::<Vec<_>>(), mark_texts, nameless, longest, counts)
    };
    let mut one = builder(2);
    (1..=90).for_each(|n| student(&mut one, n));
    let one = shown(one.finish().ok().unwrap());
    assert_eq!(one.2, ["s11", "s22", "s33", "s44", "s55", "s66", "s77", "s88"]);
    assert_eq!(one.3, ["s10", "Somebody 40"]);
    for cuts in [[0, 0], [0, 90], [1, 2], [30, 60], [45, 45], [89, 90]] {
        let mut first = builder(2);
        let mut others = [first.another(), first.another()];
        for n in 1..=90 {
            let builder = match cuts.iter().filter(|cut| n > **cut).count() {
                0 => &mut first,
                part => &mut others[part - 1],
            };
            student(builder, n);
        }
        for other in others {
            first.append(other).unwrap();
        }
        let class = if cuts == [1, 2] { first.finish() } else { first.finish_in_two() };
        assert_eq!(shown(class.ok().unwrap()), one, "{cuts:?}");
    }
}

#[test]
fn a_class_without_students_has_its_columns() {
    let roster = roster(builder(2));
    assert_eq!((roster.count_marks().len(), roster.different_marks().count()), (2, 2));
}

#[test]
fn ids_that_begin_alike_are_different_ids() {
    let ids = ["1", "12345678", "123456789", "1234567890", "12345678x"];
    let mut class = builder(0);
    ids.iter().zip(0..).for_each(|(id, key)| add(&mut class, id, key, &[]).unwrap());
    let roster = roster(class);
    for text in ids {
        assert_eq!(found(&roster, text).unwrap().id(), text);
    }
    assert!(found(&roster, "12").is_none() && found(&roster, "12345678y").is_none());
}

#[test]
fn ids_and_keys_are_unique() {
    let duplicate = |students: &[(&str, u8)]| {
        let mut class = builder(0);
        students.iter().for_each(|(id, key)| add(&mut class, id, *key, &[]).unwrap());
        let mut in_two = class.another();
        students.iter().for_each(|(id, key)| add(&mut in_two, id, *key, &[]).unwrap());
        let found = class.finish().err();
        assert_eq!(in_two.finish_in_two().err(), found);
        found
    };
    assert_eq!(duplicate(&[("a", 1), ("b", 2), ("c", 3)]), None);
    let same_id = Duplicate::Id { first: 1, second: 2 };
    let other_id = Duplicate::Id { first: 0, second: 3 };
    assert_eq!(duplicate(&[("a", 1), ("b", 2), ("b", 3), ("a", 4)]), Some(vec![same_id, other_id]));
    let same_key = Duplicate::Key { first: 2, second: 3 };
    assert_eq!(
        duplicate(&[("a", 1), ("b", 9), ("c", 2), ("d", 2), ("e", 9)]),
        Some(vec![same_key])
    );
    assert_eq!(duplicate(&[("a", 1), ("b", 2), ("b", 1)]), Some(vec![same_id]), "the ID first");
}

/// Three students, one of them without a name, and one negative mark.
fn class() -> Class {
    let mut builder = RosterBuilder::new(["Lab 1", "Lab 2"].map(str::to_owned));
    for (n, (text, name, marks)) in
        (1..).zip([("7", "Ada", ["1", "-2"]), ("8", "", ["3", ""]), ("9", "Cy", ["5", "6.50"])])
    {
        let keys = StudentKeys::new(Key::from_bytes([n; 32]));
        builder
            .add(&id(text), name, keys, marks.iter().map(|mark| Mark::parse(mark).unwrap()))
            .unwrap();
    }
    builder.finish().ok().unwrap()
}

#[test]
fn a_class_lists_what_its_file_says() {
    let class = class();
    assert_eq!(class.students(), 3);
    assert_eq!(class.ids().collect::<Vec<_>>(), ["7", "8", "9"]);
    assert_eq!(class.assessments().collect::<Vec<_>>(), ["Lab 1", "Lab 2"]);
    let rows: Vec<_> = class
        .rows()
        .map(|(id, name, marks)| format!("{id}|{name}|{}", marks.collect::<Vec<_>>().join("|")))
        .collect();
    assert_eq!(rows, ["7|Ada|1|-2", "8||3|", "9|Cy|5|6.5"]);
    assert_eq!(class.nameless().collect::<Vec<_>>(), ["8"]);
    assert_eq!(class.negative_marks().collect::<Vec<_>>(), [("7", "Lab 2")]);
    let ids = class.id_set();
    assert_eq!((ids.len(), ids.is_empty()), (3, false));
    assert!(IdSet::from_ids(std::iter::empty()).is_empty());
    assert_eq!(IdSet::from_ids(std::iter::empty()).len(), 0);
}

#[test]
fn keys_that_begin_alike_are_not_the_same() {
    let mut class = builder(0);
    for (text, last) in [("a", 1), ("b", 2)] {
        let mut bytes = [5; 32];
        bytes[31] = last;
        let keys = StudentKeys::new(Key::from_bytes(bytes));
        class.add(&id(text), "Some One", keys, std::iter::empty()).unwrap();
    }
    assert!(class.finish().is_ok());
    let mut class = builder(0);
    let key = |n| StudentKeys::new(Key::from_bytes([n; 32]));
    for (text, n) in [("a", 9), ("b", 1), ("c", 1), ("d", 9), ("e", 1)] {
        class.add(&id(text), "Some One", key(n), std::iter::empty()).unwrap();
    }
    assert_eq!(
        class.finish().err(),
        Some(vec![Duplicate::Key { first: 1, second: 2 }]),
        "the first such"
    );
}

#[test]
fn the_old_key_of_a_student_is_found_by_row() {
    let key = |n| StudentKeys::new(Key::from_bytes([n; 32]));
    let mut class = builder(0);
    class.add(&id("a"), "Some One", key(1), std::iter::empty()).unwrap();
    class.add(&id("b"), "Some One", key(2).rotate().unwrap(), std::iter::empty()).unwrap();
    let with_old_key = roster(class);
    assert!(with_old_key.has_old_keys());
    assert!(found(&with_old_key, "a").unwrap().old_key().is_none());
    let old = found(&with_old_key, "b").unwrap().old_key().unwrap();
    assert!(old.key().is(&Key::from_bytes([2; 32])));
    let mut class = builder(0);
    class.add(&id("a"), "Some One", key(1), std::iter::empty()).unwrap();
    assert!(!roster(class).has_old_keys());
}

#[test]
fn nothing_remains_of_an_assessment_that_is_not_released() {
    let class = || {
        let mut columns = ["A", "B", "C"].map(|name| Assessment::from(name.to_owned()));
        columns[1].release = AssessmentRelease::Hidden;
        columns[2].release = AssessmentRelease::From(Timestamp(100));
        let mut builder = RosterBuilder::new(columns);
        for (n, text) in [(1, "s1"), (2, "s2")] {
            add(&mut builder, text, n, &["1", "2", "3"]).unwrap();
            for (column, comment) in [(0, "a"), (1, "b"), (2, "c")] {
                builder.comment(column, comment).unwrap();
            }
        }
        builder.finish().ok().unwrap()
    };
    let seen = |now| {
        let class = class();
        assert_eq!(class.roster().count_marks().len(), 3);
        let (columns, roster) = class.released_at(Timestamp(now)).into_parts();
        assert_eq!(roster.count_marks().len(), columns.len(), "counted again");
        let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
        let record = found(&roster, "s2").unwrap();
        let marks: Vec<_> = record.marks().map(|mark| mark.text.as_str()).collect();
        let comments: Vec<_> = (0..4).filter_map(|column| record.comments().of(column)).collect();
        format!("{names:?} {marks:?} {comments:?} {}", roster.comments().count())
    };
    assert_eq!(seen(99), r#"["A"] ["1"] ["a"] 2"#);
    assert_eq!(seen(100), r#"["A", "C"] ["1", "3"] ["a", "c"] 4"#);
    assert_eq!(class().next_release(Timestamp(99)), Some(Timestamp(100)));
    assert_eq!(class().next_release(Timestamp(100)), None);
}
