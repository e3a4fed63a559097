//! What looks wrong in a content that would be published: the rules for which it is held.
//!
//! A rule compares a content with the current edition. What it finds is a question for the instructor, not
//! an error: a correct file may look wrong.

use std::collections::HashMap;

use gradebook::{Mark, MarkStatus};
use serde::{Deserialize, Serialize};

use crate::content::Content;
use crate::difference::{Difference, in_both, lost};

/// The least number of old marks from which on the rules about many marks hold: fewer say little.
const OLD_MARKS_MIN: usize = 10;

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Figures were drawn with another full result.
    RangeChanged,
    /// An earlier edition was published again, and the file has not changed since.
    RolledBack,
    /// Another file was published, and this one has not changed since.
    Replaced,
}

impl Rule {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::StudentsLost => "students-lost",
            Self::AssessmentLost => "assessment-lost",
            Self::AssessmentRenamed => "assessment-renamed",
            Self::MarksCleared => "marks-cleared",
            Self::NamesMoved => "names-moved",
            Self::OlderExport => "older-export",
            Self::MeanMoved => "mean-moved",
            Self::MarksChanged => "marks-changed",
            Self::RangeChanged => "range-changed",
            Self::RolledBack => "rolled-back",
            Self::Replaced => "replaced",
        }
    }
}

/// Why a content is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
        // Equal means differ by as much as rounding does.
        let rounding = 1e-9 * from.abs().max(1.0);
        ((to - from).abs() > 2.0 * deviation + rounding).then_some((from, to))
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
mod tests;
