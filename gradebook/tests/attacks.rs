//! What someone learns who asks for averages while marks change, and from the statistics of a small
//! class: both attacks of docs/PRIVACY.md, played on invented classes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_precision_loss)]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use class_files::{ReadLimits, read_class};
use fernet::Fernet;
use fernet_batch::{Sealer, Timestamp};
use gradebook::{
    BatchLimits, Book, Command, EditionNumber, PrivacyPolicy, ReleaseHistory, ReplyForm, Request,
    Requests, StudentId, UnknownStudent,
};

const NOW: Timestamp = Timestamp(1_800_000_000);
const LIMITS: ReadLimits = ReadLimits { bytes_max: 1 << 20, rows_max: 1000 };

/// Reads a class file and publishes it.
fn publish(file: &str, edition: u64, history: &ReleaseHistory, population_min: u32) -> Book {
    let class = read_class(file.as_bytes(), None, &LIMITS).unwrap();
    Book::publish(class, EditionNumber(edition), history, PrivacyPolicy { population_min })
}

/// A class as its instructor sees it: each student's mark, if there is one yet.
struct Class {
    marks: Vec<Option<u32>>,
    edition: u64,
    history: ReleaseHistory,
    population_min: u32,
}

fn key(n: usize) -> String {
    use base64::Engine;
    let mut key = [9; 32];
    key[..8].copy_from_slice(&(n + 1).to_be_bytes());
    base64::engine::general_purpose::URL_SAFE.encode(key)
}

impl Class {
    fn new(students: usize, population_min: u32) -> Self {
        Self {
            marks: vec![None; students],
            edition: 0,
            history: ReleaseHistory::default(),
            population_min,
        }
    }

    /// The instructor saves the file, and the server loads it.
    fn save(&mut self) -> Book {
        let mut file = String::from("Name,ID Number,Key,Lab 1\n");
        for (n, mark) in self.marks.iter().enumerate() {
            let mark = mark.map(|mark| mark.to_string()).unwrap_or_default();
            writeln!(file, "Some One,{},{},{mark}", 2_100_000 + n, key(n)).unwrap();
        }
        self.edition += 1;
        let book = publish(&file, self.edition, &self.history, self.population_min);
        self.history = book.release_history().clone();
        book
    }
}

/// What student `n` is told.
fn ask(book: &Book, n: usize, command: Command<&str>) -> String {
    let mut requests = Requests::new(BatchLimits { requests: 1, output_bytes: 1 << 20 });
    let id = (2_100_000 + n).to_string();
    requests.push(Request { id: StudentId::new(id.as_bytes()).unwrap(), command });
    let answers = book.answer(requests, &UnknownStudent::Close, NOW);
    let replies = answers.seal(&mut Sealer::new().unwrap(), ReplyForm::Line);
    let token = std::str::from_utf8(replies.bytes()).unwrap().trim_end();
    let text = Fernet::new(&key(n)).unwrap().decrypt_at_time(token, None, NOW.0).unwrap();
    String::from_utf8(text).unwrap()
}

/// The mean of Lab 1 and how many marks it is of, where student `n` is told that.
fn mean_and_count(book: &Book, n: usize) -> Option<(f64, f64)> {
    let report: serde_json::Value = serde_json::from_str(&ask(book, n, Command::Report)).unwrap();
    let class = &report["assessments"][0]["class"];
    Some((class["mean"].as_f64()?, class["count"].as_f64()?))
}

/// What becomes of what has been told, between two editions.
type Between = fn(&ReleaseHistory, u64) -> ReleaseHistory;

/// Nothing: they are editions of one run.
fn one_run(history: &ReleaseHistory, _: u64) -> ReleaseHistory {
    history.clone()
}

/// It is kept in a state file over a restart of the process.
fn kept(history: &ReleaseHistory, edition: u64) -> ReleaseHistory {
    let record = history.to_json(EditionNumber(edition));
    let (read, up_to) = ReleaseHistory::from_json(&record).unwrap();
    assert_eq!((up_to, read.to_json(up_to)), (EditionNumber(edition), record));
    read
}

/// It is forgotten over a restart of the process.
fn forgotten(_: &ReleaseHistory, _: u64) -> ReleaseHistory {
    ReleaseHistory::default()
}

