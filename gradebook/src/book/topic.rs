//! What a command is about, and the text of its answer.

use fernet_batch::Timestamp;

use super::{Book, PublishedAssessment, SEPARATOR};
use crate::batch::reserve_room;
use crate::request::{Command, LAB_ANSWER_BYTES_MAX};
use crate::roster::Record;
use crate::statistics::{Report, ReportLine, ReportMark, shorten};

/// The answer to `GG` in a class without assessments.
pub(super) const NO_ASSESSMENTS: &str = "no assessments yet";
/// What a command is about, where the class has it.
#[derive(Clone, Copy)]
pub(super) enum Topic<'a> {
    /// The student's own marks.
    Grades,
    /// A text about the class, the same for each student.
    Statistics(&'a str),
    Report,
}

impl Book {
    /// What a command is about; `None` if the class does not have it.
    pub(super) fn topic(&self, command: Command<&str>) -> Option<Topic<'_>> {
        let name = match command {
            Command::Grades => return Some(Topic::Grades),
            Command::Sealed(_) => return None,
            Command::Report => return Some(Topic::Report),
            Command::ExamAverage => return self.exam_average.as_deref().map(Topic::Statistics),
            Command::MidtermAverage => "Midterm",
            Command::LabAverage(lab) => lab.column(),
            Command::Average(name) | Command::Statistics(name) => name,
        };
        let assessment = self.assessment_named(name)?;
        Some(Topic::Statistics(match command {
            Command::Statistics(_) => &assessment.statistics,
            _ => &assessment.average,
        }))
    }

    /// The assessment with this name, or else the only one with this name in another case.
    fn assessment_named(&self, name: &str) -> Option<&PublishedAssessment> {
        let exact = self.assessments.iter().find(|assessment| assessment.name == name);
        exact.or_else(|| {
            let folded = name.to_lowercase();
            let mut similar =
                self.assessments.iter().filter(|assessment| assessment.folded_name == folded);
            let found = similar.next()?;
            similar.next().is_none().then_some(found)
        })
    }

    /// Appends what a student may read on a topic, and reserves room for what pads it and ends its frame.
    pub(super) fn write(
        &self,
        record: Record<'_>,
        topic: Topic<'_>,
        now: Timestamp,
        text: &mut Vec<u8>,
    ) {
        reserve_room(text, self.room(topic));
        match topic {
            Topic::Grades => self.write_grades(record, text),
            Topic::Statistics(statistics) => text.extend_from_slice(statistics.as_bytes()),
            // Writing numbers and texts to memory does not fail.
            Topic::Report => drop(serde_json::to_writer(text, &self.report(record, now))),
        }
    }

    /// Pads the text that begins at `start` with blanks to the length that all answers in clear on this
    /// topic have in common.
    pub(super) fn pad_in_clear(&self, text: &mut Vec<u8>, start: usize, topic: Topic<'_>) {
        let bytes = match topic {
            Topic::Report => self.lengths.report,
            // A decoy must not show which columns there are.
            _ => self.bytes_max(topic).max(LAB_ANSWER_BYTES_MAX),
        };
        text.resize(text.len().max(start.saturating_add(bytes)), b' ');
    }

    /// The length of the longest answer on a topic.
    pub(super) fn bytes_max(&self, topic: Topic<'_>) -> usize {
        match topic {
            Topic::Report => self.lengths.report,
            Topic::Statistics(statistics) => statistics.len(),
            Topic::Grades => self.lengths.grades,
        }
    }

    fn write_grades(&self, record: Record<'_>, text: &mut Vec<u8>) {
        let start = text.len();
        let ready = self.ready_grades.as_ref().and_then(|ready| ready.append(record, text));
        if ready.is_none() {
            text.truncate(start);
            self.write_grades_part_by_part(record, text);
        }
        if self.assessments.is_empty() {
            text.extend_from_slice(NO_ASSESSMENTS.as_bytes());
        }
        shorten(text, start);
    }

    fn write_grades_part_by_part(&self, record: Record<'_>, text: &mut Vec<u8>) {
        let start = text.len();
        let mut assessments = self.assessments.iter();
        // `for_each` checks once which width the cells have; a `for` loop checks for every cell.
        record.marks().for_each(|mark| {
            if text.len() > start {
                text.extend_from_slice(SEPARATOR.as_bytes());
            }
            if let Some(assessment) = assessments.next() {
                assessment.label.append_to(text);
            }
            mark.text.append_to(text);
        });
    }

    pub(super) fn report<'a>(&'a self, record: Record<'a>, now: Timestamp) -> Report<'a> {
        let mut lines = Vec::with_capacity(self.assessments.len());
        let comments = record.comments();
        let columns = self.assessments.iter().zip(record.marks()).enumerate();
        for (column, (assessment, mark)) in columns {
            lines.push(ReportLine {
                assessment: &assessment.name,
                mark: ReportMark::of(mark),
                out_of: assessment.out_of,
                comment: comments.of(column),
                class: &assessment.figures,
            });
        }
        Report {
            id: record.id(),
            name: record.name(),
            edition: self.edition.0,
            published: &self.published,
            time: now.to_string(),
            assessments: lines,
        }
    }
}
