//! The chain of hashes: changes are detected, and rotation and restarts continue it.

use super::*;

#[test]
fn every_later_change_to_an_audit_file_is_detected() {
    let server = Server::start(AUDIT);
    server.answers(b"2100001 GG\n2100002 GG\n2100001 GMA\n2100002 GMA\n");
    let file = audit_file(&server);
    is_sound(&[&file]);
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 5);
    let written = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let [start, a, b, c, d] = lines[..] else { panic!() };
    let edited = b.replace("2100002", "2100001");
    for (what, lines, why) in [
        ("edited", vec![start, a, &edited, c, d], "line 3 was edited"),
        (
            "the last one edited",
            vec![start, a, b, c, &d.replace("GMA", "GEA")],
            "line 5 was edited",
        ),
        (
            "taken out",
            vec![start, a, c, d],
            "line 3 is record 4 where 3 should be: records were removed",
        ),
        ("moved", vec![start, b, a, c, d], "line 2 is record 3 where 2 should be"),
        ("repeated", vec![start, a, b, b, c, d], "line 4 is record 3 where 4 should be"),
        ("put in", vec![start, a, "{}", b, c, d], "line 3 is not a record"),
        ("cut off", vec![start, a, b, c], "ends with record 4, but 5 were written"),
        ("cut off at the start", vec![a, b, c, d], "line 1 is record 2 where 1 should be"),
        ("all cut off", vec![], "contains no record"),
    ] {
        std::fs::write(&file, written(&lines)).unwrap();
        let (sound, text) = verified(&[&file]);
        assert!(!sound && text.contains(why), "{what}: {text}");
    }
    std::fs::write(&file, &text[..text.len() - 9]).unwrap();
    is_not_sound(&file, "ends with record 4, but 5 were written");
    std::fs::write(&file, format!("{text}Ada asked for nothing")).unwrap();
    is_not_sound(&file, "line 6 has no end");
    std::fs::write(&file, &text).unwrap();
    is_sound(&[&file]);
    std::fs::write(server.folder.path().join("audit.jsonl.head"), "nothing").unwrap();
    is_not_sound(&file, "its .head is not the head of an audit log");
    let copy = server.folder.path().join("copy");
    std::fs::write(&copy, &text).unwrap();
    is_not_sound(&copy, "copy.head is missing, so records may have been cut off or added");
}

/// The line of the next record behind a log, as anybody can write it.
fn forged_behind(log: &str, body: &str) -> String {
    let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    let sequence = last["sequence"].as_u64().unwrap() + 1;
    let previous = last["hash"].as_str().unwrap();
    let text = format!("{{\"sequence\":{sequence},{body},\"previous\":\"{previous}\"");
    let hash: String = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{text},\"hash\":\"{hash}\"}}\n")
}

#[test]
fn a_record_that_somebody_adds_and_a_cut_under_an_emptied_head_are_detected() {
    let server = Server::start(AUDIT);
    server.answers(b"2100001 GG\n");
    let folder = server.end_with(Signal::TERM);
    let file = folder.path().join("audit.jsonl");
    is_sound(&[&file]);
    let first_run = std::fs::read_to_string(&file).unwrap();
    let body = "\"time\":\"2027-01-15T08:00:00.123Z\",\"event\":\"stop\",\"outcome\":\"stopped\"";
    std::fs::write(&file, format!("{first_run}{}", forged_behind(&first_run, body))).unwrap();
    is_not_sound(&file, "ends with record 5, but its .head counts 4: records were added");
    // The next start tells of it, and its record stays in the log.
    let server = restarted(folder);
    server.answers(b"2100001 GG\n");
    let (_, lines) = server.stopped();
    let warning = "Warning: audit.file ends with 1 record that its .head does not count";
    assert!(lines.iter().any(|line| line.starts_with(warning)), "{lines:?}");
}

#[test]
fn a_log_that_was_cut_back_to_an_earlier_stop_is_detected_under_an_emptied_head() {
    let server = Server::start(AUDIT);
    let folder = server.end_with(Signal::TERM);
    let file = folder.path().join("audit.jsonl");
    let first_run = std::fs::read_to_string(&file).unwrap();
    let server = restarted(folder);
    server.answers(b"2100001 GG\n");
    let folder = server.end_with(Signal::TERM);
    is_sound(&[&file]);
    let start = &records(&file)[3];
    assert!(start["event"] == "start" && start["uncounted"].is_null());
    std::fs::write(&file, first_run).unwrap();
    is_not_sound(&file, "but 7 were written");
    std::fs::write(folder.path().join("audit.jsonl.head"), "").unwrap();
    is_not_sound(&file, "audit.jsonl.head is empty, so records may have been cut off or added");
    std::fs::remove_file(folder.path().join("audit.jsonl.head")).unwrap();
    is_not_sound(&file, "audit.jsonl.head is missing");
    let server = restarted(folder);
    server.answers(b"2100001 GG\n");
    let start = &records(&audit_file(&server))[3];
    assert_eq!((&start["event"], &start["uncounted"]), (&"start".into(), &3.into()));
}