/// Marks are typed in one by one, the file is saved after each, and student 0, whose mark is the first,
/// asks each time and subtracts. Gives how many of the others' marks they learn.
fn recovered_by_polling(population_min: u32, between: Between) -> usize {
    let marks: Vec<u32> = (0..20).map(|n| n * 7 % 11).collect();
    let mut class = Class::new(marks.len(), population_min);
    let mut before = None;
    let mut recovered = 0;
    for (n, mark) in marks.iter().enumerate() {
        class.marks[n] = Some(*mark);
        class.history = between(&class.history, class.edition);
        let told = mean_and_count(&class.save(), 0);
        if let (Some((mean_before, count_before)), Some((mean, count))) = (before, told)
            && count == count_before + 1.0
        {
            let guess: f64 = mean * count - mean_before * count_before;
            recovered += usize::from((guess - f64::from(*mark)).abs() < 0.5);
        }
        before = told.or(before);
    }
    recovered
}

#[test]
fn polling_averages_while_marks_are_typed_in_recovers_nothing() {
    assert_eq!(recovered_by_polling(1, one_run), 19, "the attack works where there is no rule");
    assert_eq!(recovered_by_polling(5, one_run), 0);
    assert_eq!(recovered_by_polling(2, one_run), 0);
}

#[test]
fn restarts_of_the_process_between_two_marks_recover_nothing_with_a_state_file() {
    assert_eq!(recovered_by_polling(5, forgotten), 15, "the attack works without one");
    assert_eq!(recovered_by_polling(5, kept), 0);
}

#[test]
fn a_damaged_record_of_what_was_told_is_not_read() {
    let mut class = Class::new(8, 5);
    class.marks.fill(Some(7));
    let record = class.save().release_history().to_json(EditionNumber(1));
    assert!(ReleaseHistory::from_json(&record).is_ok());
    for cut in 0..record.len() {
        assert!(ReleaseHistory::from_json(&record[..cut]).is_err(), "cut at {cut}");
    }
    let text = String::from_utf8(record).unwrap();
    for (sound, damaged) in
        [("\"form\":1", "\"form\":2"), ("\"7\"", "\"x\""), ("8]", "-8]"), ("8]", "2]")]
    {
        let damaged = text.replace(sound, damaged);
        assert!(damaged != text && ReleaseHistory::from_json(damaged.as_bytes()).is_err());
    }
}

/// What a student is told of a class with these marks, all at once.
fn statistics(marks: &[u32], population_min: u32) -> String {
    let mut class = Class::new(marks.len(), population_min);
    class.marks = marks.iter().copied().map(Some).collect();
    ask(&class.save(), 0, Command::Statistics("Lab 1"))
}

/// All lists of marks from 0 to 10 that fit what is told of this one. Lists do not fall, since who has
/// which mark is not told anyway.
fn lists_that_fit(marks: &[u32], population_min: u32) -> Vec<Vec<u32>> {
    let told = statistics(marks, population_min);
    let mut fitting = Vec::new();
    let mut list = vec![0_u32; marks.len()];
    loop {
        if statistics(&list, population_min) == told {
            fitting.push(list.clone());
        }
        let Some(place) = list.iter().rposition(|mark| *mark < 10) else { return fitting };
        let mark = list[place] + 1;
        list[place..].fill(mark);
    }
}

#[test]
fn the_statistics_of_a_small_class_do_not_determine_its_marks() {
    let marks = [2, 5, 6, 9, 10];
    assert_eq!(lists_that_fit(&marks, 1), [marks], "the attack works where there is no rule");
    let fitting = lists_that_fit(&marks, 5);
    for place in 0..marks.len() {
        let possible: BTreeSet<_> = fitting.iter().map(|list| list[place]).collect();
        // The median is one mark of an odd class, and whose it is is not told.
        let determined = possible.len() == 1;
        assert_eq!(determined, place == 2, "place {place} may be {possible:?}");
    }
}

#[test]
fn a_figure_stays_until_enough_marks_have_changed() {
    let mut class = Class::new(30, 5);
    let average = Command::Average("Lab 1");
    (0..4).for_each(|n| class.marks[n] = Some(6));
    assert_eq!(ask(&class.save(), 0, average), "Lab 1 average: withheld (fewer than 5 marks)");
    class.marks[4] = Some(6);
    assert_eq!(ask(&class.save(), 0, average), "Lab 1 average: 6");
    (5..9).for_each(|n| class.marks[n] = Some(1));
    assert_eq!(ask(&class.save(), 0, average), "Lab 1 average: 6 (of edition 2)");
    class.marks[0] = Some(7);
    assert_eq!(ask(&class.save(), 0, average), "Lab 1 average: 3.89", "four new and one other");
    class.marks.iter_mut().skip(2).for_each(|mark| *mark = None);
    class.marks[3] = Some(1);
    assert_eq!(ask(&class.save(), 0, average), "Lab 1 average: 3.89 (of edition 4)");
    let report: serde_json::Value =
        serde_json::from_str(&ask(&class.save(), 0, Command::Report)).unwrap();
    assert_eq!(report["edition"], 6);
    assert_eq!(report["assessments"][0]["class"]["edition"], 4);
}

