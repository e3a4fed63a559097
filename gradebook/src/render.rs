//! Putting into words what an edition may tell of its class.

use std::sync::Arc;

use crate::book::{EditionNumber, LAB_ANSWER_BYTES_MAX};
use crate::release::{ReleaseStatus, StatisticRelease};
use crate::report::{ClassFigures, NO_OWN_MARK};
use crate::statistics::{Figures, PrivacyPolicy};

/// An answer about the class, for those who may see it and those who may not.
pub(crate) struct StatisticText {
    pub(crate) text: String,
    pub(crate) withheld: String,
}

/// What is told of the exams.
pub(crate) struct ExamAverage {
    /// The whole answer.
    pub(crate) text: String,
    /// The columns it is about, each with its part of the answer.
    pub(crate) exams: Vec<(usize, StatisticText)>,
}

impl StatisticText {
    /// What is told of something, and that it is not told to who has no mark in it.
    pub(crate) fn new(subject: &str, value: &str) -> Self {
        let (text, withheld) =
            (format!("{subject}: {value}"), format!("{subject}: withheld ({NO_OWN_MARK})"));
        Self { text, withheld }
    }

    pub(crate) fn for_student(&self, who_may_see: bool) -> &str {
        if who_may_see { &self.text } else { &self.withheld }
    }
}

/// How an edition puts what it may tell into words.
#[derive(Clone, Copy)]
pub(crate) struct Renderer {
    pub(crate) edition: EditionNumber,
    pub(crate) policy: PrivacyPolicy,
}

impl Renderer {
    pub(crate) fn mean(self, status: &ReleaseStatus) -> String {
        self.statistic(status, |figures| figures.mean.to_string())
    }

    pub(crate) fn all(self, status: &ReleaseStatus) -> String {
        self.statistic(status, Figures::to_string)
    }

    fn statistic(self, status: &ReleaseStatus, words: impl Fn(&Figures) -> String) -> String {
        match status {
            ReleaseStatus::Released(StatisticRelease { figures, edition, .. })
                if *edition == self.edition =>
            {
                words(figures)
            }
            ReleaseStatus::Released(StatisticRelease { figures, edition, .. }) => {
                format!("{} (of edition {})", words(figures), edition.0)
            }
            ReleaseStatus::NoMarks => "no marks yet".into(),
            ReleaseStatus::BelowThreshold => format!("withheld ({})", self.too_few()),
        }
    }

    pub(crate) fn figures(self, status: &ReleaseStatus) -> ClassFigures {
        match status {
            ReleaseStatus::Released(StatisticRelease { figures, edition, .. }) => {
                ClassFigures::Known {
                    edition: self.policy.applies().then_some(edition.0),
                    figures: Arc::clone(figures),
                }
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

    /// The answer to `GEA`: the average over the marks of all columns `Exam *`, and of each. The first
    /// is of those columns only of which something is told.
    pub(crate) fn exam_average(
        self,
        names: &[String],
        statuses: &[ReleaseStatus],
    ) -> Option<ExamAverage> {
        let columns = names.iter().zip(statuses).enumerate();
        let exams: Vec<_> = columns.filter(|(_, (name, _))| name.starts_with("Exam ")).collect();
        exams.first()?;
        let told = exams.iter().filter_map(|(_, (_, status))| match status {
            ReleaseStatus::Released(release) => Some(&*release.figures),
            ReleaseStatus::NoMarks | ReleaseStatus::BelowThreshold => None,
        });
        let all = match Figures::mean_of_all(told, self.policy) {
            Some(mean) => mean.to_string(),
            None if exams
                .iter()
                .all(|(_, (_, status))| matches!(status, ReleaseStatus::NoMarks)) =>
            {
                "no marks yet".into()
            }
            None => format!("withheld ({})", self.too_few()),
        };
        let exam = |(column, (name, status)): &(usize, (&String, &ReleaseStatus))| {
            (*column, StatisticText::new(&deunicode::deunicode(name), &self.mean(status)))
        };
        let exams: Vec<_> = exams.iter().map(exam).collect();
        let each: Vec<_> = exams.iter().map(|(_, told)| told.text.as_str()).collect();
        let mut text = format!("Exam average: {all} ({})", each.join(", ")).into_bytes();
        shorten(&mut text, 0);
        Some(ExamAverage { text: String::from_utf8(text).ok()?, exams })
    }
}

/// Cuts the text that begins at `start` to what a lab client can read, at the end of a mark, and
/// says so.
pub(crate) fn shorten(text: &mut Vec<u8>, start: usize) {
    const MORE: &[u8] = b", ... (REPORT shows all)";
    let room = start.saturating_add(LAB_ANSWER_BYTES_MAX);
    if text.len() <= room {
        return;
    }
    text.truncate(room - MORE.len());
    let shown = text.get(start..).unwrap_or_default();
    let end = memchr::memmem::rfind(shown, b", ").unwrap_or(shown.len());
    text.truncate(start.saturating_add(end));
    text.extend_from_slice(MORE);
}
