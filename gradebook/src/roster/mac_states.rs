//! The MAC states of the students' keys, which a small class keeps.

use fernet_batch::{Key, MacStates};

/// The states of each key, in the order of the students and of their old keys.
pub(super) struct RosterMacStates {
    current: Vec<MacStates>,
    old: Vec<MacStates>,
}

impl RosterMacStates {
    /// The states of these keys: 64 bytes for each.
    pub(super) fn of<'k>(
        current: impl ExactSizeIterator<Item = &'k Key>,
        old: impl ExactSizeIterator<Item = &'k Key>,
    ) -> Self {
        // Their number is known, so no vector grows: it would leave copies behind.
        Self {
            current: current.map(MacStates::new).collect(),
            old: old.map(MacStates::new).collect(),
        }
    }

    /// The states of the key of the student in this row.
    pub(super) fn current(&self, row: usize) -> Option<&MacStates> {
        self.current.get(row)
    }

    /// The states of this old key, counted from 0.
    pub(super) fn old(&self, at: usize) -> Option<&MacStates> {
        self.old.get(at)
    }
}

#[cfg(test)]
mod tests {
    use fernet_batch::token::write_token;
    use fernet_batch::{KeyRef, PlainFrame, Sealer, StudentKeys, Timestamp, frame};

    use crate::request::StudentId;
    use crate::roster::{Record, Roster, RosterBuilder};

    use super::*;

    /// A class of so many students. Every third one has two keys.
    fn roster(students: u32) -> Roster {
        let mut class = RosterBuilder::new(Vec::<String>::new());
        for n in 0..students {
            let id = n.to_string();
            let id = StudentId::new(id.as_bytes()).unwrap();
            let mut bytes = [7; Key::BYTES];
            bytes[..4].copy_from_slice(&n.to_le_bytes());
            let key = StudentKeys::new(Key::from_bytes(bytes));
            let keys = if n % 3 == 0 { key.rotate().unwrap() } else { key };
            class.add(&id, "Some One", keys, std::iter::empty()).unwrap();
        }
        let (_, roster) = class.finish().ok().unwrap().into_parts();
        roster
    }

    /// The text of a token that was sealed with a key and its MAC states, opened with the key alone.
    fn sealed_and_opened(key: KeyRef<'_>) -> String {
        let mut bytes = Vec::new();
        let start = frame::begin_frame(&mut bytes);
        bytes.extend_from_slice(b"a text");
        frame::end_frame(&mut bytes, start);
        let frames = std::iter::once(PlainFrame::new(key, &mut bytes));
        Sealer::new().unwrap().seal(Timestamp(0), frames);
        let mut token = Vec::new();
        write_token(&mut token, &bytes);
        fernet_batch::open(key.key(), str::from_utf8(&token).unwrap()).ok().unwrap().text
    }

    #[test]
    fn keys_with_their_mac_states_seal_as_without_them() {
        let mut roster = roster(20);
        assert!(roster.records().all(|record| record.key().mac_states().is_none()));
        roster.keep_mac_states();
        for record in roster.records() {
            for key in [Some(record.key()), record.old_key()].into_iter().flatten() {
                assert!(key.mac_states().is_some());
                assert_eq!(sealed_and_opened(key), "a text");
            }
        }
        assert_eq!(roster.records().filter_map(Record::old_key).count(), 7);
    }

    #[test]
    fn a_class_of_more_than_4096_students_keeps_no_mac_states() {
        for (students, is_kept) in [(4096, true), (4097, false)] {
            let mut roster = roster(students);
            roster.keep_mac_states();
            assert_eq!(roster.keeps_mac_states(), is_kept, "{students} students");
        }
    }
}
