//! The wire protocol: raw bytes over real sockets to the real server.

use crate::harness::{ADA, ADA_GRADES, BO, BO_GRADES, Server, ZOE, holds_no_key};

/// Opens a reply that must be one token for this student.
#[track_caller]
fn opened(student: crate::harness::Student, reply: &[u8]) -> String {
    student.opens(std::str::from_utf8(reply).unwrap().trim_end())
}

#[test]
fn every_lab_client_reads_its_answer_with_one_recv() {
    let server = Server::start("");
    for asked in [
        &b"2100001 GG"[..],
        b"2100001,GG",
        b"2100001GG",
        b"GG 2100001",
        b"2100001 GG\n",
        b"2100001 GG\r\n",
        b"\x00\x20\x0b\x21GG",
    ] {
        let mut client = server.connect();
        let reply = client.say(asked).receives_once();
        assert_eq!(opened(ADA, &reply), ADA_GRADES, "{asked:?}");
        // The connection stays open for more.
        let reply = client.say(b"2100001,GMA").receives_once();
        assert_eq!(opened(ADA, &reply), "Midterm average: 13.3333");
    }
}

#[test]
fn the_id_and_the_command_of_a_binary_request_may_arrive_separately() {
    let server = Server::start("");
    let mut client = server.connect();
    client.say(2_100_001_u32.to_be_bytes());
    let reply = client.say(b"GG").receives_once();
    assert_eq!(opened(ADA, &reply), ADA_GRADES);
}

#[test]
fn every_command_answers_from_the_class_file() {
    let server = Server::start("");
    for (asked, text) in [
        ("GG", ADA_GRADES),
        ("GMA", "Midterm average: 13.3333"),
        ("GL1A", "Lab 1 average: 3.5"),
        ("GL2A", "Lab 2 average: 9.5"),
        ("GL3A", "Lab 3 average: 8.1667"),
        ("GL4A", "Lab 4 average: 6"),
        ("GEA", "Exam average: 5.2 (Exam 1: 4.6667, Exam 2: 6)"),
        ("AVG Lab 3", "Lab 3 average: 8.1667"),
    ] {
        let replies = server.answers(format!("2100001 {asked}\n").as_bytes());
        assert_eq!(replies.len(), 1);
        assert_eq!(ADA.opens(&replies[0]), text);
    }
    let report = server.answers(b"zoe@class.example REPORT\n");
    let report: serde_json::Value = serde_json::from_str(&ZOE.opens(&report[0])).unwrap();
    assert_eq!(report["name"], "Zo\u{eb} Invented");
    assert_eq!(report["assessments"][1]["mark"], serde_json::Value::Null);
    assert_eq!(report["assessments"][2]["class"]["mean"], 8.1667);
}

#[test]
fn a_request_is_answered_wherever_its_bytes_are_split() {
    let server = Server::start("");
    for asked in [&b"2100001 GG"[..], b"GG 2100001\r\n", b"zoe@class.example AVG Lab 1\n"] {
        for cut in 1..asked.len() {
            let mut client = server.connect();
            client.say(&asked[..cut]).say(&asked[cut..]).finish_sending();
            assert_eq!(client.remaining_replies().len(), 1, "{asked:?} cut at {cut}");
        }
        let mut client = server.connect();
        for byte in asked {
            client.say([*byte]);
        }
        assert_eq!(client.finish_sending().remaining_replies().len(), 1, "{asked:?} byte by byte");
    }
}

#[test]
fn replies_keep_the_order_of_the_request_lines() {
    let server = Server::start("");
    let replies = server.answers(
        b"2100001 GG\nhello\n2100002 GG\n2100001 gx\n\n\xff\xfe\n2100002 AVG Lab 9\n2100001 GMA\n",
    );
    assert_eq!(replies.len(), 7, "{replies:?}");
    assert_eq!(ADA.opens(&replies[0]), ADA_GRADES);
    assert_eq!(replies[1], "ERR malformed no command after the student ID; send: ID COMMAND");
    assert_eq!(BO.opens(&replies[2]), BO_GRADES);
    assert!(replies[3].starts_with("ERR malformed unknown command; known: GG "));
    assert_eq!(replies[4], "ERR malformed the line is not UTF-8 text");
    assert_eq!(replies[5], "ERR assessment this class has no such assessment; GG lists them");
    assert_eq!(ADA.opens(&replies[6]), "Midterm average: 13.3333");
}

