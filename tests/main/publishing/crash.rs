//! Processes that are killed while they publish.

use std::process::Stdio;

use super::{course, done, published_by, read, report, served, settings, with_midterm};
use crate::harness::{ADA, server_command, write_private};
use rustix::process::Signal;

/// A process that is killed at any moment has published an edition or has not, and the next one goes on.
#[test]
fn a_publication_that_is_killed_is_complete_or_never_was() {
    let folder = course(&settings("publish = \"on-command\""));
    let path = folder.path();
    done(path, &["publish"]);
    for attempt in 0..40_u64 {
        let mark = (100 + attempt).to_string();
        write_private(&path.join("class.csv"), with_midterm(&mark));
        let before = published_by(path).len();
        let mut command = server_command();
        command.current_dir(path).args(["--config", "test.toml", "publish"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // A little later each time, until the process has ended before.
        for _ in 0..attempt * 20_000 {
            std::hint::spin_loop();
        }
        let _ = child.kill();
        child.wait().unwrap();
        let published = published_by(path);
        assert!((before..=before + 1).contains(&published.len()), "attempt {attempt}");
        let shown = done(path, &["preview", ADA.0]);
        let is_new = shown.contains(&format!("Midterm: {mark},"));
        assert_eq!(is_new, published.len() == before + 1, "attempt {attempt}: {shown}");
        let left = std::fs::read_dir(path.join("history")).unwrap();
        let drafts = left.filter(|entry| {
            entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".draft")
        });
        assert_eq!(drafts.count(), 0, "attempt {attempt}");
    }
}

#[test]
fn a_server_that_is_killed_as_it_publishes_serves_one_edition_and_never_an_older_one() {
    let mut server = served(course(&settings("")));
    let mut last = 1;
    for mark in 101..=112_u64 {
        server.save_class(&with_midterm(&mark.to_string()));
        server.signal(Signal::HUP);
        if mark % 2 == 0 {
            server.prints("edition published");
        }
        server = served(server.end_with(Signal::KILL));
        let edition = report(&server, ADA)["edition"].as_u64().unwrap();
        assert!(edition > last, "{edition} behind {last}: the file counts as just saved");
        last = edition;
        assert!(read(&server, ADA, "GG").contains(&format!("Midterm: {mark},")));
    }
    assert_eq!(last, 13, "each content is one edition");
}
