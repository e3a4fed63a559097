//! Where everything stands in the rows of students.

use std::borrow::Cow;
use std::collections::HashMap;

use gradebook::{Decimal, Mark, MarkIndex, MarkStatus, RosterBuilder};

use crate::cells::Cells;
use crate::columns::Header;
use crate::decimals::Decimals;
use crate::encoding::Encoding;
use crate::error::Column;
use crate::identifiers;
use crate::layout::{AssessmentColumn, ColumnUse, Layout, RowText};
use crate::marks::{MarkKind, Spelling};
use crate::problem::{Problem, Shown};
use crate::table::StoredRow;

/// What a table was read from.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    /// The encoding and the separator of a text.
    pub(crate) text: Option<(Encoding, u8)>,
    /// The file of an archive in which the students stand, and the one in which the marks stand.
    pub(crate) files: Option<[&'static str; 2]>,
}

/// Where everything stands, once the rows above the first student are read.
pub(super) struct Plan {
    pub(super) builder: RosterBuilder,
    pub(super) blank: MarkIndex,
    pub(super) id: usize,
    pub(super) other_id: Option<usize>,
    pub(super) name: NameColumns,
    pub(super) key: Option<usize>,
    pub(super) columns: Vec<MarkColumn>,
    /// Whether any column has comments, maxima or states.
    pub(super) has_extras: bool,
    /// The columns without a name, which must be blank.
    pub(super) unnamed: Vec<usize>,
    /// For each student with a mark on hold, which columns are.
    pub(super) holds: HashMap<String, Vec<bool>>,
}

/// A column of marks.
#[derive(Clone)]
pub(super) struct MarkColumn {
    pub(super) at: usize,
    pub(super) kind: MarkKind,
    /// What its cells say that other cells said before.
    recalled: Recalled,
    pub(super) out_of: Option<Decimal>,
    /// Whether a mark on hold has a maximum, and no mark before it had one.
    pub(super) has_unsaid_maximum: bool,
    /// Whether the file states the maximum in its header or its first rows.
    pub(super) stated: bool,
    /// Whether the column has a percentage, and whether it has a number without a percent sign.
    pub(super) percent: bool,
    pub(super) bare: bool,
    pub(super) comment: Option<usize>,
    /// How many comments were cut, and the row of the first.
    pub(super) cut_comments: usize,
    pub(super) first_cut_comment: Option<u64>,
    pub(super) maximum: Option<usize>,
    pub(super) state: Option<usize>,
}

/// What need not be read again in the cells of a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Recalled {
    /// A mark depends on more than the text of its cell.
    Nothing,
    /// A number would say something new about the column.
    NoNumbers,
    Marks,
}

#[derive(Clone, Copy)]
pub(super) enum NameColumns {
    None,
    Full(usize),
    Sorted(usize),
    Parts(Option<usize>, Option<usize>),
}

impl Plan {
    /// The mark of a row in a column of marks, if it was read before, wherever that was.
    #[inline]
    pub(super) fn recall(&self, column: &MarkColumn, cells: &Cells) -> Option<MarkIndex> {
        if column.recalled == Recalled::Nothing {
            return None;
        }
        let mark = self.builder.recall(cells.spelling(column.at)?)?;
        (column.recalled == Recalled::Marks || !self.builder.is_number(mark)).then_some(mark)
    }
}

impl MarkColumn {
    pub(super) fn new(at: usize, column: &AssessmentColumn, layout: &Layout) -> Self {
        let find = |is_of: &dyn Fn(&ColumnUse) -> bool| layout.find(is_of);
        let mut new = Self {
            at,
            kind: column.kind,
            recalled: Recalled::Nothing,
            out_of: column.out_of,
            has_unsaid_maximum: false,
            stated: column.out_of.is_some(),
            percent: false,
            bare: false,
            comment: find(&|usage| matches!(usage, ColumnUse::Comment { of } if *of == at)),
            cut_comments: 0,
            first_cut_comment: None,
            maximum: find(&|usage| matches!(usage, ColumnUse::Maximum { of } if *of == at)),
            state: find(&|usage| matches!(usage, ColumnUse::State { of } if *of == at)),
        };
        new.set_recalled();
        new
    }

    pub(super) fn has_extras(&self) -> bool {
        self.comment.is_some() || self.maximum.is_some() || self.state.is_some()
    }

