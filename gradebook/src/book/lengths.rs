//! The lengths of answers: those of one edition to one command are padded to one length, so that the
//! length of a token reveals no mark, and not who has one.

use fernet_batch::token::token_bytes;
use fernet_batch::{Timestamp, frame};

use super::ready_grades::ReadyGrades;
use super::topic::{NO_ASSESSMENTS, Topic};
use super::{AnswerLengths, Book, SEPARATOR};
use crate::request::LAB_ANSWER_BYTES_MAX;
use crate::roster::{MarkStatus, Record};
use crate::sealed::{REPLY_HEAD_BYTES_MAX, padded_reply_bytes};
use crate::statistics::{Report, ReportLine, ReportMark};
use crate::values::Decimal;

/// The characters that answers have room for in place of a number, under private statistics: the length must not
/// depend on any mark. A number with 17 digits has no more.
const NUMBER_CHARS: usize = 20;

/// The length of the shortest reply line to a sealed request, in bytes.
pub(super) const SEALED_REPLY_BYTES_MIN: usize = reply_line_bytes(padded_reply_bytes(0));

impl Book {
    /// The lengths for all students together. No student's text is longer.
    pub(super) fn longest_answers(&self) -> AnswerLengths {
        let longest_id = self.roster.longest_id();
        // Most classes have no name that JSON writes in another form.
        let longest_name = if self.roster.any_text_byte(is_escaped) {
            let names = self.roster.records().map(Record::name);
            names.max_by_key(|name| json_text_bytes(name)).unwrap_or_default()
        } else {
            self.roster.longest_name()
        };
        let mut grades = 0_usize;
        let mut marks = 0_usize;
        let mut lines = Vec::with_capacity(self.assessments.len());
        let comments = self.longest_comments();
        let blank_bytes = json_bytes(&ReportMark::BLANK);
        let zero = ReportMark { mark: Some(Decimal::default()), ..ReportMark::BLANK };
        let number_bytes = json_bytes(&ReportMark { status: MarkStatus::Number, ..zero })
            .saturating_add(NUMBER_CHARS - 1);
        let columns = self.assessments.iter().zip(self.roster.different_marks()).zip(comments);
        for ((assessment, column), comment_bytes) in columns {
            let mut text_bytes = 0;
            let mut mark_bytes = 0;
            for mark in column {
                text_bytes = text_bytes.max(mark.text.len());
                mark_bytes = mark_bytes.max(json_bytes(&ReportMark::of(mark)));
            }
            if self.is_private {
                text_bytes = text_bytes.max(NUMBER_CHARS);
                mark_bytes = mark_bytes.max(number_bytes);
            }
            let grade_bytes = assessment.label.len() + text_bytes + SEPARATOR.len();
            grades = grades.saturating_add(grade_bytes);
            // The line below has the shortest mark, and no comment.
            let longer = mark_bytes.saturating_sub(blank_bytes).saturating_add(comment_bytes);
            marks = marks.saturating_add(longer);
            lines.push(ReportLine {
                assessment: &assessment.name,
                mark: ReportMark::BLANK,
                out_of: assessment.out_of,
                comment: None,
                class: &assessment.figures,
            });
        }
        let report = Report {
            id: longest_id,
            name: longest_name,
            edition: self.edition.0,
            published: &self.published,
            time: Timestamp(0).to_string(),
            assessments: lines,
        };
        AnswerLengths {
            id: longest_id.len(),
            grades: grades.max(NO_ASSESSMENTS.len()).min(LAB_ANSWER_BYTES_MAX),
            unshortened_grades: grades
                .max(self.ready_grades.as_ref().map_or(0, ReadyGrades::bytes_max)),
            report: json_bytes(&report).saturating_add(marks),
        }
    }

    /// For each column, the length of its longest comment as JSON, in bytes.
    fn longest_comments(&self) -> Vec<usize> {
        let mut longest = vec![0; self.assessments.len()];
        for (column, comment) in self.roster.comments() {
            if let Some(longest) = longest.get_mut(column) {
                *longest = json_text_bytes(comment).max(*longest);
            }
        }
        longest
    }

    /// Room for writing any answer on a topic, padding it, and ending its frame, in bytes.
    pub(super) fn room(&self, topic: Topic<'_>) -> usize {
        let answer_bytes = match topic {
            Topic::Grades => self.lengths.unshortened_grades,
            Topic::Report | Topic::Statistics(_) => self.bytes_max(topic),
        };
        let padded = padded_reply_bytes(
            REPLY_HEAD_BYTES_MAX.saturating_add(answer_bytes.max(LAB_ANSWER_BYTES_MAX)),
        );
        frame::frame_bytes(padded)
    }

    /// The length of the longest reply line to a sealed request, in bytes.
    pub fn sealed_reply_bytes_max(&self) -> usize {
        reply_line_bytes(padded_reply_bytes(
            REPLY_HEAD_BYTES_MAX.saturating_add(self.lengths.report),
        ))
    }

    /// The length of the longest reply line to a request in clear, in bytes.
    pub fn clear_reply_bytes_max(&self) -> usize {
        reply_line_bytes(self.lengths.report.max(LAB_ANSWER_BYTES_MAX))
    }
}

/// The length of the line with a token of so many bytes of text.
const fn reply_line_bytes(text_bytes: usize) -> usize {
    token_bytes(frame::frame_bytes(text_bytes)).saturating_add(1)
}

/// The bytes of the quotes around a JSON text.
const QUOTES: usize = 2;

/// Whether JSON writes a byte in another form.
fn is_escaped(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// The length of a text as JSON.
fn json_text_bytes(text: &str) -> usize {
    if text.bytes().any(is_escaped) { json_bytes(&text) } else { text.len() + QUOTES }
}

/// The length of a value as JSON; 0 if it has no JSON, which no report has.
fn json_bytes(value: &impl serde::Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |json| json.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_text_as_json_is_that_of_its_escaped_form() {
        for text in ["", "Ada", "\u{1}", " ", "!", "\"", "\\", "Zo\u{eb} \"x\"", "a\u{1f}b\\"] {
            assert_eq!(json_text_bytes(text), json_bytes(&text), "{text:?}");
        }
    }
}
