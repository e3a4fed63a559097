//! What publishing a content would change.

use std::collections::HashMap;

use fernet_batch::Timestamp;
use gradebook::Mark;
use serde::{Deserialize, Serialize};

use crate::content::{Content, StudentContent};

/// What a content changes of the one before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The students.
    pub students: StudentsChanged,
    /// The assessments of the new content in its order, then those that are lost.
    pub assessments: Vec<AssessmentChanged>,
}

/// How many students come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudentsChanged {
    /// Students who were not there before.
    pub joined: usize,
    /// Students who are no longer there.
    pub left: usize,
}

/// How many marks of an assessment change. The marks of students who join are new; those of students who
/// leave, and marks that are put on hold, are not cleared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssessmentChanged {
    /// The assessment.
    pub assessment: String,
    /// Blanks that become marks.
    pub new: usize,
    /// Marks that become other marks.
    pub changed: usize,
    /// Marks that become blanks.
    pub cleared: usize,
    /// Whether students may see the assessment once the content is published.
    pub released: bool,
}

/// One mark that changes. It has no `Debug`: no log shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkChanged {
    /// The student.
    pub id: String,
    /// The assessment.
    pub assessment: String,
    /// The mark before; `None` for a blank.
    pub old: Option<String>,
    /// The mark then; `None` for a blank.
    pub new: Option<String>,
}

impl Difference {
    /// What `next` changes of `base`, or adds if there is none, at the time `now`.
    pub fn between(base: Option<&Content>, next: &Content, now: Timestamp) -> Self {
        let mut assessments: Vec<_> = next
            .assessments()
            .iter()
            .map(|assessment| AssessmentChanged {
                assessment: assessment.name.clone(),
                new: 0,
                changed: 0,
                cleared: 0,
                released: assessment.release.is_released(now),
            })
            .collect();
        let kept = assessments.len();
        let lost = base.into_iter().flat_map(|base| lost(base, next));
        assessments.extend(lost.map(|name| AssessmentChanged {
            assessment: name.to_owned(),
            new: 0,
            changed: 0,
            cleared: 0,
            released: false,
        }));
        let by_name: HashMap<_, _> =
            assessments.iter().map(|line| line.assessment.clone()).zip(0..).collect();
        debug_assert!(by_name.len() >= kept);
        each_change(base, next, |_, assessment, old, new| {
            let at = by_name.get(assessment).copied();
            if let Some(line) = at.and_then(|at: usize| assessments.get_mut(at)) {
                match (old, new) {
                    (Mark::Blank, _) => line.new += 1,
                    (_, Mark::Blank) => line.cleared += 1,
                    _ => line.changed += 1,
                }
            }
        });
        Self { students: students_changed(base, next), assessments }
    }

    /// Returns true if nothing changes that students could see or that is counted here.
    pub fn is_empty(&self) -> bool {
        let StudentsChanged { joined, left } = self.students;
        let is_same = |line: &AssessmentChanged| line.new + line.changed + line.cleared == 0;
        joined == 0 && left == 0 && self.assessments.iter().all(is_same)
    }
}

/// Each mark that `next` changes of `base`, by student.
pub fn marks_changed(base: Option<&Content>, next: &Content) -> Vec<MarkChanged> {
    let mut changes = Vec::new();
    each_change(base, next, |id, assessment, old, new| {
        let text = |mark: Mark<'_>| (mark != Mark::Blank).then(|| mark.text());
        changes.push(MarkChanged {
            id: id.to_owned(),
            assessment: assessment.to_owned(),
            old: text(old),
            new: text(new),
        });
    });
    changes
}

/// The assessments of `base` that `next` does not have.
pub(crate) fn lost<'a>(base: &'a Content, next: &'a Content) -> impl Iterator<Item = &'a str> {
    base.names().filter(|name| next.names().all(|other| other != *name))
}

/// The students of two contents who are in both.
pub(crate) fn in_both<'a>(
    base: &'a Content,
    next: &'a Content,
) -> impl Iterator<Item = (&'a StudentContent, &'a StudentContent)> {
    next.each().filter_map(|student| Some((base.student(student.id())?, student)))
}

fn students_changed(base: Option<&Content>, next: &Content) -> StudentsChanged {
    let Some(base) = base else {
        return StudentsChanged { joined: next.students(), left: 0 };
    };
    let both = in_both(base, next).count();
    StudentsChanged { joined: next.students() - both, left: base.students() - both }
}

