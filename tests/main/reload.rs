//! Reloading the class file of a running server.

use std::fs;
use std::process::Command;

use crate::harness::{ADA, ADA_GRADES, BO, CLASS, Server, holds_no_key};
use rustix::process::Signal;

/// The class with this midterm mark for Ada.
fn class_with_midterm(mark: u64) -> String {
    CLASS.replace("3,9,9,0,17,", &format!("3,9,9,0,{mark},"))
}

/// Ada's midterm mark and the edition, as her report has them.
#[track_caller]
fn midterm_and_edition(token: &str) -> (u64, u64) {
    let report: serde_json::Value = serde_json::from_str(&ADA.opens(token)).unwrap();
    (report["assessments"][4]["mark"].as_u64().unwrap(), report["edition"].as_u64().unwrap())
}

#[test]
fn sighup_reloads_the_class_file_for_open_connections() {
    let mut server = Server::start("");
    let mut client = server.connect();
    assert_eq!(ADA.opens(&client.say(b"2100001 GMA\n").reply()), "Midterm average: 13.3333");
    server.save_class(&class_with_midterm(20));
    server.signal(Signal::HUP);
    server.prints("Edition 2 of the class file is in place: 3 students.");
    assert_eq!(ADA.opens(&client.say(b"2100001 GMA\n").reply()), "Midterm average: 14.3333");
    server.signal(Signal::HUP);
    server.prints("The class file is unchanged; kept edition 2.");
}

#[test]
fn students_can_be_added_removed_and_rekeyed_while_connected() {
    let mut server =
        Server::start("[gradebook]\nshrink_percent_max = 50\n[lab]\nunknown_student = \"error\"");
    let mut client = server.connect();
    let new_key = fernet::Fernet::generate_key();
    let without_bo: String =
        CLASS.lines().filter(|line| !line.starts_with("Bo")).map(|l| format!("{l}\n")).collect();
    server.save_class(&without_bo.replace(ADA.1, &new_key));
    server.signal(Signal::HUP);
    server.prints("Edition 2 of the class file is in place: 2 students.");
    assert_eq!(client.say(b"2100002 GG\n").reply(), "ERR unknown no student has this ID");
    let token = client.say(b"2100001 GG\n").reply();
    let text = fernet::Fernet::new(&new_key).unwrap().decrypt(&token).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), ADA_GRADES);
    server.save_class(CLASS);
    server.signal(Signal::HUP);
    server.prints("Edition 3 of the class file is in place: 3 students.");
    BO.opens(&client.say(b"2100002 GG\n").reply());
}

#[test]
fn an_invalid_file_changes_nothing_and_is_reported_once_with_its_row() {
    let mut server = Server::start("");
    let bad_files = [
        ("", "is empty"),
        ("Name,ID Number,Key\n", "has no students"),
        (&CLASS.replace("ID Number", "Ident"), "row 1: has no column \"ID Number\""),
        (
            &CLASS.replace("2100002", "2100001"),
            "row 3, column \"ID Number\": is the same as in row 2",
        ),
        (&CLASS.replace(BO.1, ADA.1), "row 3, column \"Key\": is the same as in row 2"),
        (&CLASS.replace(BO.1, BO.1.trim_end_matches('=')), "row 3, column \"Key\": "),
        (&CLASS.replace("2100002", BO.1), "row 3, column \"ID Number\": "),
        (
            &CLASS.replace("17", ADA.1),
            "row 2, column \"Midterm\": \"<44 base64 characters>\" is not a mark",
        ),
        (&CLASS.replace("17", "nan"), "row 2, column \"Midterm\": \"nan\" is not a mark"),
        (
            &CLASS.replace("17", "nan").replace("2100002", "2 2"),
            "2 errors: | row 2, column \"Midterm\": \"nan\" is not a mark",
        ),
        (&CLASS.replace("17", "1e400"), "row 2, column \"Midterm\": is out of range"),
        (&CLASS.replace("17,", ""), "row 2: has 9 cells, but the header has 10"),
        (&CLASS.replace("Bo", "\"Bo"), "row 3: a quoted cell is never closed"),
        (&CLASS.replace("Bo", "B\0"), "row 3: holds a NUL byte"),
    ];
    for (content, reason) in bad_files {
        server.save_class(content);
        server.signal(Signal::HUP);
        let line = server.prints("Kept edition 1: ");
        assert!(line.contains("class.csv: ") && line.contains(reason), "{line} for {reason}");
        assert_eq!(ADA.opens(&server.answers(b"2100001 GG\n")[0]), ADA_GRADES);
    }
    let (code, output) = server.stopped();
    assert_eq!(code, Some(0));
    holds_no_key(&output);
}

