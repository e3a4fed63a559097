//! Forged, repeated and flooding requests: what others must not learn, and not do.

use super::*;
use crate::stop::stuck;

/// A request that is sealed with a key of no student.
fn foreign(id: &str, nonce: u64) -> String {
    let forger = Fernet::new(&Fernet::generate_key()).unwrap();
    format!("{id} {}\n", forger.encrypt(text("nets-2026", id, "GG", nonce).as_bytes()))
}

#[test]
fn a_flood_by_one_student_does_not_affect_other_students() {
    let server = Server::start(SEALED);
    let flood: String =
        (0..500).map(|nonce| request(ADA, &text("nets-2026", ADA.0, "GG", nonce), now())).collect();
    let replies = server.answers(flood.as_bytes());
    let statuses: Vec<_> =
        replies.iter().zip(0..).map(|(reply, n)| opened(ADA, "GG", n, reply).0).collect();
    assert!(statuses[..400].iter().all(|status| status == "ok"));
    assert!(statuses[400..].iter().all(|status| status == "busy"));
    let reply =
        &server.answers(request(BO, &text("nets-2026", BO.0, "GMA", 1), now()).as_bytes())[0];
    assert_eq!(opened(BO, "GMA", 1, reply).0, "ok");
}

#[test]
fn replies_to_forged_requests_do_not_reveal_who_is_enrolled() {
    let server = Server::start(SEALED);
    let genuine =
        &server.answers(request(ADA, &text("nets-2026", ADA.0, "GG", 1), now()).as_bytes())[0];
    for id in [ADA.0, "2999999", ADA.0, "nobody@class.example"] {
        let reply = &server.answers(foreign(id, 2).as_bytes())[0];
        assert_eq!(reply.len(), genuine.len(), "a decoy has the length of an answer");
        assert!(reply.starts_with("gAAAA") && Fernet::new(ADA.1).unwrap().decrypt(reply).is_err());
    }
    // A reply sent back as a request, and a request for another student, get a decoy as well.
    let fernet = Fernet::new(ADA.1).unwrap();
    let mut reflected = fernet.decrypt(genuine).unwrap();
    reflected.truncate(255);
    let reflected = format!("{} {}\n", ADA.0, fernet.encrypt(&reflected));
    let about_bo = request(ADA, &text("nets-2026", BO.0, "GG", 3), now());
    for line in [reflected, about_bo] {
        let reply = &server.answers(line.as_bytes())[0];
        assert!(fernet.decrypt(reply).is_err() && reply.len() == genuine.len());
    }
}

#[test]
fn unsealed_requests_are_rejected_without_a_lookup() {
    let server = Server::start(SEALED);
    let line = foreign(ADA.0, 1);
    let malformed = "ERR malformed this server answers sealed requests only; ask with grade-client \
                     --sealed AUDIENCE, or send: ID TOKEN (docs/PROTOCOL.md, section 8)";
    let cut = format!("{}\n", line.get(..line.len() - 2).unwrap());
    for line in
        [&*format!("{} GG\n", ADA.0), "2999999 GG\n", "hello\n", &cut, &line.replace('A', "*")]
    {
        assert_eq!(server.answers(line.as_bytes()), [malformed], "{line}");
    }
}

#[test]
fn a_request_that_was_answered_before_a_restart_is_not_answered_again() {
    let server = Server::start(SEALED);
    let request = request(ADA, &text("nets-2026", ADA.0, "GG", 1), now());
    let status = |server: &Server| {
        let reply = &server.answers(request.as_bytes())[0];
        opened(ADA, "GG", 1, reply).0
    };
    assert_eq!(status(&server), "ok");
    let folder = server.end_with(Signal::KILL);
    let path = folder.path().join("test.toml");
    let server = Server::start_with(folder, server_command().arg("--config").arg(path));
    assert_eq!(status(&server), "clock");
    let output = client(&server, "nets-2026", ADA, "GG");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_server_that_stops_answers_no_request_that_the_next_one_could_answer_again() {
    let mut server = Server::start(SEALED);
    // The clock of the client is ahead, so the next server may not know that a request was answered.
    let request = request(ADA, &text("nets-2026", ADA.0, "GG", 1), now() + 60);
    let mut stuck = stuck(&server, request.as_bytes());
    server.signal(Signal::TERM);
    server.prints("Stopping");
    let replies = stuck.finish_sending().remaining_replies();
    let status = |reply: Option<&String>| opened(ADA, "GG", 1, reply.unwrap()).0;
    assert_eq!(status(replies.first()), "replayed", "the first one was answered before");
    assert_eq!(status(replies.last()), "busy");
    assert_eq!(server.ended().0, Some(0));
}

#[test]
fn fewer_remembered_requests_than_students_are_refused_and_a_smaller_share_is_told() {
    let replays = |replays| format!("{SEALED}replays = {replays}\n");
    let (_, lines) = Server::start(&replays(7)).stopped();
    let told = "sealed.replays = 7 allows each of 3 students 2 requests within sealed.clock_skew";
    assert!(lines.iter().any(|line| line.starts_with("Warning") && line.contains(told)));
    let (folder, path) = class_folder(&replays(2));
    let output = ended(server_command().arg("--config").arg(path));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("sealed.replays = 2 is less than the 3 students of the class"), "{text}");
    drop(folder);
}

#[test]
fn a_report_that_no_batch_has_room_for_is_refused_before_the_start() {
    let (folder, path) = class_folder(&format!("{SEALED}[limits]\noutput_bytes = \"4KiB\"\n"));
    let columns: String = (0..40).map(|n| format!(",Quiz {n}")).collect();
    let row =
        |student: Student| format!("Some One,{},{}{}\n", student.0, student.1, ",".repeat(40));
    let class = format!("Name,ID Number,Key{columns}\n{}{}", row(ADA), row(BO));
    write_private(&folder.path().join("class.csv"), class);
    let output = ended(server_command().arg("--config").arg(path));
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("more than limits.output_bytes = 4096; set it to "), "{text}");
}

#[test]
fn a_request_sent_twice_is_answered_once() {
    let server = Server::start(SEALED);
    let request = request(ADA, &text("nets-2026", ADA.0, "GG", 1), now());
    let replies = server.answers(format!("{request}{request}").as_bytes());
    let later = server.answers(request.as_bytes());
    let statuses = replies.iter().chain(&later).map(|reply| opened(ADA, "GG", 1, reply).0);
    assert_eq!(statuses.collect::<Vec<_>>(), ["ok", "replayed", "replayed"]);
}
