//! How the students of a class are stored.
//!
//! Storage is compact, since a class may have a million students: 48 bytes a student and two bytes a
//! mark, about ten bytes for the index, and the texts of ID and name. A small class keeps 64 bytes more for each key.

use std::ops::Range;

use fernet_batch::{Key, KeyRef};

use super::comments::{Comments, RowComments};
use super::id_set::IdSet;
use super::index::Index;
use super::longest::Longest;
use super::mac_states::RosterMacStates;
use super::marks::{Marks, StoredMark};
use super::offset::{new_place, offset};
use super::short_number::{SHORT_BYTES_MAX, short_number};
use crate::values::Decimal;

/// The students of a class, in the order of the class file.
#[derive(Default)]
pub(crate) struct Roster {
    pub(super) columns: usize,
    pub(super) students: Vec<Student>,
    /// The old keys of those rows that have one, in the order of the rows.
    pub(super) old_keys: Vec<(u32, Key)>,
    pub(super) mac_states: Option<RosterMacStates>,
    /// IDs and names, one behind the other.
    pub(super) texts: String,
    pub(super) marks: Marks,
    pub(super) comments: Comments,
    /// How many students have no name.
    pub(super) nameless: usize,
    pub(super) longest_id: Longest,
    pub(super) longest_name: Longest,
    /// The cells on hold, by row and column: their marks are blank.
    pub(super) holds: Vec<(u32, u32)>,
    pub(super) by_id: Index,
}

#[derive(Clone)]
pub(super) struct Student {
    pub(super) key: Key,
    /// The ID as a number, or the first bytes of a longer one: most comparisons need no access to the
    /// texts.
    pub(super) id_head: u64,
    /// Where in the texts the ID begins. The name stands behind it, and behind that the next ID.
    pub(super) start: u32,
    pub(super) id_bytes: u8,
    pub(super) has_old_key: bool,
}

/// The students of a class that the processor's caches hold: a look-up does not read ahead, and MAC states are kept.
const CACHED_STUDENTS_MAX: usize = 4096;

/// A student's row in one roster.
#[derive(Clone, Copy)]
pub(crate) struct RowIndex(pub(super) u32);

/// One student of a roster.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    roster: &'a Roster,
    pub(super) student: &'a Student,
    row: usize,
}

impl Roster {
    pub(crate) fn len(&self) -> usize {
        self.students.len()
    }

    /// Returns true if the processor's caches hold the class.
    pub(super) fn is_small(&self) -> bool {
        self.len() <= CACHED_STUDENTS_MAX
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'_>> + Clone {
        let students = self.students.iter().enumerate();
        students.map(|(row, student)| Record { roster: self, student, row })
    }

    /// The set of the students' IDs.
    pub(crate) fn id_set(&self) -> IdSet {
        IdSet::from_ids(self.records().map(Record::id))
    }

    /// The students: ID, name, and marks as `GG` writes them.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&str, &str, impl Iterator<Item = &str>)> {
        self.records().map(|record| {
            let marks = record.marks().map(|mark| mark.text.as_str());
            (record.id(), record.name(), marks)
        })
    }

    /// The longest student ID.
    pub(crate) fn longest_id(&self) -> &str {
        self.record(RowIndex(self.longest_id.row())).map_or("", Record::id)
    }

    /// The longest name in bytes.
    pub(crate) fn longest_name(&self) -> &str {
        self.record(RowIndex(self.longest_name.row())).map_or("", Record::name)
    }

    /// Returns true if any byte of the IDs and names is `wanted`.
    pub(crate) fn any_text_byte(&self, wanted: impl Fn(u8) -> bool) -> bool {
        // Without an early end, many bytes are looked at in one step.
        self.texts.bytes().fold(false, |any, byte| any | wanted(byte))
    }

    /// Returns true if any student has an old key.
    pub(crate) fn has_old_keys(&self) -> bool {
        !self.old_keys.is_empty()
    }

    /// For each column, its numbers and how often each occurs.
    pub(crate) fn count_marks(&self) -> Vec<Vec<(Decimal, u32)>> {
        self.marks.count_by_column(self.columns)
    }

    /// The different marks of the class, as `GG` writes them.
    pub(crate) fn mark_texts(&self) -> impl Iterator<Item = &str> {
        self.marks.texts()
    }

    /// Returns true if any mark is negative.
    pub(crate) fn has_negative_marks(&self) -> bool {
        self.marks.has_negative()
    }

    /// For each column, the different marks that occur in it.
    pub(crate) fn different_marks(
        &self,
    ) -> impl Iterator<Item = impl Iterator<Item = &StoredMark>> {
        self.marks.by_column(self.columns)
    }

    /// Keeps what HMAC computes of the keys of a small class. In a big one, fetching it from memory would cost more
    /// than computing it.
    pub(crate) fn keep_mac_states(&mut self) {
        if self.is_small() {
            let current = self.students.iter().map(|student| &student.key);
            let old = self.old_keys.iter().map(|(_, key)| key);
            self.mac_states = Some(RosterMacStates::of(current, old));
        }
    }

    /// Returns true if every key comes with its [`MacStates`](fernet_batch::MacStates).
    pub(crate) fn keeps_mac_states(&self) -> bool {
        self.mac_states.is_some()
    }

    /// Gives back the memory that [`count_marks`](Self::count_marks) took.
    pub(crate) fn forget_counts(&mut self) {
        self.marks.forget_counts();
    }

    /// All comments: the column and the text of each.
    pub(crate) fn comments(&self) -> impl Iterator<Item = (usize, &str)> {
        self.comments.iter()
    }

    /// Keeps the columns for which `keep` has true.
    pub(super) fn retain_columns(&mut self, keep: &[bool]) {
        self.marks.retain_columns(self.columns, keep);
        self.comments.retain_columns(keep);
        self.retain_holds(keep);
        self.columns = keep.iter().filter(|keep| **keep).count();
    }

    /// Keeps the holds of those columns for which `keep` has true.
    fn retain_holds(&mut self, keep: &[bool]) {
        let kept =
            self.holds.iter().filter_map(|(row, column)| Some((*row, new_place(*column, keep)?)));
        self.holds = kept.collect();
    }

    /// The student in this row, counted from 0.
    pub(crate) fn row(&self, row: usize) -> Option<Record<'_>> {
        self.students.get(row).map(|student| Record { roster: self, student, row })
    }

    pub(crate) fn record(&self, RowIndex(row): RowIndex) -> Option<Record<'_>> {
        self.row(usize::try_from(row).ok()?)
    }
}