    /// Returns true if a mark depends on the text of its cell alone.
    pub(super) fn is_text_alone(&self) -> bool {
        self.kind != MarkKind::Words && self.maximum.is_none() && self.state.is_none()
    }

    /// Finds out what need not be read again.
    pub(super) fn set_recalled(&mut self) {
        // Where no cell had a percent sign, a number without one says nothing new.
        let is_settled = self.kind == MarkKind::Percent || self.bare && !self.percent;
        self.recalled = match (self.is_text_alone(), is_settled) {
            (false, _) => Recalled::Nothing,
            (true, false) => Recalled::NoNumbers,
            (true, true) => Recalled::Marks,
        };
    }

    /// Brings a mark together with what the row and the column say beside it.
    pub(super) fn settle<'t>(
        &mut self,
        mut spelling: Spelling<'t>,
        row: &StoredRow,
        decimals: &mut Decimals,
        header: &Header,
        is_held: bool,
    ) -> Result<Spelling<'t>, Problem> {
        if let Some(state) = self.state {
            match RowText(&row.cells).cell(state).to_lowercase().as_str() {
                "missing" => spelling = Mark::Missing.into(),
                "ungraded" => spelling = Mark::Blank.into(),
                "" | "graded" => {}
                other => return Err(Problem::NotAMark(Shown::new(other))),
            }
        }
        if let Some(at) = self.maximum {
            let text = RowText(&row.cells).cell(at);
            if !text.is_empty() {
                let maximum = decimals.number(text, row.row_of(at), || column(header, at));
                let maximum = maximum.map_err(|_| Problem::BadMaximum(Shown::new(text)))?;
                self.agree(maximum, is_held)?;
            }
        }
        if let Some(out_of) = spelling.out_of {
            self.agree(out_of, is_held)?;
        }
        if self.kind == MarkKind::Points && spelling.mark.status() == MarkStatus::Number {
            self.percent |= spelling.percent;
            self.bare |= !spelling.percent && spelling.out_of.is_none();
            self.set_recalled();
            if self.percent && self.bare && !self.stated {
                return Err(Problem::MixedPercent);
            }
        }
        Ok(spelling)
    }

    /// Checks that a maximum is that of the column.
    fn agree(&mut self, maximum: Decimal, is_held: bool) -> Result<(), Problem> {
        if maximum <= Decimal::default() {
            return Err(Problem::NoMaximum(maximum.to_string()));
        }
        // A mark on hold must not show what it is out of.
        let Some(known) = self.out_of.or((!is_held).then_some(maximum)) else {
            self.has_unsaid_maximum = true;
            return Ok(());
        };
        self.out_of = Some(known);
        if known == maximum {
            return Ok(());
        }
        Err(Problem::OtherMaximum { here: maximum.to_string(), there: known.to_string() })
    }
}

impl NameColumns {
    /// The column of the name, or its first part.
    pub(super) fn at(self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Full(at) | Self::Sorted(at) => Some(at),
            Self::Parts(first, last) => first.or(last),
        }
    }
}

/// A student's name as people write it.
pub(super) fn student_name(cells: &Cells, columns: NameColumns) -> Cow<'_, str> {
    let text = |at: usize| identifiers::unwrapped(RowText(cells).cell(at));
    match columns {
        NameColumns::None => "".into(),
        NameColumns::Full(at) => text(at).into(),
        NameColumns::Sorted(at) => match text(at).split_once(", ") {
            Some((last, first)) if !first.contains(',') => format!("{first} {last}").into(),
            _ => text(at).into(),
        },
        NameColumns::Parts(first, last) => {
            let [first, last] = [first, last].map(|at| at.map_or("", text));
            match (first, last) {
                (first, "") => first.into(),
                ("", last) => last.into(),
                (first, last) => format!("{first} {last}").into(),
            }
        }
    }
}

/// A column for an error.
pub(crate) fn column(header: &Header, at: usize) -> Column {
    let name = header.name(at);
    Column { number: at + 1, name: (!name.is_empty()).then(|| name.to_owned()) }
}

/// A column by its number: its content may be a key, and so may its name.
pub(super) fn unnamed_column(at: usize) -> Column {
    Column { number: at + 1, name: None }
}
