//! Conversations in bytes: what a server reads from packets, however they are cut.

use proptest::prelude::*;

use super::*;
use crate::request::{Command, LAB_COMMANDS, LineError};

const GRAMMAR: Grammar = Grammar { id_digits: 7, line_bytes: 64, sealed: false };

/// What a server reads from `packets`, one text a request, and the bytes that stay unread.
fn conversation(packets: &[&[u8]]) -> (Vec<String>, Vec<u8>) {
    let (mut unread, mut read) = (Vec::new(), Vec::new());
    for packet in packets {
        unread.extend_from_slice(packet);
        loop {
            match parse(GRAMMAR, &unread) {
                Parsed::Incomplete { blank } => {
                    unread.drain(..blank);
                    break;
                }
                Parsed::Request { request, used } => {
                    read.push(text(&request));
                    unread.drain(..used);
                }
                Parsed::Malformed { malformed, used } => {
                    read.push(format!("{:?} {}", malformed.error, malformed.bytes));
                    unread.drain(..used);
                }
                Parsed::TooLong => {
                    read.push("too long".into());
                    return (read, Vec::new());
                }
            }
        }
    }
    (read, unread)
}

fn text(request: &Request<'_>) -> String {
    match request.command {
        Command::Average(name) => format!("{} AVG <{name}>", request.id),
        other => format!("{} {}", request.id, other.word()),
    }
}

#[track_caller]
fn reads(bytes: &[u8], expected: &[&str]) {
    let (read, unread) = conversation(&[bytes]);
    assert_eq!((read.iter().map(String::as_str).collect(), unread), (expected.to_vec(), vec![]));
}

#[test]
fn every_lab_form_is_complete_without_a_line_end() {
    for bytes in [
        &b"1803933 GG"[..],
        b"1803933,GG",
        b"1803933GG",
        b"GG 1803933",
        b"GG,1803933",
        b"  1803933  ,\tGG",
        b"GG , 1803933",
        b"\x00\x1b\x86\x9dGG",
        b"\x00\x1b\x86\x9d GG",
    ] {
        reads(bytes, &["1803933 GG"]);
        reads(&[bytes, b"\n"].concat(), &["1803933 GG"]);
        reads(&[bytes, b"\r\n"].concat(), &["1803933 GG"]);
    }
    for command in LAB_COMMANDS {
        let asked = format!("1803933 {}", command.word());
        reads(asked.as_bytes(), &[&asked]);
    }
}

#[test]
fn a_line_may_hold_any_id_and_any_command() {
    reads(b"alice@example.org GG\n", &["alice@example.org GG"]);
    reads(b"alice@example.org,GL1A\r\n", &["alice@example.org GL1A"]);
    reads(b"GMA bob_7\n", &["bob_7 GMA"]);
    reads(b"18039334 GG\n", &["18039334 GG"]);
    reads(b"GG 18039334\n", &["18039334 GG"]);
    reads(b"1803933 REPORT\n", &["1803933 REPORT"]);
    reads(b"1803933,REPORT \n", &["1803933 REPORT"]);
    reads(b"1803933 AVG Lab 1\n", &["1803933 AVG <Lab 1>"]);
    reads("1803933 AVG \u{dc}bung, 2 \r\n".as_bytes(), &["1803933 AVG <\u{dc}bung, 2>"]);
    reads(b"GG GMA\n", &["GG GMA"]);
}

#[test]
fn a_command_with_arguments_needs_a_line_end() {
    for bytes in [&b"1803933 REPORT"[..], b"1803933 AVG Lab 1", b"bob GG", b"1803933 AVG"] {
        assert_eq!(conversation(&[bytes]), (vec![], bytes.to_vec()));
    }
}

#[test]
fn several_requests_in_one_packet_are_several() {
    reads(b"1803933 GG1884159,GMAGEA 1853847", &["1803933 GG", "1884159 GMA", "1853847 GEA"]);
    reads(b"1803933 GG\n\r\n \n1884159GL4A\n", &["1803933 GG", "1884159 GL4A"]);
    reads(b"1803933 GG1884159 GMA\n", &["1803933 GG", "1884159 GMA"]);
    reads(b"1803933 GG1884159 REPORT\n", &["1803933 GG", "1884159 REPORT"]);
}

#[test]
fn a_tab_may_stand_in_a_line_and_no_other_control_character() {
    reads("1803933 AVG\tZ\u{fc}\n".as_bytes(), &["1803933 AVG <Z\u{fc}>"]);
    reads("1803933 AVG Z\u{fc}\u{1}\n".as_bytes(), &["ControlCharacter 16"]);
    reads("1803933 AVG Z\u{fc}\u{85}\n".as_bytes(), &["ControlCharacter 17"]);
}