#[test]
fn figures_told_one_after_another_differ_from_each_other_all() {
    let mut class = Class::new(20, 5);
    (0..19).for_each(|n| class.marks[n] = Some(u32::try_from(n).unwrap()));
    let average = Command::Average("Lab 1");
    assert_eq!(ask(&class.save(), 0, average), "Lab 1 average: 9");
    // Six marks are lost by mistake, and restored together with a new one: it must not be the
    // difference of the third figure and the first.
    (13..19).for_each(|n| class.marks[n] = None);
    assert_eq!(ask(&class.save(), 0, average), "Lab 1 average: 6");
    (13..19).for_each(|n| class.marks[n] = Some(u32::try_from(n).unwrap()));
    class.marks[19] = Some(4);
    assert_eq!(ask(&class.save(), 0, average), "Lab 1 average: 6 (of edition 2)");
}

#[test]
fn other_ids_for_the_same_marks_are_no_changes() {
    let file = |renumbered: usize, students: usize| -> String {
        let id =
            |n: usize| if (1..=renumbered).contains(&n) { 3_100_000 + n } else { 2_100_000 + n };
        let row = |n: usize| {
            format!(
                "Some One,{},{},{n}
",
                id(n),
                key(n)
            )
        };
        format!(
            "Name,ID Number,Key,Lab 1
{}",
            (0..students).map(row).collect::<String>()
        )
    };
    let read = |file: &str, edition, before: &ReleaseHistory| publish(file, edition, before, 5);
    let first = read(&file(0, 19), 1, &ReleaseHistory::default());
    let renumbered = read(&file(18, 20), 2, first.release_history());
    let told = ask(&renumbered, 0, Command::Average("Lab 1"));
    assert_eq!(told, "Lab 1 average: 9 (of edition 1)");
}

#[test]
fn a_column_that_goes_and_comes_back_is_remembered() {
    let mut class = Class::new(10, 5);
    class.marks.iter_mut().take(6).for_each(|mark| *mark = Some(5));
    class.save();
    let without = format!("Name,ID Number,Key\nSome One,2100000,{}\n", key(0));
    let book = publish(&without, 2, &class.history, class.population_min);
    (class.history, class.edition) = (book.release_history().clone(), 2);
    class.marks[6] = Some(10);
    let told = ask(&class.save(), 0, Command::Average("Lab 1"));
    assert_eq!(told, "Lab 1 average: 5 (of edition 1)", "one mark more tells nothing");
}

#[test]
fn a_column_under_another_name_is_known_by_its_marks() {
    let keys: Vec<_> = (0..10).map(key).collect();
    let file = |header: &str, row: &dyn Fn(usize) -> String| -> String {
        let rows = keys.iter().enumerate();
        let rows = rows.map(|(n, key)| format!("Some One,{},{key},{}\n", 2_100_000 + n, row(n)));
        format!("Name,ID Number,Key,{header}\n{}", rows.collect::<String>())
    };
    let read = |file: &str, edition, before: &ReleaseHistory| publish(file, edition, before, 5);
    let first = read(&file("Lab 1", &|n| n.to_string()), 1, &ReleaseHistory::default());
    assert_eq!(ask(&first, 0, Command::Average("Lab 1")), "Lab 1 average: 4.5");
    // Renamed, with one mark changed; and copied, with another.
    let one_changed = |n: usize, which: usize| if n == which { 10 } else { n };
    let renamed = file("Lab One", &|n| one_changed(n, 3).to_string());
    let renamed = read(&renamed, 2, first.release_history());
    assert_eq!(
        ask(&renamed, 0, Command::Average("Lab One")),
        "Lab One average: 4.5 (of edition 1)"
    );
    let copied = file("Lab 1,Copy", &|n| format!("{n},{}", one_changed(n, 4)));
    let copied = read(&copied, 2, &ReleaseHistory::default());
    assert_eq!(ask(&copied, 0, Command::Average("Copy")), "Copy average: 4.5");
    // Another assessment is another.
    let other = file("Lab 1,Lab 2", &|n| format!("{n},{}", 9 - n));
    let other = read(&other, 2, first.release_history());
    assert_eq!(ask(&other, 0, Command::Average("Lab 1")), "Lab 1 average: 4.5 (of edition 1)");
    assert_eq!(
        ask(&other, 0, Command::Statistics("Lab 2")),
        "Lab 2 statistics: 10 marks, mean 4.5, median 4.5"
    );
}

