//! Course files: what a class file cannot say.
//!
//! ```toml
//! out_of = 10                     # for all assessments that say nothing else
//! sheet = "Marks"                 # of a workbook
//! [columns]                       # only where the file's own header is not understood
//! id = "SIS User ID"
//! name = "Student"
//! [assessment."Lab 4"]
//! column = "Lab 4 (208551)"       # its header, if that differs
//! out_of = 10
//! kind = "text"                   # a column of words
//! release = 2026-12-01T17:00:00-05:00      # true, false, or from this moment on
//! [hold]
//! 2158999 = ["Exam 1"]            # this student sees no mark for it yet; "all" for every mark
//! ```

use std::time::SystemTime;

use fernet_batch::Timestamp;
use fernet_batch::redact::redact_runs;
use gradebook::{AssessmentRelease, Decimal, StudentId};
use strsim::jaro_winkler;
use toml::value::{Datetime, Offset};
use toml::{Table, Value};

use crate::columns::on_one_line;

/// A course file.
#[derive(Clone, Debug, Default)]
pub struct Course {
    pub(crate) out_of: Option<Decimal>,
    pub(crate) sheet: Option<String>,
    pub(crate) columns: CourseColumns,
    pub(crate) assessments: Vec<CourseAssessment>,
    pub(crate) holds: Vec<(String, Hold)>,
}

/// Where to find what the header does not name in a known way.
#[derive(Clone, Debug, Default)]
pub(crate) struct CourseColumns {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) key: Option<String>,
    /// Whether IDs of digits may have any length.
    pub(crate) any_id_length: bool,
}

/// What a course file says about one assessment.
#[derive(Clone, Debug)]
pub(crate) struct CourseAssessment {
    pub(crate) name: String,
    pub(crate) column: Option<String>,
    pub(crate) out_of: Option<Decimal>,
    pub(crate) is_text: bool,
    pub(crate) release: Option<AssessmentRelease>,
}

/// Which marks of a student are on hold.
#[derive(Clone, Debug)]
pub(crate) enum Hold {
    All,
    Assessments(Vec<String>),
}

/// Why a course file is rejected. The text names the key.
#[derive(Debug, thiserror::Error)]
pub enum CourseError {
    /// It is not TOML.
    #[error("is not valid TOML{0}")]
    Syntax(String),
    /// A key has no meaning.
    #[error("{place}: unknown key {key:?}; {hint}")]
    UnknownKey {
        /// Where the key stands.
        place: String,
        /// The key.
        key: String,
        /// The nearest key, or all keys.
        hint: String,
    },
    /// A value is not what the key needs.
    #[error("{key}: {what}")]
    Value {
        /// The key.
        key: String,
        /// What is needed.
        what: &'static str,
    },
}

impl Course {
    /// A course file that says nothing.
    pub fn none() -> &'static Self {
        static NONE: Course = Course {
            out_of: None,
            sheet: None,
            columns: CourseColumns { id: None, name: None, key: None, any_id_length: false },
            assessments: Vec::new(),
            holds: Vec::new(),
        };
        &NONE
    }

    /// The students with marks on hold, and the assessments of these marks; `None` stands for all.
    pub fn holds(&self) -> impl Iterator<Item = (&str, Option<&[String]>)> {
        self.holds.iter().map(|(id, hold)| match hold {
            Hold::All => (id.as_str(), None),
            Hold::Assessments(names) => (id.as_str(), Some(names.as_slice())),
        })
    }

    /// The assessments for which it says when students see them.
    pub fn releases(&self) -> impl Iterator<Item = (&str, AssessmentRelease)> {
        let assessments = self.assessments.iter();
        assessments.filter_map(|assessment| Some((assessment.name.as_str(), assessment.release?)))
    }

    /// Reads a course file.
    ///
    /// # Errors
    /// Returns an error if it is not TOML, or has an unknown key or a value of another kind.
    pub fn parse(text: &str) -> Result<Self, CourseError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| syntax(text, &error))?;
        let mut course = Self::default();
        for (key, value) in &table {
            match key.as_str() {
                "out_of" => course.out_of = Some(number(key, value)?),
                "sheet" => course.sheet = Some(string(key, value)?),
                "columns" => course.columns = columns(value)?,
                "assessment" => {
                    for (name, value) in entries("assessment", value)? {
                        course.assessments.push(assessment(name, value)?);
                    }
                }
                "hold" => {
                    for (id, value) in entries("hold", value)? {
                        course.holds.push((student(id)?, hold(id, value)?));
                    }
                }
                _ => {
                    let known = ["out_of", "sheet", "columns", "assessment", "hold"];
                    return Err(unknown("the top", key, &known));
                }
            }
        }
        Ok(course)
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> CourseError {
    // The message of the library repeats the line, which may contain anything.
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map(|before| before.lines().count().max(1));
    let line =
        line.map(|line| format!(" near line {line}; see the course file's format in the README"));
    CourseError::Syntax(line.unwrap_or_default())
}

fn columns(value: &Value) -> Result<CourseColumns, CourseError> {
    let mut columns = CourseColumns::default();
    for (key, value) in entries("columns", value)? {
        let path = format!("columns.{key}");
        match key.as_str() {
            "id" => columns.id = Some(string(&path, value)?),
            "name" => columns.name = Some(string(&path, value)?),
            "key" => columns.key = Some(string(&path, value)?),
            "id_length" => {
                if value.as_str() != Some("any") {
                    return Err(needs(&path, "must be \"any\", or be removed"));
                }
                columns.any_id_length = true;
            }
            _ => return Err(unknown("[columns]", key, &["id", "name", "key", "id_length"])),
        }
    }
    Ok(columns)
}