#[test]
fn a_rewritten_chain_with_valid_hashes_is_detected() {
    let (server, other) = (Server::start(AUDIT), Server::start(AUDIT));
    server.answers(b"2100001 GG\n2100001 GG\n");
    other.answers(b"2100002 GG\n2100002 GG\n");
    std::fs::copy(audit_file(&other), audit_file(&server)).unwrap();
    is_not_sound(&audit_file(&server), "does not contain record 3 as it was written");
    let mine = std::fs::read_to_string(audit_file(&other)).unwrap();
    let mixed: Vec<_> = mine.lines().take(2).map(str::to_owned).collect();
    server.answers(b"2100001 GMA\n");
    let now = std::fs::read_to_string(audit_file(&server)).unwrap();
    let last = now.lines().last().unwrap();
    std::fs::write(audit_file(&server), format!("{}\n{last}\n", mixed.join("\n"))).unwrap();
    is_not_sound(&audit_file(&server), "line 3");
}

#[test]
fn a_rotated_file_ends_with_a_record_and_the_next_continues_the_chain() {
    let server = Server::start(AUDIT);
    let (file, moved) = (audit_file(&server), server.folder.path().join("audit.1"));
    let mut client = server.connect();
    assert_eq!(ADA.opens(&client.say("2100001 GG\n").reply()), ADA_GRADES);
    std::fs::rename(&file, &moved).unwrap();
    assert_eq!(ADA.opens(&client.say("2100001 GG\n").reply()), ADA_GRADES, "before the signal");
    server.signal(Signal::USR1);
    eventually("the file has ended", || events(&moved).last().unwrap() == "continued");
    assert_eq!(ADA.opens(&client.say("2100001 GG\n").reply()), ADA_GRADES);
    assert_eq!((requests(&moved).len(), requests(&file).len()), (2, 1));
    is_sound(&[&moved, &file]);
    is_not_sound(&moved, "says that the log continues in another file");
    let (sound, text) = verified(&[&file]);
    assert!(sound && text.contains("earlier records are not in these files"), "{text}");
    is_not_sound(&server.folder.path().join("class.csv"), "line 1 is not a record");
    let (sound, text) = verified(&[&file, &moved]);
    assert!(!sound && text.contains("records were moved or repeated"), "{text}");
}

#[test]
fn the_next_run_continues_the_chain_of_a_killed_run() {
    let (folder, _) = class_folder(AUDIT);
    let server = restarted(folder);
    server.answers(b"2100001 GG\n2100002 GG\n");
    let folder = server.end_with(Signal::KILL);
    let file = folder.path().join("audit.jsonl");
    // An incomplete record, as a power failure leaves it.
    let torn = [&std::fs::read(&file).unwrap()[..], b"{\"sequence\":4,\"time\":\"20"].concat();
    std::fs::write(&file, torn).unwrap();
    let server = restarted(folder);
    server.answers(b"2100001 GG\n");
    is_sound(&[&file]);
    let records = records(&file);
    assert_eq!(events(&file), ["start", "request", "request", "start", "request"]);
    assert_eq!((&records[3]["sequence"], &records[3]["torn_bytes"]), (&4.into(), &24.into()));
    let folder = server.end_with(Signal::KILL);
    // Records that were removed while no server ran stay missing.
    let text = std::fs::read_to_string(&file).unwrap();
    let cut: Vec<_> = text.lines().take(4).collect();
    std::fs::write(&file, cut.join("\n") + "\n").unwrap();
    let server = restarted(folder);
    server.answers(b"2100001 GG\n");
    is_not_sound(&file, "line 5 is record 6 where 5 should be: records were removed");
    let warning = "Warning: 1 record is missing from audit.file";
    assert!(server.stopped().1.iter().any(|line| line.starts_with(warning)));
}

#[test]
fn a_file_that_is_not_an_audit_is_not_changed() {
    for foreign in [CLASS, "no line end", "{\"sequence\":1}\n"] {
        let (folder, path) = class_folder("[audit]\nfile = \"notes\"\n");
        let notes = folder.path().join("notes");
        std::fs::write(&notes, foreign).unwrap();
        let output = ended(server_command().arg("--config").arg(&path));
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(
            text.contains("does not end with a record of an audit log; name another file"),
            "{text}"
        );
        assert_eq!(std::fs::read_to_string(&notes).unwrap(), foreign);
    }
}

#[test]
fn two_servers_cannot_share_an_audit_file() {
    let server = Server::start(AUDIT);
    let path = server.folder.path().join("test.toml");
    let output = ended(server_command().arg("--config").arg(path));
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("another server writes its audit log there"), "{text}");
    assert_eq!(BO.opens(&server.answers(b"2100002 GL2A\n")[0]), "Lab 2 average: 9.5");
    is_sound(&[&audit_file(&server)]);
}