/// An edition of a class of 20 with these columns: each a name, and the mark of each student.
fn columns(
    edition: u64,
    columns: &[(&str, &dyn Fn(u32) -> u32)],
    before: &ReleaseHistory,
) -> (Book, ReleaseHistory) {
    let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
    let mut file = format!("Name,ID Number,Key,{}\n", names.join(","));
    for n in 0..20_usize {
        let marks = columns.iter().map(|(_, mark)| mark(u32::try_from(n).unwrap()).to_string());
        let marks = marks.collect::<Vec<_>>().join(",");
        writeln!(file, "Some One,{},{},{marks}", 2_100_000 + n, key(n)).unwrap();
    }
    let book = publish(&file, edition, before, 5);
    let history = book.release_history().clone();
    (book, history)
}

#[test]
fn a_column_that_is_renamed_and_renamed_back_remembers_what_was_told_in_between() {
    let other = |n: u32| if n < 6 { 90 + n } else { n };
    let one_more = |n: u32| if n == 19 { 87 } else { other(n) };
    let (_, told) = columns(1, &[("Quiz", &|n| n)], &ReleaseHistory::default());
    let (_, told) = columns(2, &[("quiz", &|n| n)], &told);
    let (book, told) = columns(3, &[("quiz", &other)], &told);
    assert_eq!(ask(&book, 0, Command::Average("quiz")), "quiz average: 36.5");
    let (book, _) = columns(4, &[("Quiz", &one_more)], &told);
    assert_eq!(ask(&book, 0, Command::Average("Quiz")), "Quiz average: 36.5 (of edition 3)");
}

#[test]
fn columns_that_swap_their_names_tell_nothing_new() {
    let (a, b) = (|n: u32| n, |n: u32| 100 + n);
    let (a_changed, b_changed) =
        (|n: u32| if n == 3 { 50 } else { n }, |n: u32| if n == 4 { 150 } else { 100 + n });
    let (_, told) = columns(1, &[("A", &a), ("B", &b)], &ReleaseHistory::default());
    let (book, _) = columns(2, &[("A", &b_changed), ("B", &a_changed)], &told);
    assert_eq!(ask(&book, 0, Command::Average("A")), "A average: 109.5 (of edition 1)");
    assert_eq!(ask(&book, 0, Command::Average("B")), "B average: 9.5 (of edition 1)");
}

#[test]
fn a_column_that_becomes_nearly_a_copy_of_another_tells_nothing_new() {
    for names in [["A", "B"], ["B", "A"]] {
        let column = |name: &str, b_now: &'static dyn Fn(u32) -> u32| -> &dyn Fn(u32) -> u32 {
            if name == "A" { &|n| n } else { b_now }
        };
        let first = names.map(|name| (name, column(name, &|n| 100 + 3 * n)));
        let (_, told) = columns(1, &first, &ReleaseHistory::default());
        let second = names.map(|name| (name, column(name, &|n| if n == 3 { 50 } else { n })));
        let (book, _) = columns(2, &second, &told);
        assert_eq!(ask(&book, 0, Command::Average("A")), "A average: 9.5 (of edition 1)");
        assert_eq!(ask(&book, 0, Command::Average("B")), "B average: 9.5 (of edition 1)");
    }
}

#[test]
fn an_assessment_that_happens_to_have_the_marks_of_another_is_told() {
    let (first, second) = (|n: u32| n % 3, |n: u32| (n + 1) % 3);
    let (_, told) = columns(1, &[("Lab 1", &first)], &ReleaseHistory::default());
    let (book, _) = columns(2, &[("Lab 1", &first), ("Lab 2", &second)], &told);
    assert_eq!(ask(&book, 0, Command::Average("Lab 2")), "Lab 2 average: 1.05");
}
