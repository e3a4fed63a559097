//! Columns that are removed, renamed, swapped or copied between two editions.

use std::fmt::Write as _;

use super::*;

#[test]
fn a_removed_column_that_returns_keeps_its_release() {
    let mut class = Class::new(10, 5);
    class.marks.iter_mut().take(6).for_each(|mark| *mark = Some(5));
    class.save();
    let without = format!("Name,ID Number,Key\nSome One,2100000,{}\n", key(0));
    let book = publish(&without, 2, &class.history, class.population_min);
    (class.history, class.edition) = (book.release_history().clone(), 2);
    class.marks[6] = Some(10);
    let answer = ask(&class.save(), 0, Command::Average("Lab 1"));
    assert_eq!(answer, kept_from(1, "Lab 1 average: 5"), "one more mark releases nothing new");
}

#[test]
fn a_renamed_column_keeps_its_release() {
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
    assert_eq!(ask(&renamed, 0, Command::Average("Lab One")), kept_from(1, "Lab One average: 4.5"));
    let copied = file("Lab 1,Copy", &|n| format!("{n},{}", one_changed(n, 4)));
    let copied = read(&copied, 2, &ReleaseHistory::default());
    assert_eq!(ask(&copied, 0, Command::Average("Copy")), "Copy average: 4.5");
    // A new column with other marks is a new assessment.
    let other = file("Lab 1,Lab 2", &|n| format!("{n},{}", 9 - n));
    let other = read(&other, 2, first.release_history());
    assert_eq!(ask(&other, 0, Command::Average("Lab 1")), kept_from(1, "Lab 1 average: 4.5"));
    assert_eq!(
        ask(&other, 0, Command::Statistics("Lab 2")),
        "Lab 2 statistics: 10 marks, mean 4.5, median 4.5"
    );
}

/// Publishes a class of 20 with these columns: a name, and the mark of each student.
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
fn a_column_renamed_back_keeps_the_releases_in_between() {
    let other = |n: u32| if n < 6 { 90 + n } else { n };
    let one_more = |n: u32| if n == 19 { 87 } else { other(n) };
    let (_, history) = columns(1, &[("Quiz", &|n| n)], &ReleaseHistory::default());
    let (_, history) = columns(2, &[("quiz", &|n| n)], &history);
    let (book, history) = columns(3, &[("quiz", &other)], &history);
    assert_eq!(ask(&book, 0, Command::Average("quiz")), "quiz average: 36.5");
    let (book, _) = columns(4, &[("Quiz", &one_more)], &history);
    assert_eq!(ask(&book, 0, Command::Average("Quiz")), kept_from(3, "Quiz average: 36.5"));
}

#[test]
fn columns_that_swap_names_release_nothing_new() {
    let (a, b) = (|n: u32| n, |n: u32| 100 + n);
    let (a_changed, b_changed) =
        (|n: u32| if n == 3 { 50 } else { n }, |n: u32| if n == 4 { 150 } else { 100 + n });
    let (_, history) = columns(1, &[("A", &a), ("B", &b)], &ReleaseHistory::default());
    let (book, _) = columns(2, &[("A", &b_changed), ("B", &a_changed)], &history);
    assert_eq!(ask(&book, 0, Command::Average("A")), kept_from(1, "A average: 109.5"));
    assert_eq!(ask(&book, 0, Command::Average("B")), kept_from(1, "B average: 9.5"));
}

#[test]
fn a_column_that_becomes_almost_a_copy_releases_nothing_new() {
    for names in [["A", "B"], ["B", "A"]] {
        let column = |name: &str, b_now: &'static dyn Fn(u32) -> u32| -> &dyn Fn(u32) -> u32 {
            if name == "A" { &|n| n } else { b_now }
        };
        let first = names.map(|name| (name, column(name, &|n| 100 + 3 * n)));
        let (_, history) = columns(1, &first, &ReleaseHistory::default());
        let second = names.map(|name| (name, column(name, &|n| if n == 3 { 50 } else { n })));
        let (book, _) = columns(2, &second, &history);
        assert_eq!(ask(&book, 0, Command::Average("A")), kept_from(1, "A average: 9.5"));
        assert_eq!(ask(&book, 0, Command::Average("B")), kept_from(1, "B average: 9.5"));
    }
}

#[test]
fn a_new_assessment_with_the_same_marks_in_another_order_is_released() {
    let (first, second) = (|n: u32| n % 3, |n: u32| (n + 1) % 3);
    let (_, history) = columns(1, &[("Lab 1", &first)], &ReleaseHistory::default());
    let (book, _) = columns(2, &[("Lab 1", &first), ("Lab 2", &second)], &history);
    assert_eq!(ask(&book, 0, Command::Average("Lab 2")), "Lab 2 average: 1.05");
}
