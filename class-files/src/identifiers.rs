//! Student IDs as class files spell them, and what spreadsheets do to them.

use gradebook::StudentId;

use crate::error::{ClassFileError, Column};
use crate::problem::Problem;

/// An ID without what systems and spreadsheets put around it: `#4001`, `'4001`, `="4001"`, `Participant
/// 4001`.
pub(crate) fn bare(cell: &str) -> &str {
    // Most IDs are digits, and there are up to a million of them.
    if is_digits(cell) {
        return cell;
    }
    let cell = unwrapped(cell.trim());
    let cell = cell.strip_prefix(['#', '\'']).unwrap_or(cell);
    cell.strip_prefix("Participant ").unwrap_or(cell).trim()
}

/// The text inside `="text"`, as which some systems export texts that are no formulas.
pub(crate) fn unwrapped(cell: &str) -> &str {
    cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')).unwrap_or(cell)
}

/// The student ID in a cell.
pub(crate) fn parse(text: &str) -> Result<StudentId<'_>, Problem> {
    match StudentId::of_digits(text) {
        Some(id) => Ok(id),
        None => parse_other(text),
    }
}

/// The student ID in a cell that is not 1 to 64 digits.
pub(crate) fn parse_other(text: &str) -> Result<StudentId<'_>, Problem> {
    if is_scientific(text) {
        return Err(Problem::ScientificId);
    }
    let id = StudentId::of_text(text).ok_or(Problem::BadId)?;
    if is_decimal(text) { Err(Problem::DecimalId) } else { Ok(id) }
}

/// Returns true for `2100001.0`.
fn is_decimal(text: &str) -> bool {
    text.split_once('.').is_some_and(|(whole, fraction)| {
        !fraction.is_empty() && is_digits(whole) && fraction.bytes().all(|byte| byte == b'0')
    })
}

/// Returns true for `4.00198E+08` and `4E8`.
fn is_scientific(text: &str) -> bool {
    let Some((number, power)) = text.split_once(['E', 'e']) else { return false };
    let (whole, fraction) = number.split_once(['.', ',']).unwrap_or((number, ""));
    // `4E8` may be an ID; with a sign or a fraction it is a number.
    let signed = power.strip_prefix('+');
    let power = signed.unwrap_or(power);
    whole.len() == 1
        && is_digits(whole)
        && fraction.bytes().all(|byte| byte.is_ascii_digit())
        && !power.is_empty()
        && is_digits(power)
        && (signed.is_some() || !fraction.is_empty())
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// How many IDs of digits alone have each length, and where the first of each length stand.
pub(crate) struct IdLengths {
    by_length: Vec<OfLength>,
    students: usize,
}

#[derive(Clone, Default)]
struct OfLength {
    count: usize,
    /// The rows of the first of them.
    rows: Vec<u64>,
}

impl Default for IdLengths {
    fn default() -> Self {
        Self { by_length: vec![OfLength::default(); StudentId::LENGTH_MAX + 1], students: 0 }
    }
}

impl IdLengths {
    /// The rows that are kept for each length.
    const ROWS_KEPT: usize = 20;

    pub(crate) fn add(&mut self, row: u64, id: &str) {
        self.students = self.students.saturating_add(1);
        if is_digits(id)
            && let Some(of_length) = self.by_length.get_mut(id.len())
        {
            of_length.count = of_length.count.saturating_add(1);
            if of_length.rows.len() < Self::ROWS_KEPT {
                of_length.rows.push(row);
            }
        }
    }

    /// The lengths in a part of a file and in the part behind it.
    pub(crate) fn join(mut self, other: Self) -> Self {
        self.students = self.students.saturating_add(other.students);
        for (of_length, other) in self.by_length.iter_mut().zip(other.by_length) {
            of_length.count = of_length.count.saturating_add(other.count);
            of_length.rows.extend(other.rows);
            of_length.rows.truncate(Self::ROWS_KEPT);
        }
        self
    }

    /// An error for each ID that is one digit shorter than most: it may have lost its first zero.
    pub(crate) fn too_short(&self, column: &Column) -> Vec<ClassFileError> {
        let is_most = |of_length: &OfLength| of_length.count.saturating_mul(2) > self.students;
        let most = self.by_length.iter().position(is_most).unwrap_or_default();
        let digits = most.saturating_sub(1);
        let rows = self.by_length.get(digits).filter(|_| digits > 0).map(|short| &short.rows);
        let rows = rows.into_iter().flatten();
        rows.map(|row| Problem::ShortId { digits, most }.at(*row, column.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_without_what_systems_put_around_it() {
        for text in ["4001", " 4001 ", "#4001", "'4001", "=\"4001\"", "Participant 4001"] {
            assert_eq!(bare(text), "4001");
        }
    }

    #[test]
    fn an_id_that_a_spreadsheet_damaged_is_recognised() {
        for (text, damaged) in [
            ("2100001.0", true),
            ("7.00", true),
            ("4.00198E+08", true),
            ("4,00198E+08", true),
            ("4E+08", true),
            ("2100001", false),
            ("v1.0", false),
            ("1.5", false),
            ("4E8", false),
            ("1e4a", false),
        ] {
            assert_eq!(parse(text).is_err(), damaged, "{text}");
        }
        assert!(matches!(parse("21 02"), Err(Problem::BadId)));
    }

    /// The rows, from 2 on, of the IDs that are too short.
    fn short(ids: &[&str]) -> Vec<Option<u64>> {
        let mut lengths = IdLengths::default();
        ids.iter().zip(2..).for_each(|(id, row)| lengths.add(row, id));
        let column = Column { number: 1, name: None };
        lengths.too_short(&column).iter().map(|error| error.place.row).collect()
    }

    #[test]
    fn an_id_that_is_one_digit_shorter_than_most_may_have_lost_a_zero() {
        assert_eq!(short(&["4001", "401", "4002", "402", "4003"]), [Some(3), Some(5)]);
        assert!(short(&["4001", "41", "4002"]).is_empty(), "two digits shorter");
        assert!(short(&["4001", "401"]).is_empty(), "no majority");
        assert!(short(&["ada", "bo", "cyd"]).is_empty(), "no digits");
        assert!(short(&["1", "2", ""]).is_empty());
    }
}
