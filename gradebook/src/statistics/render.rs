//! The texts of class statistics, rendered once for each edition. They are the same for every student.

use std::fmt::Write as _;
use std::sync::Arc;

use zeroize::Zeroize;

use super::decisions::{ExactRelease, ReleaseStatus, WithheldReason};
use super::exact::Figures;
use super::private::{Drawn, PrivateFigures, exams_together};
use super::report::ClassFigures;
use crate::request::LAB_ANSWER_BYTES_MAX;
use crate::values::{Decimal, EditionStamp};

/// Renders the statistics of one edition.
#[derive(Clone, Copy)]
pub(crate) struct Renderer {
    pub(crate) stamp: EditionStamp,
}

impl Renderer {
    /// The mean, as `AVG` has it.
    pub(crate) fn mean(self, status: &ReleaseStatus) -> String {
        self.render(status, |figures| figures.mean.to_string(), mean_text)
    }

    /// All figures, as `STATS` has them.
    pub(crate) fn all(self, status: &ReleaseStatus) -> String {
        self.render(status, Figures::to_string, all_text)
    }

    fn render(
        self,
        status: &ReleaseStatus,
        exact: impl Fn(&Figures) -> String,
        private: impl Fn(&PrivateFigures) -> String,
    ) -> String {
        match status {
            ReleaseStatus::Exact(ExactRelease { figures, stamp, .. }) => {
                self.dated(exact(figures), Some(*stamp))
            }
            ReleaseStatus::Longest(figures) => private(figures),
            ReleaseStatus::Drawn(drawn) => match drawn.figures() {
                Ok(figures) => self.dated(private(&figures), drawn.stamp()),
                Err(_) => WithheldReason::TooUncertain.text(),
            },
            ReleaseStatus::Withheld(reason) => reason.text(),
        }
    }

    /// A text with the date of its figures, if they are older than this edition.
    fn dated(self, text: String, stamp: Option<EditionStamp>) -> String {
        match stamp {
            Some(stamp) if stamp.number != self.stamp.number => {
                format!("{text} (as of {})", stamp.published.date())
            }
            _ => text,
        }
    }

    /// The figures as `REPORT` has them. `out_of` is the full result of the assessment: figures that were drawn with another one say so.
    pub(crate) fn figures(self, status: &ReleaseStatus, out_of: Option<Decimal>) -> ClassFigures {
        match status {
            ReleaseStatus::Longest(figures) => ClassFigures::Private(figures.clone()),
            ReleaseStatus::Exact(ExactRelease { figures, stamp, .. }) => {
                let as_of = stamp.published.to_string();
                ClassFigures::Exact { as_of, figures: Arc::clone(figures) }
            }
            ReleaseStatus::Drawn(drawn) => match drawn.figures() {
                Ok(figures) => ClassFigures::Private(Box::new(figures.beside(out_of))),
                Err(_) => {
                    ClassFigures::Withheld { withheld: WithheldReason::TooUncertain.reason() }
                }
            },
            ReleaseStatus::Withheld(reason) => ClassFigures::Withheld { withheld: reason.reason() },
        }
    }

    /// The answer to `GEA`: the average over the marks of all columns `Exam *`, and of each of them.
    /// The first counts only columns of which something is released. Returns `None` if the class has no
    /// such column.
    pub(crate) fn exam_average(
        self,
        names: &[String],
        statuses: &[ReleaseStatus],
    ) -> Option<String> {
        let mut each = Vec::new();
        let (mut exact, mut drawn) = (Vec::new(), Vec::new());
        let mut reasons = Vec::new();
        for (name, status) in names.iter().zip(statuses) {
            if !name.starts_with("Exam ") {
                continue;
            }
            each.push(format!("{}: {}", deunicode::deunicode(name), self.mean(status)));
            match status {
                ReleaseStatus::Exact(release) => exact.push(&*release.figures),
                ReleaseStatus::Drawn(release) => drawn.push(release),
                ReleaseStatus::Longest(_) => {}
                ReleaseStatus::Withheld(reason) => reasons.push(*reason),
            }
        }
        let reason = reasons.iter().find(|reason| **reason != WithheldReason::NoMarks);
        let reason = reason.copied().or(reasons.first().copied());
        let all = match Figures::mean_of_all(exact.into_iter()) {
            Some(mean) => mean.to_string(),
            None => exams_text(&drawn, reason)?,
        };
        let mut text = format!("Exam average: {all} ({})", each.join(", ")).into_bytes();
        shorten(&mut text, 0);
        String::from_utf8(text).ok()
    }
}

