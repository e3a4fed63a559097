//! The texts of class statistics, rendered once for each edition.

use std::sync::Arc;

use super::figures::Figures;
use super::policy::PrivacyPolicy;
use super::release::{ReleaseStatus, StatisticRelease};
use super::report::{ClassFigures, NO_OWN_MARK};
use crate::request::LAB_ANSWER_BYTES_MAX;
use crate::values::EditionStamp;

/// An answer about the class: for students who may see it, and for those who may not.
pub(crate) struct StatisticText {
    pub(crate) shown: String,
    pub(crate) withheld: String,
}

/// The answer to `GEA`.
pub(crate) struct ExamAverage {
    /// The whole answer, for a student who may see all of it.
    pub(crate) text: String,
    /// The columns of the exams, each with its part of the answer.
    pub(crate) exams: Vec<(usize, StatisticText)>,
}

impl StatisticText {
    pub(crate) fn new(subject: &str, value: &str) -> Self {
        let shown = format!("{subject}: {value}");
        let withheld = format!("{subject}: withheld ({NO_OWN_MARK})");
        Self { shown, withheld }
    }

    pub(crate) fn for_student(&self, may_see: bool) -> &str {
        if may_see { &self.shown } else { &self.withheld }
    }

    /// The length of the longer text.
    pub(crate) fn bytes_max(&self) -> usize {
        self.shown.len().max(self.withheld.len())
    }
}

/// How the answer to `GEA` begins for a student who may not see all of it.
pub(crate) const NOT_EVERY_EXAM: &str =
    "Exam average: withheld (you do not have a mark in every exam) (";

impl ExamAverage {
    /// The length of the longest answer, whichever exams a student has a mark in.
    pub(crate) fn bytes_max(&self) -> usize {
        const SEPARATOR_BYTES: usize = 2;
        let mut bytes = NOT_EVERY_EXAM.len();
        for (_, exam) in &self.exams {
            bytes = bytes.saturating_add(exam.bytes_max()).saturating_add(SEPARATOR_BYTES);
        }
        bytes.max(self.text.len()).min(LAB_ANSWER_BYTES_MAX)
    }
}

/// Renders the statistics of one edition.
#[derive(Clone, Copy)]
pub(crate) struct Renderer {
    pub(crate) stamp: EditionStamp,
    pub(crate) policy: PrivacyPolicy,
}

impl Renderer {
    /// The mean, as `AVG` has it.
    pub(crate) fn mean(self, status: &ReleaseStatus) -> String {
        self.render(status, |figures| figures.mean.to_string())
    }

    /// All figures, as `STATS` has them.
    pub(crate) fn all(self, status: &ReleaseStatus) -> String {
        self.render(status, Figures::to_string)
    }

    fn render(self, status: &ReleaseStatus, text: impl Fn(&Figures) -> String) -> String {
        match status {
            ReleaseStatus::Released(StatisticRelease { figures, stamp, .. }) => {
                if stamp.number == self.stamp.number {
                    text(figures)
                } else {
                    format!("{} (as of {})", text(figures), stamp.published.date())
                }
            }
            ReleaseStatus::NoMarks => "no marks yet".to_owned(),
            ReleaseStatus::BelowThreshold => format!("withheld ({})", self.too_few()),
        }
    }

    /// The figures as `REPORT` has them.
    pub(crate) fn figures(self, status: &ReleaseStatus) -> ClassFigures {
        match status {
            ReleaseStatus::Released(StatisticRelease { figures, stamp, .. }) => {
                let as_of = stamp.published.to_string();
                ClassFigures::Known { as_of, figures: Arc::clone(figures) }
            }
            ReleaseStatus::NoMarks => ClassFigures::Withheld { withheld: "no marks yet".into() },
            ReleaseStatus::BelowThreshold => {
                ClassFigures::Withheld { withheld: self.too_few().into() }
            }
        }
    }

    fn too_few(self) -> String {
        format!("fewer than {} marks", self.policy.population_min)
    }

    /// The answer to `GEA`: the average over the marks of all columns `Exam *`, and of each of them.
    /// The first counts only columns whose figures are released. Returns `None` if the class has no
    /// such column.
    pub(crate) fn exam_average(
        self,
        names: &[String],
        statuses: &[ReleaseStatus],
    ) -> Option<ExamAverage> {
        let mut exams = Vec::new();
        let mut released = Vec::new();
        let mut no_marks = true;
        for (column, (name, status)) in names.iter().zip(statuses).enumerate() {
            if !name.starts_with("Exam ") {
                continue;
            }
            let text = StatisticText::new(&deunicode::deunicode(name), &self.mean(status));
            exams.push((column, text));
            no_marks &= matches!(status, ReleaseStatus::NoMarks);
            if let ReleaseStatus::Released(release) = status {
                released.push(&*release.figures);
            }
        }
        if exams.is_empty() {
            return None;
        }
        let all = match Figures::mean_of_all(released.into_iter(), self.policy) {
            Some(mean) => mean.to_string(),
            None if no_marks => "no marks yet".to_owned(),
            None => format!("withheld ({})", self.too_few()),
        };
        let each: Vec<_> = exams.iter().map(|(_, exam)| exam.shown.as_str()).collect();
        let mut text = format!("Exam average: {all} ({})", each.join(", ")).into_bytes();
        shorten(&mut text, 0);
        Some(ExamAverage { text: String::from_utf8(text).ok()?, exams })
    }
}

/// Cuts the text that begins at `start` to the length that a lab client reads, between two marks, and
/// appends a note.
pub(crate) fn shorten(text: &mut Vec<u8>, start: usize) {
    const MORE: &[u8] = b", ... (REPORT shows all)";
    let end_max = start.saturating_add(LAB_ANSWER_BYTES_MAX);
    if text.len() <= end_max {
        return;
    }
    text.truncate(end_max - MORE.len());
    let kept = text.get(start..).unwrap_or_default();
    let cut = memchr::memmem::rfind(kept, b", ").unwrap_or(kept.len());
    text.truncate(start.saturating_add(cut));
    text.extend_from_slice(MORE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_of_an_answer_is_its_longer_text() {
        let short = StatisticText::new("Lab 1 average", "5");
        assert_eq!(short.bytes_max(), "Lab 1 average: withheld (you have no mark in it)".len());
        let long = StatisticText::new("Lab 1 statistics", &"x".repeat(100));
        assert_eq!(long.bytes_max(), long.shown.len());
        let text = "Exam average: 5".to_owned();
        let exams = ExamAverage { text, exams: vec![(0, short), (1, long)] };
        assert_eq!(exams.bytes_max(), NOT_EVERY_EXAM.len() + 48 + 118 + 2 * 2);
    }
}