/// Calls a function with the student's ID, the assessment, the old and the new mark of each change.
fn each_change<'a>(
    base: Option<&'a Content>,
    next: &'a Content,
    mut change: impl FnMut(&'a str, &'a str, Mark<'a>, Mark<'a>),
) {
    let columns_before = |name: &str| base?.column(name);
    let places: Vec<_> = next.names().map(columns_before).collect();
    let lost: Vec<_> = base.map(|base| lost(base, next).collect()).unwrap_or_default();
    for student in next.each() {
        let before = base.and_then(|base| Some((base, base.student(student.id())?)));
        let old = |place: Option<usize>| {
            before.zip(place).map_or(Mark::Blank, |((base, student), at)| base.mark(student, at))
        };
        for (at, (name, place)) in next.names().zip(&places).enumerate() {
            let (old, new) = (old(*place), next.mark(student, at));
            if old != new && !student.is_on_hold(at) {
                change(student.id(), name, old, new);
            }
        }
        for name in &lost {
            let old = old(columns_before(name));
            if old != Mark::Blank {
                change(student.id(), name, old, Mark::Blank);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::content;

    const NOW: Timestamp = Timestamp(1_800_000_000);

    fn lines(difference: &Difference) -> Vec<String> {
        let lines = difference.assessments.iter().map(|line| {
            let AssessmentChanged { assessment, new, changed, cleared, .. } = line;
            format!("{assessment}: {new} new, {changed} changed, {cleared} cleared")
        });
        lines.collect()
    }

    #[test]
    fn the_first_content_is_new_throughout() {
        let next = content("Lab 1,Lab 2", &["1 Ada 7 EX", "2 Bo - 3"]);
        let difference = Difference::between(None, &next, NOW);
        assert_eq!(difference.students, StudentsChanged { joined: 2, left: 0 });
        assert_eq!(
            lines(&difference),
            ["Lab 1: 1 new, 0 changed, 0 cleared", "Lab 2: 2 new, 0 changed, 0 cleared"]
        );
    }

    #[test]
    fn marks_are_new_changed_or_cleared_and_leavers_clear_nothing() {
        let base = content("Lab 1,Lab 2", &["1 Ada 7 -", "2 Bo 3 4", "3 Cy 5 5"]);
        let next = content("Lab 2,Lab 1", &["1 Ada 8 7", "2 Bo - 3", "4 Di 9 EX"]);
        let difference = Difference::between(Some(&base), &next, NOW);
        assert_eq!(difference.students, StudentsChanged { joined: 1, left: 1 });
        assert_eq!(
            lines(&difference),
            ["Lab 2: 2 new, 0 changed, 1 cleared", "Lab 1: 1 new, 0 changed, 0 cleared"]
        );
        let changes = marks_changed(Some(&base), &next);
        let changes = changes.iter().map(|MarkChanged { id, assessment, old, new }| {
            format!("{id} {assessment}: {old:?} -> {new:?}")
        });
        assert_eq!(
            changes.collect::<Vec<_>>(),
            [
                "1 Lab 2: None -> Some(\"8\")",
                "2 Lab 2: Some(\"4\") -> None",
                "4 Lab 2: None -> Some(\"9\")",
                "4 Lab 1: None -> Some(\"EX\")",
            ]
        );
    }

    #[test]
    fn nothing_changes_between_equal_contents_in_another_order() {
        let base = content("Lab 1", &["1 Ada 7", "2 Bo 3"]);
        let next = content("Lab 1", &["2 Bo 3.0", "1 Ada 7"]);
        assert!(Difference::between(Some(&base), &next, NOW).is_empty());
        assert!(base.digest() == next.digest());
    }

    #[test]
    fn a_mark_on_hold_is_not_cleared_and_a_lost_assessment_is() {
        let base = content("Lab 1,Lab 2", &["1 Ada 7 4"]);
        let held = content("Lab 1,Lab 2", &["1 Ada hold 4"]);
        assert!(Difference::between(Some(&base), &held, NOW).is_empty());
        let back = Difference::between(Some(&held), &base, NOW);
        assert_eq!(lines(&back)[0], "Lab 1: 1 new, 0 changed, 0 cleared");
        let less = content("Lab 1", &["1 Ada 7"]);
        let lost = Difference::between(Some(&base), &less, NOW);
        assert_eq!(lines(&lost)[1], "Lab 2: 0 new, 0 changed, 1 cleared");
    }
}
