//! Each rule, at its limit and beyond.

use fernet_batch::Timestamp;

use super::*;
use crate::testing::{column, content};

const OPTIONS: RuleOptions =
    RuleOptions { shrink_percent_max: 20, base_exported_at: None, exported_at: None };

fn found_with(base: &Content, next: &Content, options: RuleOptions) -> Vec<(Rule, String)> {
    let difference = Difference::between(Some(base), next, Timestamp(0));
    let found = held(base, next, &difference, options);
    found.into_iter().map(|held| (held.rule, held.text)).collect()
}

#[track_caller]
fn finds(base: &Content, next: &Content, expected: &[(Rule, &str)]) {
    let found = found_with(base, next, OPTIONS);
    let found: Vec<_> = found.iter().map(|(rule, text)| (*rule, text.as_str())).collect();
    assert_eq!(found, expected);
}

#[test]
fn nothing_looks_wrong_in_marks_that_are_entered_or_excused_or_put_on_hold() {
    let base = content("Lab 1,Lab 2", &["1 Ada 7 -", "2 Bo 8 -", "3 Cy 9 4"]);
    let next = content("Lab 1,Lab 2", &["1 Ada EX 3", "2 Bo hold 4", "3 Cy 9 4", "4 Di 5 5"]);
    finds(&base, &next, &[]);
}

#[test]
fn a_fifth_of_the_students_may_leave_and_not_one_more() {
    let all: Vec<_> = (10..20).map(|id| format!("{id} N{id} 5")).collect();
    let rows: Vec<_> = all.iter().map(String::as_str).collect();
    let base = content("Lab 1", &rows);
    finds(&base, &content("Lab 1", &rows[2..]), &[]);
    let text = "3 of 10 students left";
    finds(&base, &content("Lab 1", &rows[3..]), &[(Rule::StudentsLost, text)]);
}

#[test]
fn a_lost_assessment_and_a_renamed_one_are_different_questions() {
    let base = content("Lab 1,Lab 2", &["1 Ada 7 1", "2 Bo 8 2", "3 Cy 9 3", "4 Di 5 4"]);
    let lost = content("Lab 1", &["1 Ada 7", "2 Bo 8", "3 Cy 9", "4 Di 5"]);
    finds(&base, &lost, &[(Rule::AssessmentLost, "\"Lab 2\" is gone")]);
    let renamed = content("Lab 1,L2", &["1 Ada 7 1", "2 Bo 8 2", "3 Cy 9 3", "4 Di 5 9"]);
    let text = "\"Lab 2\" is gone, and \"L2\" has its marks";
    finds(&base, &renamed, &[(Rule::AssessmentRenamed, text)]);
}

#[test]
fn a_number_that_became_blank_is_a_question() {
    let base = content("Lab 1", &["1 Ada 7", "2 Bo EX"]);
    let next = content("Lab 1", &["1 Ada -", "2 Bo -"]);
    finds(&base, &next, &[(Rule::MarksCleared, "1 mark of \"Lab 1\" became blank")]);
}

#[test]
fn a_column_of_names_that_slipped_is_noticed() {
    let base = content("Lab 1", &["1 Ada 7", "2 Bo 8", "3 Cy 9"]);
    let slipped = content("Lab 1", &["1 Bo 7", "2 Cy 8", "3 Ada 9"]);
    let text = "3 students with the name that another student had";
    finds(&base, &slipped, &[(Rule::NamesMoved, text)]);
    let renamed = content("Lab 1", &["1 Ada-Lou 7", "2 Bo 8", "3 Cy 9"]);
    finds(&base, &renamed, &[]);
}

#[test]
fn an_older_export_is_a_question() {
    let base = content("Lab 1", &["1 Ada 7"]);
    let found = |base_exported_at, exported_at| {
        let options = RuleOptions { base_exported_at, exported_at, ..OPTIONS };
        found_with(&base, &base, options).len()
    };
    assert_eq!(found(Some(100), Some(99)), 1);
    assert_eq!(found(Some(100), Some(100)) + found(None, Some(1)) + found(Some(1), None), 0);
}

#[test]
fn many_changed_marks_and_a_moved_mean_are_questions_from_ten_marks_on() {
    let base = column("Lab 1", &[4, 5, 6, 4, 5, 6, 4, 5, 6, 5]);
    finds(&base, &column("Lab 1", &[5, 6, 7, 4, 5, 6, 4, 5, 6, 5]), &[]);
    let four = column("Lab 1", &[5, 6, 7, 5, 5, 6, 4, 5, 6, 5]);
    finds(&base, &four, &[(Rule::MarksChanged, "4 of 10 marks of \"Lab 1\" changed")]);
    let tenfold = column("Lab 1", &[40, 5, 60, 4, 50, 6, 4, 5, 6, 5]);
    let mean = (Rule::MeanMoved, "the mean of \"Lab 1\" moved from 5.00 to 18.50");
    finds(&base, &tenfold, &[mean]);
    let nine = column("Lab 1", &[4, 5, 6, 4, 5, 6, 4, 5, 6]);
    finds(&nine, &column("Lab 1", &[40, 50, 60, 40, 50, 60, 40, 50, 60]), &[]);
}

#[test]
fn equal_marks_have_an_equal_mean_however_it_is_rounded() {
    let rows = |marked: usize| -> Vec<String> {
        let mark = |n: usize| if n < marked { "3.3" } else { "-" };
        (0..12).map(|n| format!("{} N{n} {}", 10 + n, mark(n))).collect()
    };
    let of = |marked: usize| {
        let rows = rows(marked);
        content("Lab 1", &rows.iter().map(String::as_str).collect::<Vec<_>>())
    };
    finds(&of(10), &of(12), &[]);
}