#[test]
fn a_command_before_an_id_needs_something_between_them() {
    assert_eq!(conversation(&[b"GG1803933"]), (vec![], b"GG1803933".to_vec()));
    reads(b"GG1803933\n", &["NoCommand 9"]);
    reads(b"GG,1803933GMA 1803934", &["1803933 GG", "1803934 GMA"]);
}

#[test]
fn the_form_of_the_student_report_s_client_is_an_id_blanks_and_a_lab_command() {
    for form in [&b"1803933 GG"[..], b"1803933 GG\r\n", b"1803933 \t GL4A", b"zoe@x.example GG\n"] {
        assert!(is_blank_form(form), "{form:?}");
    }
    for other in [
        &b"1803933,GG"[..],
        b"1803933GG",
        b"GG 1803933",
        b"1803933",
        b"1803933 REPORT\n",
        b"GG GG",
        b"1803933 , GG",
        b"\x00\x1b\x86\xbd GG",
        b"1803933 gg\n",
        b"",
    ] {
        assert!(!is_blank_form(other), "{other:?}");
    }
}

#[test]
fn a_sealed_request_to_a_server_in_clear_is_told_apart() {
    let token = "A".repeat(REQUEST_TOKEN_BYTES);
    let clear = Grammar { id_digits: 7, line_bytes: 1024, sealed: false };
    let error = |line: String| match parse(clear, line.as_bytes()) {
        Parsed::Malformed { malformed, .. } => malformed.error,
        _ => panic!("{line}"),
    };
    assert_eq!(error(format!("bob {token}\n")), LineError::Sealed);
    assert_eq!(error(format!("bob {}\n", token.replace('A', "*"))), LineError::UnknownCommand);
    assert_eq!(error(format!("bob A{token}\n")), LineError::UnknownCommand);
    let sealed = Grammar { sealed: true, ..clear };
    let line = format!("\n \nbob {token}\nnext");
    let Parsed::Request { request, used } = parse(sealed, line.as_bytes()) else { panic!() };
    assert_eq!((request.id.as_str(), used), ("bob", 428));
    for other in [token.get(1..).unwrap(), &token.replace('A', "*"), &format!("A{token}")] {
        let line = format!("bob {other}\n");
        assert!(matches!(parse(sealed, line.as_bytes()), Parsed::Malformed { .. }));
    }
}

#[test]
fn a_line_may_name_its_command_in_any_case_and_other_forms_may_not() {
    reads(b"1803933 gg\ngea 1803933\n", &["1803933 GG", "1803933 GEA"]);
    assert_eq!(conversation(&[b"1803933 gg"]), (vec![], b"1803933 gg".to_vec()));
}

#[test]
fn each_malformed_line_is_one_error_in_its_place() {
    reads(b"1803933 GG\nhello\n1884159 GMA\n", &["1803933 GG", "NoCommand 5", "1884159 GMA"]);
    reads(b"1803933 GG and more\n", &["UnknownCommand 19"]);
    reads(b"1803933 gx\n", &["UnknownCommand 10"]);
    reads(b"1803933\n", &["NoCommand 7"]);
    reads(b"1803933 AVG\n", &["NoAssessment 11"]);
    reads(b"1803933 AVG \t\r\n", &["NoAssessment 13"]);
    reads(b"1803933\xff GG\n", &["NotText 11"]);
    reads(b"1803933\0GG\n", &["ControlCharacter 10"]);
    reads(b"1803933\rGG\n", &["ControlCharacter 10"]);
    reads(b"\0\n", &["ControlCharacter 1"]);
    reads(b"\0\0\0\0\0\0\n", &["ControlCharacter 6"]);
    reads("\u{ff11}803933 GG\n".as_bytes(), &["BadId 12"]);
    reads(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &["UnknownCommand 14", "BadId 7"]);
    reads(b"*1\r\n$4\r\nPING\r\n", &["BadId 2", "BadId 2", "NoCommand 4"]);
}

#[test]
fn a_line_is_limited_at_its_last_byte() {
    let line = |bytes: usize| [&b"1803933 AVG "[..], &vec![b'x'; bytes - 12]].concat();
    for end in ["\n", "\r\n"] {
        let asked = [&line(64), end.as_bytes()].concat();
        reads(&asked, &[&format!("1803933 AVG <{}>", "x".repeat(52))]);
        reads(&[&line(65), end.as_bytes()].concat(), &["too long"]);
    }
    assert_eq!(conversation(&[&line(64)]), (vec![], line(64)));
    assert_eq!(conversation(&[&line(64), b"\r"]).0, Vec::<String>::new());
    reads(&line(65), &["too long"]);
    reads(&[b'9'; 10_000], &["too long"]);
}