#[test]
fn a_path_that_is_not_a_regular_file_is_rejected_without_blocking() {
    let mut server = Server::start("");
    let path = server.class_file();
    let mut refused = |reason: &str| {
        server.signal(Signal::HUP);
        assert!(server.prints("Kept edition 1: ").contains(reason), "{reason}");
        assert_eq!(ADA.opens(&server.answers(b"2100001 GG\n")[0]), ADA_GRADES);
    };
    fs::remove_file(&path).unwrap();
    refused("No such file");
    fs::create_dir(&path).unwrap();
    refused("is a directory, not a regular file");
    fs::remove_dir(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    refused("is a FIFO, not a regular file");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
    refused("is a device, not a regular file");
    fs::remove_file(&path).unwrap();
    server.save_class(&class_with_midterm(20));
    server.signal(Signal::HUP);
    server.prints("Edition 2 of the class file is in place");
}

#[test]
fn a_file_that_drops_too_many_students_is_rejected() {
    let students = |numbers: std::ops::Range<u32>| {
        let header = "Name,ID Number,Key,Lab 1\n".to_owned();
        numbers.fold(header, |file, n| {
            // An invented key for each number.
            let key = format!("{}{n:03}A=", "k".repeat(39));
            format!("{file}Some One,{},{key},7\n", 2_200_000 + n)
        })
    };
    let (folder, path) = crate::harness::class_folder("");
    fs::write(folder.path().join("class.csv"), students(110..210)).unwrap();
    let mut server =
        Server::start_with(folder, crate::harness::server_command().arg("--config").arg(path));
    server.save_class(&students(110..189));
    server.signal(Signal::HUP);
    let line = server.prints("Kept edition 1: ");
    assert!(
        line.contains(
            "21 of 100 students are missing, more than gradebook.shrink_percent_max = 20"
        )
    );
    server.save_class(&students(131..231));
    server.signal(Signal::HUP);
    assert!(
        server.prints("Kept edition 1: ").contains("21 of 100 students are missing"),
        "as many, but others"
    );
    server.save_class(&students(110..190));
    server.signal(Signal::HUP);
    server.prints("Edition 2 of the class file is in place: 80 students.");
}

#[test]
fn a_watched_file_is_loaded_however_it_is_saved() {
    let mut server = Server::start("[gradebook]\nwatch = true");
    let path = server.class_file();
    // Replaced by renaming.
    server.save_class(&class_with_midterm(20));
    server.prints("Edition 2 of the class file is in place");
    // Written in place.
    fs::write(&path, class_with_midterm(19)).unwrap();
    server.prints("Edition 3 of the class file is in place");
    // Renamed and written again, as editors with backup files do.
    fs::rename(&path, path.with_extension("csv~")).unwrap();
    fs::write(&path, class_with_midterm(18)).unwrap();
    server.prints("Edition 4 of the class file is in place");
    let report = &server.answers(b"2100001 REPORT\n")[0];
    assert_eq!(midterm_and_edition(report), (18, 4));
    // Changes to other files in the folder are ignored.
    fs::write(path.with_file_name(".class.csv.swp"), "x").unwrap();
    fs::write(path.with_file_name("other.csv"), "x").unwrap();
    server.save_class(&class_with_midterm(17));
    server.prints("Edition 5 of the class file is in place");
}

#[test]
fn reloads_under_load_lose_no_request_and_never_go_back_an_edition() {
    let mut server = Server::start("[console]\nstyle = \"log\"");
    let address = ("127.0.0.1", server.port);
    let loads: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(move || {
                let mut client =
                    crate::harness::Client::of(std::net::TcpStream::connect(address).unwrap());
                let (mut last, mut seen) = (0, 0);
                while last < 21 {
                    client.say(b"2100001 REPORT\n".repeat(32));
                    for _ in 0..32 {
                        let (midterm, edition) = midterm_and_edition(&client.reply());
                        let mark = if edition == 1 { 17 } else { edition + 100 };
                        assert_eq!(midterm, mark, "one reply, one edition");
                        assert!(edition >= last, "edition {edition} behind {last}");
                        (last, seen) = (edition, seen + 1);
                    }
                }
                seen
            })
        })
        .collect();
    server.save_class(&class_with_midterm(102));
    for edition in 2..=21 {
        server.signal(Signal::HUP);
        server.prints(&format!("class file installed edition={edition} "));
        server.save_class(&class_with_midterm(edition + 101));
    }
    let seen: usize = loads.into_iter().map(|load| load.join().unwrap()).sum();
    assert!(seen >= 4 * 32);
}

#[test]
fn many_sighups_end_with_the_last_file_published() {
    let mut server = Server::start("");
    for mark in 21..60 {
        server.save_class(&class_with_midterm(mark));
        server.signal(Signal::HUP);
    }
    server.save_class(&class_with_midterm(99));
    server.signal(Signal::HUP);
    loop {
        let (midterm, _) = midterm_and_edition(&server.answers(b"2100001 REPORT\n")[0]);
        if midterm == 99 {
            break;
        }
        server.prints("dition");
    }
}
