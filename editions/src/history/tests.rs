//! Histories on disk: cut, changed, shared, and left by processes that were killed.

use fernet_batch::{StudentKeys, Timestamp};
use gradebook::{Decimal, Mark, RosterBuilder, StudentId};
use tempfile::TempDir;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use super::folder::entries;
use super::*;
use crate::content::Content;
use crate::record::{LeftBecause, PublishedBy};

fn content(mark: u64) -> Content {
    let mut builder = RosterBuilder::new(["Lab 1".to_owned()]);
    let mark = Mark::Number(Decimal::from(u32::try_from(mark).unwrap()));
    let id = StudentId::new(b"2100001").unwrap();
    builder.add(&id, "Ada Invented", StudentKeys::generate().unwrap(), [mark]).unwrap();
    Content::of(&builder.finish().unwrap_or_else(|_| panic!("the class is valid")))
}

fn edition(number: u64) -> StoredEdition {
    let content = content(number);
    let record = EditionRecord {
        edition: EditionNumber(number),
        parent: (number > 1).then(|| EditionNumber(number - 1)),
        time: Timestamp(1_700_000_000 + number),
        by: PublishedBy::Save,
        who: None,
        of: None,
        students: content.students(),
        assessments: content.assessments().len(),
        marks: content.marks(),
        on_hold: content.on_hold(),
        digest: content.digest().to_string(),
        exported_at: None,
        left: None,
    };
    StoredEdition {
        record,
        content,
        decisions: b"decided".to_vec(),
        releases: b"released".to_vec(),
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(folder: &TempDir) -> (History, Vec<Repair>) {
    History::open(folder.path(), 100).unwrap()
}

/// A folder with three editions.
fn with_three() -> TempDir {
    let folder = folder();
    let (mut history, repairs) = open(&folder);
    assert!(repairs.is_empty() && history.current().is_none());
    for number in 1..=3 {
        assert_eq!(history.next_number(), EditionNumber(number));
        history.publish(&edition(number)).unwrap();
        assert_eq!(history.prune().unwrap(), []);
    }
    drop(history);
    folder
}

/// Checks that all three editions are there.
#[track_caller]
fn has_three(history: &History) {
    assert_eq!(history.records().count(), 3);
    for number in 1..=3 {
        let stored = history.read(EditionNumber(number)).unwrap();
        assert_eq!(stored.record, edition(number).record);
        assert!(stored.content == content(number) && stored.decisions == b"decided");
    }
}

fn journal(folder: &TempDir) -> PathBuf {
    folder.path().join(JOURNAL)
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn editions_are_read_as_they_were_published_by_their_owner_alone() {
    let folder = with_three();
    let (history, repairs) = open(&folder);
    assert!(repairs.is_empty());
    has_three(&history);
    for path in entries(folder.path()).unwrap() {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    assert!(matches!(history.read(EditionNumber(4)), Err(HistoryError::Unknown(_))));
    drop(history);
    let inner = folder.path().join("new");
    drop(History::open(&inner, 1).unwrap());
    assert_eq!(mode(&inner), 0o700);
}

#[test]
fn a_journal_that_was_cut_anywhere_is_repaired() {
    let folder = with_three();
    let bytes = fs::read(journal(&folder)).unwrap();
    for end in 0..bytes.len() {
        fs::write(journal(&folder), &bytes[..end]).unwrap();
        let (history, repairs) = open(&folder);
        has_three(&history);
        assert!(!repairs.is_empty(), "cut at {end}");
        drop(history);
        assert_eq!(fs::read(journal(&folder)).unwrap(), bytes, "cut at {end}");
    }
}

#[test]
fn a_journal_that_was_changed_anywhere_is_refused_or_repaired() {
    let folder = with_three();
    let bytes = fs::read(journal(&folder)).unwrap();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(journal(&folder), &changed).unwrap();
        match History::open(folder.path(), 100) {
            Ok((history, repairs)) => {
                assert!(!repairs.is_empty(), "byte {at}");
                has_three(&history);
            }
            Err(error) => {
                let text = error.to_string();
                assert!(text.contains("journal: line ") && text.contains("was changed"), "{text}");
            }
        }
    }
}

#[test]
fn a_line_that_was_removed_is_noticed() {
    let folder = with_three();
    let text = fs::read_to_string(journal(&folder)).unwrap();
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    fs::write(journal(&folder), [lines[0], lines[2]].concat()).unwrap();
    let error = History::open(folder.path(), 100).err().unwrap();
    assert!(matches!(error, HistoryError::BrokenJournal { line: 2, .. }), "{error}");
}

#[test]
fn an_edition_that_was_cut_or_changed_anywhere_is_refused_by_name() {
    let folder = with_three();
    let (history, _) = open(&folder);
    let path = history.path(EditionNumber(2));
    let bytes = fs::read(&path).unwrap();
    let refused = |content: &[u8], what: &str| {
        fs::write(&path, content).unwrap();
        let error = history.read(EditionNumber(2)).err();
        let error = error.unwrap_or_else(|| panic!("{what} is read")).to_string();
        assert!(error.contains("0000000002.edition: is damaged"), "{what}: {error}");
    };
    for end in 0..bytes.len() {
        refused(&bytes[..end], &format!("cut at {end}"));
    }
    refused(&[&bytes[..], b"x"].concat(), "a longer file");
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        // Bits that deflate does not use may change; what is read then is the same.
        match history.read(EditionNumber(2)) {
            Ok(stored) => assert!(stored.content == content(2), "byte {at}"),
            Err(error) => assert!(error.to_string().contains("is damaged"), "{error}"),
        }
    }
    fs::write(&path, fs::read(history.path(EditionNumber(3))).unwrap()).unwrap();
    assert!(matches!(history.read(EditionNumber(2)), Err(HistoryError::Damaged(_))), "another's");
    fs::remove_file(&path).unwrap();
    assert!(matches!(history.read(EditionNumber(2)), Err(HistoryError::Missing(_))));
}

#[test]
fn a_process_that_was_killed_between_file_and_line_has_published() {
    let folder = with_three();
    let (history, _) = open(&folder);
    history.write_file(&history.path(EditionNumber(4)), &edition(4)).unwrap();
    fs::write(folder.path().join(".draft-x"), "half of a file").unwrap();
    drop(history);
    let (history, repairs) = open(&folder);
    assert_eq!(repairs, [Repair::Adopted(EditionNumber(4))]);
    assert_eq!(history.current().unwrap().edition, EditionNumber(4));
    assert!(!folder.path().join(".draft-x").exists());
}

#[test]
fn a_file_that_does_not_follow_is_refused_by_name() {
    let folder = with_three();
    let (mut history, _) = open(&folder);
    let error = history.publish(&edition(7)).unwrap_err().to_string();
    assert!(error.contains("does not follow edition 3"), "{error}");
    history.write_file(&history.path(EditionNumber(7)), &edition(7)).unwrap();
    drop(history);
    let error = History::open(folder.path(), 100).err().unwrap().to_string();
    assert!(error.contains("0000000007.edition: does not follow edition 3"), "{error}");
}

#[test]
fn two_servers_never_share_a_history_and_other_users_cannot_look_into_it() {
    let folder = folder();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let (_history, _) = open(&folder);
    assert!(matches!(History::open(folder.path(), 100), Err(HistoryError::Locked(_))));
    assert_eq!(mode(folder.path()), 0o700);
}

#[test]
fn a_folder_with_other_files_is_refused_and_stays_as_it_was() {
    let folder = folder();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("class.csv"), "x").unwrap();
    assert!(matches!(History::check(folder.path()), Err(HistoryError::Foreign(_))));
    let error = History::open(folder.path(), 100).err().unwrap().to_string();
    assert!(error.ends_with("contains other files; name a new or an empty folder"), "{error}");
    assert_eq!(mode(folder.path()), 0o755);
}

#[test]
fn the_oldest_editions_are_removed_and_stay_known() {
    let folder = folder();
    let (mut history, _) = History::open(folder.path(), 2).unwrap();
    let mut publish = |number| {
        history.publish(&edition(number)).unwrap();
        history.prune().unwrap()
    };
    let pruned: Vec<_> = (1..=4).map(&mut publish).collect();
    assert_eq!(pruned, [vec![], vec![], vec![EditionNumber(1)], vec![EditionNumber(2)]]);
    assert_eq!(history.records().count(), 4);
    assert!(matches!(history.read(EditionNumber(2)), Err(HistoryError::Pruned(_))));
    assert!(history.read(EditionNumber(3)).is_ok());
    // A process that was killed before it removed the file.
    fs::write(history.path(EditionNumber(1)), "x").unwrap();
    let path = history.path(EditionNumber(1));
    drop(history);
    drop(open(&folder));
    assert!(!path.exists());
}

#[test]
fn a_journal_that_lost_the_line_of_a_removed_file_is_repaired() {
    let folder = folder();
    let (mut history, _) = History::open(folder.path(), 2).unwrap();
    for number in 1..=3 {
        history.publish(&edition(number)).unwrap();
    }
    let before = fs::read(journal(&folder)).unwrap();
    assert_eq!(history.prune().unwrap(), [EditionNumber(1)]);
    drop(history);
    fs::write(journal(&folder), before).unwrap();
    let (history, repairs) = open(&folder);
    assert_eq!(repairs, [Repair::Pruned(EditionNumber(1))]);
    assert!(matches!(history.read(EditionNumber(1)), Err(HistoryError::Pruned(_))));
}

#[test]
fn a_check_finds_the_edition_that_an_opening_would_adopt() {
    let folder = with_three();
    let bytes = fs::read(journal(&folder)).unwrap();
    for end in [0, bytes.len() - 5] {
        fs::write(journal(&folder), &bytes[..end]).unwrap();
        let current = History::check(folder.path()).unwrap().current.unwrap();
        assert_eq!(current.record, edition(3).record, "cut at {end}");
    }
    let missing = folder.path().join("no/history");
    assert!(History::check(&missing).is_err(), "its parent does not exist");
}

#[test]
fn a_file_is_left_alone_until_it_changes() {
    let folder = folder();
    let (mut history, _) = open(&folder);
    let left = LeftFile {
        digest: content(7).digest().to_string(),
        bytes: "0123".to_owned(),
        why: LeftBecause::RolledBack,
    };
    let mut first = edition(1);
    first.record.left = Some(left.clone());
    history.publish(&first).unwrap();
    drop(history);
    let (mut history, _) = open(&folder);
    assert_eq!(history.left(), Some(&left));
    assert!(left.is(&left.digest, "") && left.is("", "0123") && !left.is("", "4567"));
    history.file_changed().unwrap();
    assert_eq!(history.left(), None);
    drop(history);
    let (mut history, _) = open(&folder);
    assert_eq!(history.left(), None);
    let mut second = edition(2);
    second.record.left = Some(left.clone());
    history.publish(&second).unwrap();
    assert_eq!(history.left(), Some(&left));
}

#[test]
fn a_check_changes_nothing_and_finds_what_an_opening_would() {
    let folder = folder();
    let inner = folder.path().join("history");
    assert!(History::check(&inner).unwrap().current.is_none() && !inner.exists());
    let folder = with_three();
    let before = fs::read(journal(&folder)).unwrap();
    fs::write(journal(&folder), [&before[..], b"half of a line"].concat()).unwrap();
    let checked = History::check(folder.path()).unwrap();
    assert_eq!(checked.current.unwrap().record, edition(3).record);
    assert!(!checked.is_in_use);
    assert_ne!(fs::read(journal(&folder)).unwrap(), before, "it repairs nothing");
    let (history, _) = open(&folder);
    let checked = History::check(folder.path()).unwrap();
    assert!(checked.is_in_use && checked.current.unwrap().record == edition(3).record);
    let path = history.path(EditionNumber(3));
    drop(history);
    fs::write(&path, "x").unwrap();
    assert!(matches!(History::check(folder.path()), Err(HistoryError::Damaged(_))));
}

#[test]
fn nothing_is_published_into_a_journal_that_was_removed_replaced_or_cut() {
    let folder = with_three();
    let (mut history, _) = open(&folder);
    let before = fs::read(journal(&folder)).unwrap();
    let refused = |history: &mut History| {
        let error = history.publish(&edition(4)).unwrap_err();
        assert!(matches!(error, HistoryError::Replaced(_)), "{error}");
        assert!(!folder.path().join("0000000004.edition").exists());
    };
    fs::OpenOptions::new().write(true).open(journal(&folder)).unwrap().set_len(9).unwrap();
    refused(&mut history);
    fs::remove_file(journal(&folder)).unwrap();
    refused(&mut history);
    fs::write(journal(&folder), &before).unwrap();
    refused(&mut history);
}