fn assessment(name: &str, value: &Value) -> Result<CourseAssessment, CourseError> {
    let place = format!("assessment.{:?}", shown(name));
    let name = on_one_line(name);
    let mut assessment =
        CourseAssessment { name, column: None, out_of: None, is_text: false, release: None };
    for (key, value) in entries(&place, value)? {
        let path = format!("{place}.{key}");
        match key.as_str() {
            "column" => assessment.column = Some(string(&path, value)?),
            "out_of" => assessment.out_of = Some(number(&path, value)?),
            "kind" => {
                assessment.is_text = match value.as_str() {
                    Some("text") => true,
                    Some("points") => false,
                    _ => return Err(needs(&path, "must be \"text\" or \"points\"")),
                };
            }
            "release" => assessment.release = Some(release(&path, value)?),
            _ => return Err(unknown(&place, key, &["column", "out_of", "kind", "release"])),
        }
    }
    Ok(assessment)
}

fn release(path: &str, value: &Value) -> Result<AssessmentRelease, CourseError> {
    match value {
        Value::Boolean(true) => Ok(AssessmentRelease::Released),
        Value::Boolean(false) => Ok(AssessmentRelease::Hidden),
        Value::Datetime(moment) => match timestamp(moment) {
            Some(moment) => Ok(AssessmentRelease::From(moment)),
            None => Err(needs(
                path,
                "must have a date, a time and a zone, like 2026-12-01T17:00:00-05:00 or \
                 2026-12-01T22:00:00Z",
            )),
        },
        _ => Err(needs(path, "must be true, false, or a moment like 2026-12-01T17:00:00-05:00")),
    }
}

/// The moment in seconds since 1970, the next one for a part of a second; `None` for one without a zone,
/// and before 1970.
fn timestamp(moment: &Datetime) -> Option<Timestamp> {
    let offset = match moment.offset? {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes) * 60,
    };
    let local = Datetime { offset: Some(Offset::Z), ..*moment };
    moment.time?;
    let local = humantime::parse_rfc3339(&local.to_string()).ok()?;
    let since = local.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let seconds =
        i64::try_from(since.as_secs()).ok()?.checked_add(i64::from(since.subsec_nanos() > 0))?;
    u64::try_from(seconds.checked_sub(offset)?).ok().map(Timestamp)
}

fn student(id: &str) -> Result<String, CourseError> {
    let valid = StudentId::new(id.as_bytes()).ok_or_else(|| {
        needs(&format!("hold.{}", shown(id)), "must be a student ID: A-Z a-z 0-9 . _ @ -")
    })?;
    Ok(valid.to_string())
}

fn hold(id: &str, value: &Value) -> Result<Hold, CourseError> {
    let path = format!("hold.{}", shown(id));
    let what = "must be a list of assessments, like [\"Exam 1\"], or \"all\"";
    match value {
        Value::String(text) if text == "all" => Ok(Hold::All),
        Value::Array(names) => {
            let names = names.iter().map(|name| name.as_str().map(on_one_line));
            let names = names.collect::<Option<Vec<_>>>();
            names.map(Hold::Assessments).ok_or_else(|| needs(&path, what))
        }
        _ => Err(needs(&path, what)),
    }
}

fn entries<'a>(path: &str, value: &'a Value) -> Result<&'a Table, CourseError> {
    value.as_table().ok_or_else(|| needs(path, "must be a table"))
}

fn string(path: &str, value: &Value) -> Result<String, CourseError> {
    let text = value.as_str().map(on_one_line).filter(|text| !text.is_empty());
    text.ok_or_else(|| needs(path, "must be a text in quotes"))
}

/// A number of points.
fn number(path: &str, value: &Value) -> Result<Decimal, CourseError> {
    let text = match value {
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        _ => String::new(),
    };
    let number = Decimal::parse(&text).ok().filter(|number| *number > Decimal::default());
    number.ok_or_else(|| needs(path, "must be a number greater than zero"))
}

fn needs(key: &str, what: &'static str) -> CourseError {
    CourseError::Value { key: key.to_owned(), what }
}

fn unknown(place: &str, key: &str, known: &[&str]) -> CourseError {
    let hint = match nearest(key, known.iter().copied()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("known: {}", known.join(", ")),
    };
    CourseError::UnknownKey { place: place.to_owned(), key: shown(key), hint }
}

/// A text of the file for an error: only length and kind of what may be a part of a key.
fn shown(text: &str) -> String {
    redact_runs(&on_one_line(text), |_| false).into_owned()
}

/// The name that is most similar to a word; `None` if none is similar.
pub(crate) fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// The similarity from which on a person recognises a slip.
    const SIMILARITY_MIN: f64 = 0.75;
    let folded = word.to_lowercase();
    let rated = names.map(|name| (jaro_winkler(&folded, &name.to_lowercase()), name));
    let best = rated.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(rating, _)| *rating >= SIMILARITY_MIN).map(|(_, name)| name)
}

#[cfg(test)]
mod tests;