#[test]
fn thousands_of_pipelined_requests_are_answered_in_order() {
    let server = Server::start("[console]\nstyle = \"log\"");
    let mut client = server.connect();
    let mut writer = client.socket().try_clone().unwrap();
    let writing = std::thread::spawn(move || {
        use std::io::Write;
        let requests: String =
            (0..5_000).map(|n| if n % 3 == 0 { "2100001 GG\n" } else { "2100002,GL2A" }).collect();
        writer.write_all(requests.as_bytes()).unwrap();
        writer.shutdown(std::net::Shutdown::Write).unwrap();
    });
    let replies = client.remaining_replies();
    writing.join().unwrap();
    assert_eq!(replies.len(), 5_000);
    for (n, reply) in replies.iter().enumerate() {
        match n % 3 {
            0 => assert_eq!(ADA.opens(reply), ADA_GRADES),
            _ => assert_eq!(BO.opens(reply), "Lab 2 average: 9.5"),
        }
    }
}

#[test]
fn an_incomplete_request_at_the_end_gets_no_reply() {
    let server = Server::start("");
    for half in [&b"2100001 G"[..], b"2100001", b"2100001 REPORT", b"2100001 AVG Lab 1", b"\0\x20"]
    {
        assert_eq!(server.answers(half), Vec::<String>::new(), "{half:?}");
    }
}

#[test]
fn a_line_that_is_too_long_is_rejected_once_and_the_connection_closes() {
    let server = Server::start("[limits]\nline_bytes = 64");
    let fits = format!("2100001 AVG {}\n", "x".repeat(52));
    assert!(server.answers(fits.as_bytes())[0].starts_with("ERR assessment "));
    let mut client = server.connect();
    client.say(format!("2100001 GG\n2100001 AVG {}\n2100001 GG\n", "x".repeat(53)));
    let replies = client.remaining_replies();
    assert_eq!(replies.len(), 2);
    assert_eq!(ADA.opens(&replies[0]), ADA_GRADES);
    assert_eq!(replies[1], "ERR too-long the line is too long; the connection closes");
}

#[test]
fn requests_of_other_protocols_are_rejected_and_never_echoed() {
    let server = Server::start("");
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03secret-looking\n";
    for bytes in [&hello[..], b"GET /grades HTTP/1.1\r\nHost: x\r\n\r\n", b"*1\r\n$4\r\nPING\r\n"] {
        let replies = server.answers(bytes);
        assert!(
            !replies.is_empty() && replies.iter().all(|reply| reply.starts_with("ERR malformed "))
        );
        let text = replies.join("\n");
        assert!(!text.contains("secret") && !text.contains("grades") && !text.contains("PING"));
    }
}

#[test]
fn an_unknown_student_gets_no_bytes_by_default() {
    let server = Server::start("");
    let mut client = server.connect();
    client.say(b"2100001 GG\n9999999 GG\n2100002 GG\n");
    let replies = client.remaining_replies();
    assert_eq!(replies.len(), 1, "what was asked before is answered, nothing behind");
    assert_eq!(server.connect().say(b"9999999 GG").receives_once(), b"");
}

#[test]
fn an_unknown_student_gets_an_error_if_so_configured() {
    let server = Server::start("[lab]\nunknown_student = \"error\"");
    let replies = server.answers(b"9999999 GG\n2100001 GG\n");
    assert_eq!(replies[0], "ERR unknown no student has this ID");
    assert_eq!(ADA.opens(&replies[1]), ADA_GRADES);
}