#[test]
fn white_space_between_requests_is_dropped_at_once() {
    assert_eq!(parse(GRAMMAR, &[b' '; 500]), Parsed::Incomplete { blank: 500 });
    assert_eq!(parse(GRAMMAR, b"\r\n 18"), Parsed::Incomplete { blank: 3 });
}

/// A well-formed request in any form that the grammar knows, with the text that it should be read as.
fn request() -> impl Strategy<Value = (Vec<u8>, String)> {
    let seven = (0..LAB_COMMANDS.len()).prop_map(|n| LAB_COMMANDS[n].word());
    let unended = (1_000_000..10_000_000u32, seven.clone(), 0..5usize, 0..3usize).prop_map(
        |(id, word, form, end)| {
            let bytes = match form {
                0 => format!("{id} {word}").into_bytes(),
                1 => format!("{id},{word}").into_bytes(),
                2 => format!("{id}{word}").into_bytes(),
                3 => format!("{word} {id}").into_bytes(),
                _ => [&id.to_be_bytes()[..], word.as_bytes()].concat(),
            };
            let newline_in_number = form > 3 && id.to_be_bytes().contains(&b'\n');
            let bytes = if newline_in_number { format!("{id}{word}").into() } else { bytes };
            let end = ["", "\n", "\r\n"][end];
            ([&bytes, end.as_bytes()].concat(), format!("{id} {word}"))
        },
    );
    let ended = ("[a-z][A-Za-z0-9._@-]{0,11}", seven, 0..4usize, "[A-Za-z][a-z ]{0,9}[0-9]")
        .prop_map(|(id, word, form, name)| match form {
            0 => (format!("{id} {word}\n").into_bytes(), format!("{id} {word}")),
            1 => (format!("{word} {id}\r\n").into_bytes(), format!("{id} {word}")),
            2 => (format!("{id} REPORT\n").into_bytes(), format!("{id} REPORT")),
            _ => (format!("{id} AVG {name}\r\n").into_bytes(), format!("{id} AVG <{name}>")),
        });
    prop_oneof![unended, ended]
}

proptest! {
    #[test]
    fn a_request_is_read_as_it_was_written((bytes, expected) in request()) {
        prop_assert_eq!(conversation(&[&bytes]), (vec![expected], vec![]));
    }

    #[test]
    fn every_prefix_is_incomplete_or_already_complete((bytes, full) in request()) {
        for cut in 0..bytes.len() {
            match parse(GRAMMAR, &bytes[..cut]) {
                Parsed::Incomplete { .. } => {}
                Parsed::Request { request, .. } => prop_assert_eq!(text(&request), full.clone()),
                other => prop_assert!(false, "{other:?} after {cut} bytes"),
            }
        }
    }

    #[test]
    fn splitting_never_changes_the_answers(
        requests in prop::collection::vec(request(), 1..6),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let bytes: Vec<u8> = requests.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        let expected: Vec<String> = requests.into_iter().map(|(_, said)| said).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let packets: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        prop_assert_eq!(conversation(&packets), (expected.clone(), vec![]));
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(conversation(&single), (expected, vec![]));
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_always_make_progress(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        digits in 1..19u8,
        line_bytes in 1..80usize,
    ) {
        let grammar = Grammar { id_digits: digits, line_bytes, sealed: false };
        let mut rest = &bytes[..];
        loop {
            rest = match parse(grammar, rest) {
                Parsed::Request { used, .. } | Parsed::Malformed { used, .. } => {
                    prop_assert!(used > 0);
                    &rest[used..]
                }
                Parsed::Incomplete { blank } => {
                    let kept = rest.len() - blank;
                    prop_assert!(kept <= grammar.line_bytes + 1, "{kept} bytes kept");
                    break;
                }
                Parsed::TooLong => break,
            };
        }
    }

    #[test]
    fn words_of_the_grammar_in_any_order_never_panic(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "1803933", "GG", "GMA", "GL", "1A", "G", " ", ",", "\n", "\r", "\t", "\0",
                "AVG", "REPORT", "\u{dc}", "18", "bob",
            ]),
            0..20,
        ),
    ) {
        let bytes = words.concat();
        let (_, unread) = conversation(&[bytes.as_bytes()]);
        prop_assert!(unread.len() <= GRAMMAR.line_bytes + 1);
    }
}

#[test]
fn a_rejection_is_one_line() {
    let mut out = Vec::new();
    let malformed = MalformedLine { error: LineError::NotText, bytes: 3 };
    write_rejection(&mut out, Rejection::Malformed(malformed));
    assert_eq!(out, b"ERR malformed the line is not UTF-8 text\n");
}
