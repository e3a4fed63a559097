//! The attacks that docs/PRIVACY.md describes, run on invented classes: subtracting averages while
//! marks change, and reconstructing marks from the statistics of a small class.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_precision_loss)]

mod columns;
mod lengths;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use fernet::Fernet;
use fernet_batch::{Key, Sealer, StudentKeys, Timestamp};
use gradebook::{
    BatchLimits, Book, Class as PublishedClass, Command, EditionNumber, LastEdition, Mark,
    PrivacyPolicy, ReleaseHistory, Request, Requests, RosterBuilder, StudentId, UnknownStudent,
};

const NOW: Timestamp = Timestamp(1_800_000_000);

/// Reads a class file without quotes.
fn read(file: &str) -> PublishedClass {
    let mut lines = file.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().unwrap();
    let mut builder = RosterBuilder::new(header[3..].iter().map(ToString::to_string));
    for cells in lines {
        let id = StudentId::new(cells[1].as_bytes()).unwrap();
        let keys = StudentKeys::new(Key::parse(cells[2].as_bytes()).unwrap());
        builder
            .add(&id, cells[0], keys, cells[3..].iter().map(|mark| Mark::parse(mark).unwrap()))
            .unwrap();
    }
    builder.finish().ok().unwrap()
}

/// When an edition was published: each a day after the one before it.
fn time_of(edition: u64) -> Timestamp {
    Timestamp(NOW.0 + edition * 86_400)
}

/// A text with figures that an earlier edition released.
fn kept_from(edition: u64, text: &str) -> String {
    format!("{text} (as of {})", time_of(edition).date())
}

/// Publishes a class file.
fn publish(file: &str, edition: u64, history: &ReleaseHistory, population_min: u32) -> Book {
    Book::publish(
        read(file),
        EditionNumber(edition).published_at(time_of(edition)),
        history,
        PrivacyPolicy { population_min },
    )
}

/// A class as its instructor sees it: each student's mark, or `None`.
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

    /// Saves the marks as the next class file and publishes it.
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

/// The answer that student `n` reads.
fn ask(book: &Book, n: usize, command: Command<&str>) -> String {
    let mut requests = Requests::new(BatchLimits { requests: 1, output_bytes: 1 << 20 });
    let id = (2_100_000 + n).to_string();
    requests.push(Request { id: StudentId::new(id.as_bytes()).unwrap(), command });
    let answers = book.answer(requests, &UnknownStudent::Close, NOW);
    let replies = answers.seal(&mut Sealer::new().unwrap());
    let token = std::str::from_utf8(replies.bytes()).unwrap().trim_end();
    let text = Fernet::new(&key(n)).unwrap().decrypt_at_time(token, None, NOW.0).unwrap();
    String::from_utf8(text).unwrap()
}

/// The mean of Lab 1 and its number of marks, if student `n` sees them.
fn mean_and_count(book: &Book, n: usize) -> Option<(f64, f64)> {
    let report: serde_json::Value = serde_json::from_str(&ask(book, n, Command::Report)).unwrap();
    let class = &report["assessments"][0]["class"];
    Some((class["mean"].as_f64()?, class["count"].as_f64()?))
}

/// What happens to the release history between two editions.
type Between = fn(&ReleaseHistory, u64) -> ReleaseHistory;

/// Both editions belong to one run.
fn one_run(history: &ReleaseHistory, _: u64) -> ReleaseHistory {
    history.clone()
}

/// The process restarts and reads the history from a state file.
fn kept(history: &ReleaseHistory, edition: u64) -> ReleaseHistory {
    let last = LastEdition {
        number: EditionNumber(edition),
        published: time_of(edition),
        content: Some(7),
    };
    let record = history.to_json(last);
    let (read, up_to) = ReleaseHistory::from_json(&record).unwrap();
    assert_eq!((up_to, read.to_json(up_to)), (last, record));
    read
}

/// The process restarts without a state file.
fn forgotten(_: &ReleaseHistory, _: u64) -> ReleaseHistory {
    ReleaseHistory::default()
}

/// Enters marks one by one and saves the file after each. Student 0 asks for the mean each time and
/// subtracts. Returns the number of other students' marks that student 0 finds.
fn recovered_by_polling(population_min: u32, between: Between) -> usize {
    let marks: Vec<u32> = (0..20).map(|n| n * 7 % 11).collect();
    let mut class = Class::new(marks.len(), population_min);
    let mut before = None;
    let mut recovered = 0;
    for (n, mark) in marks.iter().enumerate() {
        class.marks[n] = Some(*mark);
        class.history = between(&class.history, class.edition);
        let seen = mean_and_count(&class.save(), 0);
        if let (Some((mean_before, count_before)), Some((mean, count))) = (before, seen)
            && count == count_before + 1.0
        {
            let guess: f64 = mean * count - mean_before * count_before;
            recovered += usize::from((guess - f64::from(*mark)).abs() < 0.5);
        }
        before = seen.or(before);
    }
    recovered
}

#[test]
fn polling_averages_while_marks_are_entered_recovers_no_mark() {
    assert_eq!(recovered_by_polling(1, one_run), 19, "the attack works without a minimum");
    assert_eq!(recovered_by_polling(5, one_run), 0);
    assert_eq!(recovered_by_polling(2, one_run), 0);
}

#[test]
fn restarts_between_two_marks_recover_no_mark_with_a_state_file() {
    assert_eq!(recovered_by_polling(5, forgotten), 15, "the attack works without a state file");
    assert_eq!(recovered_by_polling(5, kept), 0);
}

