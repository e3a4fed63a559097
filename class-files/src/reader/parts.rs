//! Reads the rows of a big text in parts, each by a thread of its own.
//!
//! What the parts found is joined only if reading row by row would have found the same: a class without errors.
//! Otherwise nothing is kept of them, so errors are those of reading row by row, in its order.

use std::thread;

use gradebook::Mark;
use zeroize::zeroize_stack;

use super::ClassReader;
use super::plan::{MarkColumn, Plan};
use super::row_numbers::RowNumbers;
use crate::decimals::Decimals;
use crate::error::Column;
use crate::explanation::Explanation;
use crate::identifiers::IdLengths;
use crate::key_file::KeyFile;
use crate::table::Table;

/// The stack that reading a row uses at most, in bytes.
const STACK_BYTES: usize = 16 * 1024;

/// What the rows of a part say.
struct Part {
    plan: Box<Plan>,
    decimals: Decimals,
    lengths: IdLengths,
    rows: RowNumbers,
    without_key: Vec<String>,
    students: usize,
    found_keys: KeyFile,
    changed: Option<(u64, Column)>,
    /// Where the rows without a student are listed.
    explanation: Explanation,
}

impl ClassReader<'_> {
    /// Reads the last row that was handed out and all rows behind it in parts. Returns false if that is not possible
    /// or not worth it; nothing has changed then.
    pub(super) fn read_parts(&mut self, table: &Table<'_>) -> bool {
        let tables = table.parts(self.options.threads);
        let count = tables.len();
        if count == 0 || !self.errors.is_empty() {
            return false;
        }
        let parts = tables.into_iter().enumerate().map(|(n, table)| {
            // All students come into the memory of the first part.
            let students = self.students_expected / if n == 0 { 1 } else { count };
            Some((table, self.plan.as_ref()?.another(students)?))
        });
        let Some(parts) = parts.collect::<Option<Vec<_>>>() else { return false };
        let joined = self.read_on_threads(parts).and_then(|parts| {
            let mut parts = parts.into_iter();
            let first = parts.next()?;
            parts.try_fold(first, Part::join)
        });
        // At the limit, it depends on the rows behind whether there are too many students.
        let Some(part) = joined.filter(|all| all.students < self.options.limits.rows_max) else {
            return false;
        };
        // The rows above the students have numbers, too.
        let Some(decimals) = self.decimals.clone().join(part.decimals) else { return false };
        self.decimals = decimals;
        self.plan = Some(part.plan);
        self.lengths = part.lengths;
        self.rows = part.rows;
        self.without_key = part.without_key;
        self.students = part.students;
        self.found_keys = part.found_keys;
        self.changed = part.changed;
        self.explanation.append_skipped(part.explanation);
        true
    }

    /// Reads parts at once, the first on this thread; `None` if there is an error in one of them, or not enough threads
    /// can be started.
    fn read_on_threads(&self, parts: Vec<(Table<'_>, Box<Plan>)>) -> Option<Vec<Part>> {
        let mut parts = parts.into_iter();
        let (own_table, own_plan) = parts.next()?;
        let read = thread::scope(|scope| {
            // All are started before the first is waited for.
            let others: Vec<_> = parts
                .map(|(table, plan)| {
                    let thread = thread::Builder::new().name("class-file-part".to_owned());
                    thread.spawn_scoped(scope, move || {
                        let part = self.read_part(table, plan);
                        // Keys passed through this thread's stack, which another one may get.
                        zeroize_stack::<STACK_BYTES>();
                        part
                    })
                })
                .collect();
            let mut read = vec![self.read_part(own_table, own_plan)];
            read.extend(others.into_iter().map(|part| part.ok()?.join().ok()?));
            read
        });
        read.into_iter().collect()
    }

    /// Reads the rows of a part; `None` if there is an error in it.
    fn read_part(&self, mut table: Table<'_>, plan: Box<Plan>) -> Option<Part> {
        let mut explanation = Explanation::default();
        let Self { options, origin, shape, header, layout, .. } = self;
        let layout = (header.clone(), layout.clone());
        let mut reader = ClassReader::new(options, *origin, shape, layout, &mut explanation);
        reader.plan = Some(plan);
        reader.read_rows(&mut table).ok()?;
        let ClassReader { plan, errors, decimals, lengths, rows, .. } = reader;
        let ClassReader { without_key, students, found_keys, changed, .. } = reader;
        Some(Part {
            plan: plan.filter(|_| errors.is_empty())?,
            decimals,
            lengths,
            rows,
            without_key,
            students,
            found_keys,
            changed,
            explanation,
        })
    }
}

impl Part {
    /// This part and the one behind it as one; `None` if the two contradict each other, or together are too big.
    fn join(self, other: Self) -> Option<Self> {
        let mut without_key = self.without_key;
        without_key.extend(other.without_key);
        let mut explanation = self.explanation;
        explanation.append_skipped(other.explanation);
        Some(Self {
            plan: self.plan.join(*other.plan)?,
            decimals: self.decimals.join(other.decimals)?,
            lengths: self.lengths.join(other.lengths),
            rows: self.rows.join(&other.rows),
            without_key,
            students: self.students.checked_add(other.students)?,
            found_keys: self.found_keys.join(&other.found_keys)?,
            changed: self.changed.or(other.changed),
            explanation,
        })
    }
}

impl Plan {
    /// The same plan without students, with room for so many.
    fn another(&self, students: usize) -> Option<Box<Self>> {
        let mut builder = self.builder.another();
        builder.reserve(students);
        let blank = builder.mark(Mark::Blank).ok()?;
        let (columns, unnamed, holds) =
            (self.columns.clone(), self.unnamed.clone(), self.holds.clone());
        Some(Box::new(Self { builder, blank, columns, unnamed, holds, ..*self }))
    }

    fn join(mut self: Box<Self>, other: Self) -> Option<Box<Self>> {
        for (column, other) in self.columns.iter_mut().zip(&other.columns) {
            column.join(other)?;
        }
        self.builder.append(other.builder).ok()?;
        Some(self)
    }
}

impl MarkColumn {
    /// Adds what another part of the file says about the column; `None` if the two contradict each other.
    fn join(&mut self, other: &Self) -> Option<()> {
        self.cut_comments = self.cut_comments.saturating_add(other.cut_comments);
        self.first_cut_comment = self.first_cut_comment.or(other.first_cut_comment);
        self.percent |= other.percent;
        self.bare |= other.bare;
        let is_mixed = self.percent && self.bare && !self.stated;
        // A mark on hold does not set the maximum. If another part has one, the rows must be read in their order.
        self.has_unsaid_maximum |= other.has_unsaid_maximum;
        let maxima = [self.out_of, other.out_of];
        self.out_of = self.out_of.or(other.out_of);
        let is_other = maxima.into_iter().flatten().any(|out_of| Some(out_of) != self.out_of)
            || self.has_unsaid_maximum && self.out_of.is_some();
        self.set_recalled();
        (!is_mixed && !is_other).then_some(())
    }
}

#[cfg(test)]
mod tests;