/// The average over all exams of which something was drawn; `None` if there is no exam.
fn exams_text(drawn: &[&Drawn], reason: Option<WithheldReason>) -> Option<String> {
    if drawn.is_empty() {
        return reason.map(WithheldReason::text);
    }
    Some(match exams_together(drawn) {
        Some((mean, uncertainty, range)) => about(mean, range, uncertainty),
        None => {
            "withheld (the exams differ in their full results, or are too uncertain)".to_owned()
        }
    })
}

/// `about 6.43 of 10 (give or take 0.39)`
fn about(mean: Decimal, out_of: Decimal, uncertainty: Decimal) -> String {
    format!("about {mean} of {out_of} (give or take {uncertainty})")
}

fn mean_text(figures: &PrivateFigures) -> String {
    about(figures.mean, figures.out_of, figures.uncertainty)
}

/// `24 marks, mean about 6.43 of 10 (give or take 0.39), median about 6.5 (5 to 7), ...`
fn all_text(figures: &PrivateFigures) -> String {
    let PrivateFigures { count, spread, .. } = figures;
    let unit = if *count == 1 { "mark" } else { "marks" };
    let mut text = format!("{count} {unit}, mean {}", mean_text(figures));
    let Some(spread) = spread else { return text };
    let [lower, upper] = spread.quartiles;
    for (name, figure) in
        [("median", spread.median), ("lower quartile", lower), ("upper quartile", upper)]
    {
        // Writing to memory does not fail.
        let _ = write!(text, ", {name} about {} ({} to {})", figure.value, figure.from, figure.to);
    }
    let _ = write!(text, ", deviation about {}", spread.deviation);
    for (n, bin) in spread.histogram.iter().enumerate() {
        let separator = if n == 0 { "; " } else { ", " };
        let _ = write!(text, "{separator}{} to {}: {}", bin.from, bin.to, bin.count);
    }
    text
}

impl WithheldReason {
    /// The reason as `REPORT` has it.
    fn reason(self) -> String {
        match self {
            Self::NoMarks => "no marks yet".to_owned(),
            Self::FewerThan(marks) => format!("fewer than {marks} marks"),
            Self::NoHistory => "the server keeps no history".to_owned(),
            Self::NoRange => "the full result is not known".to_owned(),
            Self::NotDrawn => "not drawn yet".to_owned(),
            Self::AtPublication(hundredths) => {
                let uncertainty = Decimal::from_hundredths(i128::from(hundredths));
                format!("drawn at publication, give or take {uncertainty}")
            }
            Self::TooUncertain => "too uncertain to say anything".to_owned(),
        }
    }

    /// The reason in place of a figure.
    fn text(self) -> String {
        match self {
            Self::NoMarks => self.reason(),
            _ => format!("withheld ({})", self.reason()),
        }
    }
}

/// Cuts the text that begins at `start` to the length that a lab client reads, between two marks, and
/// appends a note. What is cut off is wiped.
pub(crate) fn shorten(text: &mut Vec<u8>, start: usize) {
    const MORE: &[u8] = b", ... (REPORT shows all)";
    let end_max = start.saturating_add(LAB_ANSWER_BYTES_MAX);
    if text.len() <= end_max {
        return;
    }
    let kept = text.get(start..end_max - MORE.len()).unwrap_or_default();
    let end = start + memchr::memmem::rfind(kept, b", ").unwrap_or(kept.len());
    text.get_mut(end..).unwrap_or_default().zeroize();
    text.truncate(end);
    text.extend_from_slice(MORE);
}
