//! The folder of the history, from outside: private, bounded, and refused by name when it is damaged.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::process::Signal;

use super::{
    FIRST, course, done, edition_files, fails, grades_with_midterm, published_by, quiz,
    quiz_course, read, save, served, settings, with_midterm,
};
use crate::harness::{ADA, ADA_GRADES, BO, Student, ZOE, write_private};

#[test]
fn the_history_is_private_and_holds_no_key() {
    let mut server = served(course(&settings("")));
    save(&mut server, &with_midterm("18"), "class file installed edition=2");
    let history = server.folder.path().join("history");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&history), 0o700);
    for entry in fs::read_dir(&history).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        let Ok(bytes) = fs::read(&path) else { continue };
        let inflated = inflated(&bytes);
        for Student(_, key) in [ADA, BO, ZOE] {
            for text in [&bytes, &inflated] {
                assert!(!contains(text, &key.as_bytes()[..40]), "{}", path.display());
            }
        }
        if path.extension().is_some_and(|extension| extension == "edition") {
            assert!(contains(&inflated, b"Ada Invented"), "the content is in it");
        }
    }
}

/// The parts of an edition's file.
fn inflated(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
    let mut text = Vec::new();
    let _ = flate2::read::DeflateDecoder::new(&bytes[start..]).read_to_end(&mut text);
    text
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[test]
fn the_oldest_editions_are_removed_with_an_event_and_what_they_drew_is_not_forgotten() {
    let lines = "history_max = 2\nstatistics = \"private\"\npopulation_min = 5\nprivacy_budget = 8";
    let mut marks = [""; 20];
    marks[..5].fill("7");
    let folder = quiz_course(&settings(lines), &marks);
    write_private(&folder.path().join("course.toml"), "out_of = 10\n");
    done(folder.path(), &["publish", "--accept"]);
    let mut server = served(folder);
    let folder = server.folder.path().to_owned();
    let drawn = read(&server, FIRST, "AVG Quiz");
    assert!(drawn.starts_with("Quiz average: about "), "{drawn}");
    let mut line = String::new();
    for (at, edition) in (5..9).zip(2..) {
        marks[at] = "9";
        server.save_class(&quiz(&marks));
        server.signal(Signal::HUP);
        if edition > 2 {
            line = server.prints("oldest editions removed");
        }
        server.prints(&format!("class file installed edition={edition}"));
    }
    assert!(line.contains("editions=\"3\""), "{line}");
    assert_eq!(edition_files(&folder), ["0000000004.edition", "0000000005.edition"]);
    // The draw is older than every edition that is kept, and four marks more are too few for another one.
    let dated = format!("{drawn} (as of ");
    assert!(read(&server, FIRST, "AVG Quiz").starts_with(&dated));
    let server = served(server.end_with(Signal::KILL));
    assert!(read(&server, FIRST, "AVG Quiz").starts_with(&dated));
}

#[test]
fn a_damaged_history_is_refused_by_name_and_never_half_read() {
    let mut server = served(course(&settings("")));
    save(&mut server, &with_midterm("18"), "class file installed edition=2");
    save(&mut server, &with_midterm("19"), "class file installed edition=3");
    let folder = server.end_with(Signal::KILL);
    let path = folder.path();
    let history = path.join("history");
    let flip = |name: &str, at: usize| {
        let mut bytes = fs::read(history.join(name)).unwrap();
        bytes[at] ^= 4;
        write_private(&history.join(name), bytes);
    };
    // An older edition: everything goes on, but for a rollback to it.
    flip("0000000001.edition", 200);
    let failed = fails(path, &["rollback", "1"]);
    assert!(
        failed.contains("0000000001.edition: is damaged; restore it from a backup"),
        "{failed}"
    );
    assert_eq!(published_by(path).len(), 3);
    // The current edition.
    flip("0000000003.edition", 100);
    let failed = fails(path, &[]);
    assert!(failed.contains("0000000003.edition: is damaged"), "{failed}");
    flip("0000000003.edition", 100);
    // The journal.
    flip("journal", 80);
    let failed = fails(path, &["editions"]);
    assert!(failed.contains("journal: line 1 was changed or removed"), "{failed}");
    flip("journal", 80);
    let removed = history.join("0000000003.edition");
    fs::rename(&removed, path.join("away")).unwrap();
    let failed = fails(path, &[]);
    assert!(
        failed.contains("0000000003.edition: is missing; restore it from a backup"),
        "{failed}"
    );
    fs::rename(path.join("away"), &removed).unwrap();
    // Half a line at the end of the journal, as a crash leaves it, is repaired with a warning.
    let journal = fs::read(history.join("journal")).unwrap();
    write_private(&history.join("journal"), &journal[..journal.len() - 10]);
    let server = served(folder);
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm("19"));
    let (_, lines) = server.stopped();
    assert!(lines.iter().any(|line| line.contains("edition 3 was published, and the journal")));
}

#[test]
fn a_history_may_have_a_path_that_is_longer_than_a_socket_allows() {
    let long = "h".repeat(200);
    let folder = course(&settings("").replace("\"history\"", &format!("\"{long}\"")));
    assert_eq!(done(folder.path(), &["publish"]), "edition 1 is published\n");
    let server = served(folder);
    assert_eq!(published_by(server.folder.path()), ["command"]);
}

#[test]
fn what_root_publishes_belongs_to_the_owner_of_the_folder() {
    const NOBODY: u32 = 65_534;
    if !rustix::process::geteuid().is_root() {
        let _ = writeln!(std::io::stderr(), "\nNOT TESTED: what root publishes, by another user\n");
        return;
    }
    let folder = course(&settings(""));
    std::os::unix::fs::chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    done(folder.path(), &["publish"]);
    let history = folder.path().join("history");
    assert_eq!(history.metadata().unwrap().uid(), NOBODY);
    for entry in fs::read_dir(history).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(path.metadata().unwrap().uid(), NOBODY, "{}", path.display());
    }
}

#[test]
fn an_edition_that_cannot_be_written_is_not_published() {
    let mut server = served(course(&settings("")));
    let history = server.folder.path().join("history");
    // A folder where the file of the edition belongs.
    fs::create_dir(history.join("0000000002.edition")).unwrap();
    let line = save(&mut server, &with_midterm("18"), "class file not installed edition=1");
    assert!(line.contains("0000000002.edition"), "{line}");
    assert_eq!(read(&server, ADA, "GG"), ADA_GRADES);
    let failed = fails(server.folder.path(), &["publish"]);
    assert!(failed.contains("0000000002.edition"), "{failed}");
    fs::remove_dir(history.join("0000000002.edition")).unwrap();
    assert_eq!(done(server.folder.path(), &["publish"]), "edition 2 is published\n");
    assert_eq!(read(&server, ADA, "GG"), grades_with_midterm("18"));
}