impl<'a> Record<'a> {
    pub(crate) fn id(self) -> &'a str {
        self.texts().get(..usize::from(self.student.id_bytes)).unwrap_or_default()
    }

    /// The ID as a number, and its bytes, if it is short.
    pub(super) fn short_id(self) -> Option<(u64, usize)> {
        let bytes = usize::from(self.student.id_bytes);
        (bytes <= SHORT_BYTES_MAX).then_some((self.student.id_head, bytes))
    }

    pub(crate) fn name(self) -> &'a str {
        self.texts().get(usize::from(self.student.id_bytes)..).unwrap_or_default()
    }

    pub(crate) fn key(self) -> KeyRef<'a> {
        let states = self.roster.mac_states.as_ref();
        KeyRef::new(&self.student.key, states.and_then(|states| states.current(self.row)))
    }

    /// The key before the current one, while it is valid.
    pub(crate) fn old_key(self) -> Option<KeyRef<'a>> {
        let Roster { old_keys, mac_states, .. } = self.roster;
        let row = u32::try_from(self.row).ok().filter(|_| self.student.has_old_key)?;
        let at = old_keys.binary_search_by_key(&row, |(row, _)| *row).ok()?;
        let states = mac_states.as_ref().and_then(|states| states.old(at));
        old_keys.get(at).map(|(_, key)| KeyRef::new(key, states))
    }

    /// The student's marks in the order of the columns.
    pub(crate) fn marks(self) -> impl Iterator<Item = &'a StoredMark> {
        self.roster.marks.of(self.cells())
    }

    /// The columns in which the student's mark is on hold, in rising order.
    pub(crate) fn holds(self) -> impl Iterator<Item = usize> {
        let row = u32::try_from(self.row).unwrap_or(u32::MAX);
        let holds = &self.roster.holds;
        let first = holds.partition_point(|(other, _)| *other < row);
        let rest = holds.get(first..).unwrap_or_default();
        rest.iter().take_while(move |(other, _)| *other == row).map(|(_, column)| offset(*column))
    }

    /// The comments on the student's marks.
    pub(crate) fn comments(self) -> RowComments<'a> {
        self.roster.comments.of(self.row)
    }

    fn cells(self) -> Range<usize> {
        let columns = self.roster.columns;
        let start = self.row.saturating_mul(columns);
        start..start.saturating_add(columns)
    }

    /// The student's marks in the order of the columns, as indices into [`Roster::mark_texts`]; `None` if
    /// there are too many different marks.
    pub(crate) fn mark_indices(self) -> Option<&'a [u16]> {
        self.roster.marks.indices(self.cells())
    }

    /// The ID and the name.
    fn texts(self) -> &'a str {
        let [start, end] = self.text_range();
        self.roster.texts.get(start..end).unwrap_or_default()
    }

    fn text_range(self) -> [usize; 2] {
        let Roster { students, texts, .. } = self.roster;
        let next = students.get(self.row.saturating_add(1));
        [offset(self.student.start), next.map_or(texts.len(), |next| offset(next.start))]
    }
}

pub(super) fn id_head(id: &str) -> u64 {
    let bytes = id.as_bytes();
    let first = || bytes.first_chunk().copied().map_or(0, u64::from_le_bytes);
    short_number(bytes).unwrap_or_else(first)
}