#[test]
fn a_damaged_release_history_is_rejected() {
    let mut class = Class::new(8, 5);
    class.marks.fill(Some(7));
    let first = LastEdition { number: EditionNumber(1), ..LastEdition::default() };
    let record = class.save().release_history().to_json(first);
    assert!(ReleaseHistory::from_json(&record).is_ok());
    for cut in 0..record.len() {
        assert!(ReleaseHistory::from_json(&record[..cut]).is_err(), "cut at {cut}");
    }
    let text = String::from_utf8(record).unwrap();
    let apart = text.replace("[\"7\",8]", "[\"7\",3],[\"7.0\",5]");
    assert_ne!(apart, text);
    let (together, _) = ReleaseHistory::from_json(apart.as_bytes()).unwrap();
    assert_eq!(together.to_json(first), text.as_bytes());
    for (sound, damaged) in
        [("\"form\":1", "\"form\":2"), ("\"7\"", "\"x\""), ("8]", "-8]"), ("8]", "2]")]
    {
        let damaged = text.replace(sound, damaged);
        assert!(damaged != text && ReleaseHistory::from_json(damaged.as_bytes()).is_err());
    }
}

/// All statistics that a student sees of a class with these marks.
fn statistics(marks: &[u32], population_min: u32) -> String {
    let mut class = Class::new(marks.len(), population_min);
    class.marks = marks.iter().copied().map(Some).collect();
    ask(&class.save(), 0, Command::Statistics("Lab 1"))
}

/// All ascending lists of marks from 0 to 10 that have the same statistics as this one. Other orders
/// are not tried, since statistics do not depend on who has which mark.
fn lists_that_fit(marks: &[u32], population_min: u32) -> Vec<Vec<u32>> {
    let released = statistics(marks, population_min);
    let mut fitting = Vec::new();
    let mut list = vec![0_u32; marks.len()];
    loop {
        if statistics(&list, population_min) == released {
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
    assert_eq!(lists_that_fit(&marks, 1), [marks], "the attack works without a minimum");
    let fitting = lists_that_fit(&marks, 5);
    for place in 0..marks.len() {
        let possible: BTreeSet<_> = fitting.iter().map(|list| list[place]).collect();
        // The median of an odd class is one of its marks; statistics do not show whose.
        let determined = possible.len() == 1;
        assert_eq!(determined, place == 2, "place {place} may be {possible:?}");
    }
}

#[test]
fn a_released_figure_stays_until_enough_marks_change() {
    let mut class = Class::new(30, 5);
    let average = Command::Average("Lab 1");
    (0..4).for_each(|n| class.marks[n] = Some(6));
    assert_eq!(ask(&class.save(), 0, average), "Lab 1 average: withheld (fewer than 5 marks)");
    class.marks[4] = Some(6);
    assert_eq!(ask(&class.save(), 0, average), "Lab 1 average: 6");
    (5..9).for_each(|n| class.marks[n] = Some(1));
    assert_eq!(ask(&class.save(), 0, average), kept_from(2, "Lab 1 average: 6"));
    class.marks[0] = Some(7);
    assert_eq!(
        ask(&class.save(), 0, average),
        "Lab 1 average: 3.89",
        "four new marks and one changed mark"
    );
    class.marks.iter_mut().skip(2).for_each(|mark| *mark = None);
    class.marks[3] = Some(1);
    assert_eq!(ask(&class.save(), 0, average), kept_from(4, "Lab 1 average: 3.89"));
    let report: serde_json::Value =
        serde_json::from_str(&ask(&class.save(), 0, Command::Report)).unwrap();
    assert_eq!(report["edition"], 6);
    assert_eq!(report["assessments"][0]["class"]["as_of"], time_of(4).to_string());
}

#[test]
fn a_mark_written_in_another_way_is_not_a_change() {
    let file = |students: usize, respelled: usize| {
        let mut file = String::from("Name,ID Number,Key,Lab 1\n");
        for n in 0..students {
            let mark = if n < respelled { "7.0" } else { "7" };
            writeln!(file, "Some One,{},{},{mark}", 2_100_000 + n, key(n)).unwrap();
        }
        file
    };
    let first = publish(&file(10, 0), 1, &ReleaseHistory::default(), 5);
    let second = publish(&file(11, 5), 2, &kept(first.release_history(), 1), 5);
    let answer = ask(&second, 0, Command::Average("Lab 1"));
    assert_eq!(answer, kept_from(1, "Lab 1 average: 7"));
    let mixed = publish(&file(10, 5), 1, &ReleaseHistory::default(), 5);
    let later = publish(&file(10, 0), 2, &kept(mixed.release_history(), 1), 5);
    let answer = ask(&later, 0, Command::Average("Lab 1"));
    assert_eq!(answer, kept_from(1, "Lab 1 average: 7"));
}

#[test]
fn every_release_differs_from_all_earlier_ones() {
    let mut class = Class::new(20, 5);
    (0..19).for_each(|n| class.marks[n] = Some(u32::try_from(n).unwrap()));
    let average = Command::Average("Lab 1");
    assert_eq!(ask(&class.save(), 0, average), "Lab 1 average: 9");
    // Six marks are deleted by mistake and restored together with a new one. The new mark must not
    // be the difference between the third figure and the first.
    (13..19).for_each(|n| class.marks[n] = None);
    assert_eq!(ask(&class.save(), 0, average), "Lab 1 average: 6");
    (13..19).for_each(|n| class.marks[n] = Some(u32::try_from(n).unwrap()));
    class.marks[19] = Some(4);
    assert_eq!(ask(&class.save(), 0, average), kept_from(2, "Lab 1 average: 6"));
}

#[test]
fn new_ids_for_the_same_marks_are_not_changes() {
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
    let answer = ask(&renumbered, 0, Command::Average("Lab 1"));
    assert_eq!(answer, kept_from(1, "Lab 1 average: 9"));
}