#[test]
fn an_unknown_student_gets_a_decoy_if_so_configured() {
    let server = Server::start("[lab]\nunknown_student = \"decoy\"");
    for command in ["GG", "GMA", "GEA", "AVG Lab 2", "REPORT"] {
        let asked = format!("9999999 {command}\n2100001 {command}\nzoe@class.example {command}\n");
        let replies = server.answers(asked.as_bytes());
        let lengths: Vec<_> = replies.iter().map(String::len).collect();
        assert!(lengths.iter().all(|length| *length == lengths[0]), "{command}: {lengths:?}");
        assert!(replies[0].starts_with("gAAAA"));
    }
    let reply = server.connect().say(b"2100001 GG").receives_once();
    assert!(reply.len() <= 1024);
    assert_eq!(opened(ADA, &reply).trim_end(), ADA_GRADES);
}

#[test]
fn a_client_that_reads_token_and_key_separately_gets_both() {
    // A pause that is long enough on every machine.
    let server = Server::start("[lab]\nreveal_key = true\nreveal_pause = \"500ms\"");
    for _ in 0..3 {
        let mut client = server.connect();
        let token = client.say(b"2100001 GG").receives_once();
        let key = client.receives_once();
        assert_eq!(key, ADA.1.as_bytes());
        assert_eq!(opened(ADA, &token), ADA_GRADES);
        assert!(!token.ends_with(b"\n"), "its wire has no lines");
        assert_eq!(client.receives_once(), b"", "and closes");
    }
    assert_eq!(server.connect().say(b"9999999 GG").receives_once(), b"");
    // Clients that send another form read the token alone, and ask again over the same connection.
    let mut client = server.connect();
    for form in [&b"2100001,GG"[..], b"2100001GG", b"GG 2100001", b"\x00\x20\x0b\x21GG"] {
        let token = client.say(form).receives_once();
        assert_eq!(opened(ADA, token.trim_ascii_end()), ADA_GRADES, "{form:?}");
    }
    let rejected = client.say(b"nonsense\n").receives_once();
    assert!(rejected.starts_with(b"ERR malformed "), "and it stays open");
    let token = client.say(b"2100001 GG\n").receives_once();
    assert_eq!(opened(ADA, &token), ADA_GRADES);
    assert_eq!(client.receives_once(), ADA.1.as_bytes());
    assert_eq!(client.receives_once(), b"");
    let (code, output) = server.stopped();
    assert_eq!(code, Some(0));
    holds_no_key(&output);
}

#[test]
fn the_lab_console_prints_every_event_and_no_key() {
    let mut server = Server::start("");
    let port = server.connect().socket().local_addr().unwrap().port();
    server.prints(&format!("Connection received from 127.0.0.1 on port {port}."));
    let replies = server.answers(b"2100001 GL3A\n");
    server.prints("Received GL3A command from client.");
    server.prints("User found.");
    server.prints(&replies[0]);
    server.answers(b"9999999 GG");
    server.prints("User not found.");
    // A key typed in place of a request; escape sequences in place of a command.
    server.answers(format!("{}\n2100001 \x1b[2J\n", ADA.1).as_bytes());
    server.prints("(44 bytes)");
    let (code, output) = server.stopped();
    assert_eq!(code, Some(0));
    assert!(output.contains(&"Data read from CSV file:".to_owned()));
    assert!(output.contains(&"Ada Invented,2100001,<key>,3,9,9,0,17,4,5".to_owned()));
    assert!(!output.concat().contains('\x1b'));
    holds_no_key(&output);
}

#[test]
fn json_logs_have_no_line_per_request() {
    for (style, listening) in
        [("log", "listening address=127.0.0.1:"), ("json", "\"message\":\"listening\"")]
    {
        let server = Server::start(&format!("[console]\nstyle = \"{style}\""));
        server.answers(b"2100001 GG\nfoo\n");
        let (code, output) = server.stopped();
        assert_eq!(code, Some(0));
        assert!(output.iter().any(|line| line.contains(listening)), "{output:?}");
        assert!(output.iter().all(|line| !line.contains("2100001") && !line.contains("malformed")));
        if style == "json" {
            for line in &output {
                serde_json::from_str::<serde_json::Value>(line).unwrap();
            }
        }
        holds_no_key(&output);
    }
}
