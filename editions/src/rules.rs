//! What looks wrong in a content that would be published: the rules for which it is held.
//!
//! A rule compares a content with the current edition. What it finds is a question for the instructor, not
//! an error: a correct file may look wrong.

use std::collections::HashMap;

use gradebook::{Mark, MarkStatus};
use serde::Serialize;

use crate::content::Content;
use crate::difference::{Difference, in_both, lost};

/// The least number of old marks from which on the rules about many marks hold: fewer say little.
const OLD_MARKS_MIN: usize = 10;

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// More students are gone than the settings allow.
    StudentsLost,
    /// An assessment is gone.
    AssessmentLost,
    /// An assessment is gone, and another one has its marks.
    AssessmentRenamed,
    /// Numbers became blanks.
    MarksCleared,
    /// A student has the name that another one had.
    NamesMoved,
    /// The file was exported before the one of the current edition.
    OlderExport,
    /// The mean moved by more than two standard deviations.
    MeanMoved,
    /// More than a third of the old marks changed.
    MarksChanged,
}

/// Why a content is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The rule.
    pub rule: Rule,
    /// The assessment that it is about; `None` if it is about the class.
    pub assessment: Option<String>,
    /// What was found, for the instructor alone: it may contain figures.
    pub text: String,
}

/// What the rules compare beside the contents.
#[derive(Clone, Copy, Debug)]
pub struct RuleOptions {
    /// The most students that may be gone, in percent of those of the current edition.
    pub shrink_percent_max: u8,
    /// When the file of the current edition was exported, in seconds since 1970, if it says so.
    pub base_exported_at: Option<u64>,
    /// When the new file was exported.
    pub exported_at: Option<u64>,
}

/// Everything that looks wrong in `next`, compared with the current edition `base`.
pub fn held(
    base: &Content,
    next: &Content,
    difference: &Difference,
    options: RuleOptions,
) -> Vec<Held> {
    let mut found = Vec::new();
    let mut class = |rule, text| found.push(Held { rule, assessment: None, text });
    let left = difference.students.left;
    let students = base.students();
    if left * 100 > students * usize::from(options.shrink_percent_max) {
        class(Rule::StudentsLost, format!("{left} of {} left", count(students, "student")));
    }
    let moved = names_moved(base, next);
    if moved > 0 {
        class(
            Rule::NamesMoved,
            format!("{} with the name that another student had", count(moved, "student")),
        );
    }
    if let (Some(exported_at), Some(before)) = (options.exported_at, options.base_exported_at)
        && exported_at < before
    {
        let text = "the file was exported before the one of the current edition".to_owned();
        class(Rule::OlderExport, text);
    }
    for name in lost(base, next) {
        found.push(match renamed_to(base, next, name) {
            Some(other) => Held {
                rule: Rule::AssessmentRenamed,
                assessment: Some(name.to_owned()),
                text: format!("{name:?} is gone, and {other:?} has its marks"),
            },
            None => Held {
                rule: Rule::AssessmentLost,
                assessment: Some(name.to_owned()),
                text: format!("{name:?} is gone"),
            },
        });
    }
    for name in next.names() {
        found.extend(assessment_rules(base, next, name));
    }
    found
}

/// The rules about one assessment of both contents.
fn assessment_rules(base: &Content, next: &Content, name: &str) -> Vec<Held> {
    let (Some(old_column), Some(new_column)) = (base.column(name), next.column(name)) else {
        return Vec::new();
    };
    let mut column = ColumnChange::default();
    for (old, new) in in_both(base, next) {
        if !new.is_on_hold(new_column) {
            column.count(base.mark(old, old_column), next.mark(new, new_column));
        }
    }
    let mut found = Vec::new();
    let mut hold = |rule, text| {
        found.push(Held { rule, assessment: Some(name.to_owned()), text });
    };
    let ColumnChange { old_marks, changed, cleared_numbers, .. } = column;
    if cleared_numbers > 0 {
        hold(
            Rule::MarksCleared,
            format!("{} of {name:?} became blank", count(cleared_numbers, "mark")),
        );
    }
    if old_marks >= OLD_MARKS_MIN {
        if changed * 3 > old_marks {
            let text = format!("{changed} of {old_marks} marks of {name:?} changed");
            hold(Rule::MarksChanged, text);
        }
        if let Some((from, to)) = column.moved_mean() {
            let text = format!("the mean of {name:?} moved from {from:.2} to {to:.2}");
            hold(Rule::MeanMoved, text);
        }
    }
    found
}

/// What happened to the marks of the students who are in both contents.
#[derive(Default)]
struct ColumnChange {
    old_marks: usize,
    changed: usize,
    cleared_numbers: usize,
    old_numbers: Vec<f64>,
    new_numbers: Vec<f64>,
}

impl ColumnChange {
    fn count(&mut self, old: Mark<'_>, new: Mark<'_>) {
        if old != Mark::Blank {
            self.old_marks += 1;
            self.changed += usize::from(old != new);
        }
        if old.status() == MarkStatus::Number && new == Mark::Blank {
            self.cleared_numbers += 1;
        }
        // Rounding does not matter to a question.
        let value = |mark: Mark<'_>| mark.number()?.to_string().parse::<f64>().ok();
        self.old_numbers.extend(value(old));
        self.new_numbers.extend(value(new));
    }

    /// The means before and after, if they differ by more than two standard deviations of the old marks.
    fn moved_mean(&self) -> Option<(f64, f64)> {
        let from = mean(&self.old_numbers)?;
        let to = mean(&self.new_numbers)?;
        let squares: Vec<_> =
            self.old_numbers.iter().map(|number| (number - from) * (number - from)).collect();
        let deviation = mean(&squares)?.sqrt();
        ((to - from).abs() > 2.0 * deviation).then_some((from, to))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a class has fewer students than 2^52")]
fn mean(numbers: &[f64]) -> Option<f64> {
    (!numbers.is_empty()).then(|| numbers.iter().sum::<f64>() / numbers.len() as f64)
}

/// The new assessment that has most of the marks of a lost one.
fn renamed_to<'a>(base: &Content, next: &'a Content, name: &str) -> Option<&'a str> {
    let old_column = base.column(name)?;
    next.names().find(|other| {
        let Some(new_column) = next.column(other).filter(|_| base.column(other).is_none()) else {
            return false;
        };
        let mut old_marks = 0_usize;
        let mut same = 0_usize;
        for (old, new) in in_both(base, next) {
            let mark = base.mark(old, old_column);
            if mark != Mark::Blank {
                old_marks += 1;
                same += usize::from(mark == next.mark(new, new_column));
            }
        }
        old_marks > 0 && same * 4 >= old_marks * 3
    })
}

/// A number with its noun: `1 mark`, `2 marks`.
fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// The number of students who have the name that another student had.
fn names_moved(base: &Content, next: &Content) -> usize {
    let ids: HashMap<_, _> = base
        .each()
        .filter(|student| !student.name().is_empty())
        .map(|student| (student.name(), student.id()))
        .collect();
    let moved = in_both(base, next).filter(|(old, new)| {
        let owner = ids.get(new.name());
        old.name() != new.name() && owner.is_some_and(|owner| *owner != new.id())
    });
    moved.count()
}

#[cfg(test)]
mod tests {
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
}
