//! Moodle's grade export: `First name,Last name,ID number,...,Assignment: Lab 1 (Real),...,Last downloaded
//! from this course`, in any language. Source: `grade/export/txt` of Moodle.

use gradebook::Decimal;

use super::moodle_words as words;
use super::{Shape, every_row};
use crate::columns::Header;
use crate::layout::{AssessmentColumn, ColumnUse, Layout, NamePart, RowText};
use crate::marks::{MarkKind, hundred};

pub(super) const SHAPE: Shape = Shape {
    name: "moodle",
    matches: |header, first_row| {
        let last = header.len().saturating_sub(1);
        let has_id = header.folded().any(|name| words::ID_NUMBER.contains(&name));
        let has_suffix = header.folded().any(|name| display(name).is_some());
        let has_time = words::EXPORTED_AT.contains(&header.folded_name(last))
            || is_time(first_row.cell(last)) && has_id;
        let has_name = header.folded().any(|name| words::FIRST_NAME.contains(&name));
        has_time || has_suffix && (has_id || has_name)
    },
    layout: |header, surroundings| layout(header, surroundings.first_row),
    row: every_row,
    widen: None,
};

/// How an item is shown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Display {
    Real,
    Percentage,
    Letter,
    Feedback,
}

/// The time of the export, in seconds since 1970, if the column of the last row has one.
pub(crate) fn exported_at(cell: &str) -> Option<u64> {
    is_time(cell).then(|| cell.parse().ok()).flatten()
}

/// Returns true for seconds since 1970 that fall between 2001 and 2100.
fn is_time(cell: &str) -> bool {
    let seconds = cell.parse::<u64>().unwrap_or_default();
    (1_000_000_000..4_102_444_800).contains(&seconds)
}

/// The item in `assignment: lab 1 (real)`, and how it is shown.
fn display(folded: &str) -> Option<(&str, Display)> {
    let Some((item, suffix)) = folded.strip_suffix(')').and_then(|name| name.rsplit_once(" ("))
    else {
        // Older versions name points without a suffix.
        return activity(folded).map(|_| (folded, Display::Real));
    };
    let kinds = [
        (&words::REAL[..], Display::Real),
        (&words::PERCENTAGE, Display::Percentage),
        (&words::LETTER, Display::Letter),
        (&words::FEEDBACK, Display::Feedback),
    ];
    let kind = kinds.iter().find(|(words, _)| words.contains(&suffix))?;
    Some((item, kind.1))
}

fn layout(header: &Header, first_row: RowText<'_>) -> Layout {
    let last = header.len().saturating_sub(1);
    let items: Vec<_> = header.folded().map(display).collect();
    // The column whose marks are taken: the first of Real, Percentage and Letter.
    let marks_of = |item: &str| {
        let columns = items.iter().enumerate().filter_map(|(at, found)| {
            let (name, display) = (*found)?;
            (name == item && display != Display::Feedback).then_some((display, at))
        });
        columns.min().map(|(_, at)| at)
    };
    let names: Vec<_> = (0..header.len()).map(|at| item_name(header.name(at))).collect();
    let is_unique = |name: &str, at: usize| {
        let others = names.iter().enumerate().filter(|(other, found)| {
            **found == name
                && items.get(*other) != items.get(at)
                && items.get(*other).copied().flatten().map(|(item, _)| item)
                    != items.get(at).copied().flatten().map(|(item, _)| item)
        });
        others.count() == 0
    };
    Layout::of_columns(header, |at, folded| {
        if words::ID_NUMBER.contains(&folded) {
            return ColumnUse::Id;
        }
        if words::FIRST_NAME.contains(&folded) {
            return ColumnUse::Name(NamePart::First);
        }
        if words::LAST_NAME.contains(&folded) {
            return ColumnUse::Name(NamePart::Last);
        }
        if at == last && (words::EXPORTED_AT.contains(&folded) || is_time(first_row.cell(at))) {
            return ColumnUse::ignored("the time of the export");
        }
        let Some((item, display)) = items.get(at).copied().flatten() else {
            return ColumnUse::ignored(if folded.ends_with(')') {
                "of a kind that is not understood"
            } else {
                "no grade item"
            });
        };
        if is_total(item) {
            return ColumnUse::ignored("a total computed by Moodle");
        }
        match (marks_of(item), display) {
            (Some(of), Display::Feedback) => ColumnUse::Comment { of },
            (None, Display::Feedback) => {
                ColumnUse::ignored("the feedback on an item without marks")
            }
            // Two activities of one name make two assessments of one name, which is an error.
            (Some(taken), _) if taken != at && items.get(taken) != items.get(at) => {
                ColumnUse::ignored("the same item as another column, shown in another way")
            }
            (_, display) => {
                let short = names.get(at).copied().unwrap_or_default();
                let name =
                    if is_unique(short, at) { short } else { without_suffix(header.name(at)) };
                let (kind, out_of): (_, Option<Decimal>) = match display {
                    Display::Percentage => (MarkKind::Percent, Some(hundred())),
                    Display::Letter => (MarkKind::Words, None),
                    Display::Real | Display::Feedback => (MarkKind::Points, None),
                };
                AssessmentColumn::points(name).kind(kind).out_of(out_of).into()
            }
        }
    })
}

/// Returns true for a total of the course or of a category. An activity is none, whatever its name is.
fn is_total(item: &str) -> bool {
    if activity(item).is_some() {
        return false;
    }
    let mut words = item.rsplit(|char: char| !char.is_alphanumeric());
    words.next().is_some_and(|word| words::TOTAL.iter().any(|total| word.ends_with(total)))
        || item.starts_with("total ")
        || item.starts_with("totale ")
}

fn without_suffix(name: &str) -> &str {
    if !name.ends_with(')') {
        return name;
    }
    name.rsplit_once(" (").map_or(name, |(item, _)| item)
}

/// `Lab 1` in `Assignment: Lab 1 (Real)`.
fn item_name(name: &str) -> &str {
    let item = without_suffix(name);
    activity(item).unwrap_or(item)
}

/// `Lab 1` in `Assignment: Lab 1`, if the first word is that of an activity.
fn activity(item: &str) -> Option<&str> {
    let (activity, rest) = item.split_once(':')?;
    let activity = activity.trim().to_lowercase();
    words::ACTIVITIES.contains(&activity.as_str()).then(|| rest.trim())
}
