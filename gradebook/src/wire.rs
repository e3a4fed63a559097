//! Requests in clear: bytes in, [`Request`]s out; and the two kinds of reply line.
//!
//! The lab's clients send no line end, so a request is complete as soon as its bytes form one:
//!
//! ```text
//! ID CMD   ID,CMD   IDCMD   CMD ID      ID: exactly `id_digits` digits; CMD: one of the seven
//! NUL b b b CMD                         the same ID as a 32-bit big-endian number
//! ```
//!
//! A line end in the buffer takes precedence: then the whole line is read as a line, which may also
//! use any [`StudentId`] and the verbs `AVG <assessment>` and `REPORT`. White space and line ends
//! between requests are skipped. `docs/PROTOCOL.md` is the full text.
//!
//! This module knows neither sockets nor marks. The caller keeps the bytes and calls [`parse`] again
//! when there are more.

use base64_simd::URL_SAFE;

use crate::rejection::{LineError, MalformedLine, Rejection};
use crate::request::{Command, LAB_COMMANDS, Lab, Request, StudentId};
use crate::sealed::REQUEST_TOKEN_BYTES;

/// What may stand between words.
const BLANKS: [char; 2] = [' ', '\t'];

/// What differs between servers in how requests are read.
#[derive(Clone, Copy, Debug)]
pub struct Grammar {
    /// How many digits an ID has where no line end tells where it stops; 1 to 18.
    pub id_digits: u8,
    /// The longest line, in bytes, without its line end.
    pub line_bytes: usize,
    /// Whether requests are sealed: then each is a line of a student ID, a blank and a token.
    pub sealed: bool,
}

/// What the bytes received so far begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// No request yet; the first `blank` bytes are white space and may be dropped.
    Incomplete {
        /// How many bytes of white space to drop.
        blank: usize,
    },
    /// A request in the first `used` bytes.
    Request {
        /// What it asks.
        request: Request<'a>,
        /// How many bytes it took.
        used: usize,
    },
    /// A line in the first `used` bytes that is no request.
    Malformed {
        /// What is wrong with it.
        malformed: MalformedLine,
        /// How many bytes it took.
        used: usize,
    },
    /// More than `line_bytes` bytes without a line end.
    TooLong,
}

/// Reads one request from the front of `bytes`.
pub fn parse(grammar: Grammar, bytes: &[u8]) -> Parsed<'_> {
    let rest = skip_white_space(bytes);
    let blank = bytes.len() - rest.len();
    if rest.is_empty() {
        return Parsed::Incomplete { blank };
    }
    if grammar.sealed {
        return parse_sealed(grammar, rest, blank);
    }
    let form = complete_form(grammar, rest);
    if let FormMatch::Complete { request, used } = form
        && let Some(ending) = line_end_len(rest.get(used..).unwrap_or_default())
    {
        return Parsed::Request { request, used: blank + used + ending };
    }
    match (line(grammar, rest), form) {
        (Line::Whole { line, used }, _) => match requests_of_line(grammar, line, used) {
            Ok((request, used)) => Parsed::Request { request, used: blank + used },
            Err(error) => {
                let malformed = MalformedLine { error, bytes: line.len() };
                Parsed::Malformed { malformed, used: blank + used }
            }
        },
        (_, FormMatch::Complete { request, used }) => {
            Parsed::Request { request, used: blank + used }
        }
        (Line::Unended, _) => Parsed::Incomplete { blank },
        (Line::TooLong, _) => Parsed::TooLong,
    }
}

/// Reads one sealed request. Whether its token is genuine is for others to say; here it has the length
/// of one and is base64url in its one spelling, whoever has made it.
fn parse_sealed(grammar: Grammar, rest: &[u8], blank: usize) -> Parsed<'_> {
    let (line, used) = match line(grammar, rest) {
        Line::Whole { line, used } => (line, blank + used),
        Line::Unended => return Parsed::Incomplete { blank },
        Line::TooLong => return Parsed::TooLong,
    };
    let is_token = |token: &str| {
        token.len() == REQUEST_TOKEN_BYTES && URL_SAFE.check(token.as_bytes()).is_ok()
    };
    let words = std::str::from_utf8(line).ok().and_then(|line| line.split_once(' '));
    let token = words.map(|(_, token)| token).filter(|token| is_token(token));
    let id = words.and_then(|(id, _)| StudentId::new(id.as_bytes()));
    match (id, token) {
        (Some(id), Some(token)) => {
            Parsed::Request { request: Request { id, command: Command::Sealed(token) }, used }
        }
        _ => {
            let malformed = MalformedLine { error: LineError::NotSealed, bytes: line.len() };
            Parsed::Malformed { malformed, used }
        }
    }
}

/// The command that a sealed request holds.
pub(crate) fn sealed_command(text: &str) -> Option<Command<&str>> {
    line_command(text).ok()
}

/// What ends every reply.
pub const LINE_END: u8 = b'\n';

/// Appends the reply to a request that is not answered: `ERR <word> <text>`.
pub fn write_rejection(out: &mut Vec<u8>, rejection: Rejection) {
    for part in ["ERR ", rejection.word(), " ", rejection.text(), "\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

/// Whether bytes begin with a request that needs no line end.
#[derive(Clone, Copy)]
enum FormMatch<'a> {
    /// Yes: the request, and how many bytes it took.
    Complete { request: Request<'a>, used: usize },
    /// They could, with more bytes.
    Partial,
    /// They cannot, whatever follows.
    No,
}

/// Reads one of the forms that end with their last byte.
fn complete_form(grammar: Grammar, bytes: &[u8]) -> FormMatch<'_> {
    match bytes.first() {
        Some(b'0'..=b'9') => id_then_command(grammar, bytes),
        Some(0) => binary_id_then_command(grammar, bytes),
        _ => command_then_id(grammar, bytes),
    }
}

/// `ID CMD`, `ID,CMD`, `IDCMD`.
fn id_then_command(grammar: Grammar, bytes: &[u8]) -> FormMatch<'_> {
    match digits(grammar, bytes) {
        Digits::Complete { id, rest } => command_of(id, bytes, rest),
        Digits::Partial => FormMatch::Partial,
        Digits::No => FormMatch::No,
    }
}

/// The ID as four bytes, most significant first, then the command. The first byte is NUL, which no
/// text begins with; so only IDs below 2^24 can be sent this way.
fn binary_id_then_command(grammar: Grammar, bytes: &[u8]) -> FormMatch<'_> {
    let Some((number, rest)) = bytes.split_first_chunk::<4>() else {
        return FormMatch::Partial;
    };
    let id = StudentId::of_number(u32::from_be_bytes(*number));
    if id.as_str().len() == usize::from(grammar.id_digits) {
        command_of(id, bytes, rest)
    } else {
        FormMatch::No
    }
}

/// The separator and one of the seven at the front of `rest`, the tail of `bytes`.
fn command_of<'a>(id: StudentId<'a>, bytes: &[u8], rest: &[u8]) -> FormMatch<'a> {
    match command_prefix(skip_separator(rest)) {
        CommandPrefix::Complete { command, rest } => {
            FormMatch::Complete { request: Request { id, command }, used: bytes.len() - rest.len() }
        }
        CommandPrefix::Partial => FormMatch::Partial,
        CommandPrefix::No => FormMatch::No,
    }
}

/// `CMD ID`: with at least one blank or a comma between them.
fn command_then_id(grammar: Grammar, bytes: &[u8]) -> FormMatch<'_> {
    let (command, behind) = match command_prefix(bytes) {
        CommandPrefix::Complete { command, rest } => (command, rest),
        CommandPrefix::Partial => return FormMatch::Partial,
        CommandPrefix::No => return FormMatch::No,
    };
    let rest = skip_separator(behind);
    match digits(grammar, rest) {
        Digits::Complete { id, rest: after } if rest.len() < behind.len() => FormMatch::Complete {
            request: Request { id, command },
            used: bytes.len() - after.len(),
        },
        Digits::Partial if rest.is_empty() || rest.len() < behind.len() => FormMatch::Partial,
        _ => FormMatch::No,
    }
}

/// Whether bytes begin with an ID of exactly `id_digits` digits.
enum Digits<'a> {
    Complete { id: StudentId<'a>, rest: &'a [u8] },
    Partial,
    No,
}

fn digits(grammar: Grammar, bytes: &[u8]) -> Digits<'_> {
    match bytes.split_at_checked(usize::from(grammar.id_digits)) {
        Some((digits, rest)) => match StudentId::of_digits(digits) {
            Some(id) => Digits::Complete { id, rest },
            None => Digits::No,
        },
        None if bytes.iter().all(u8::is_ascii_digit) => Digits::Partial,
        None => Digits::No,
    }
}

/// Whether bytes begin with one of the seven commands.
enum CommandPrefix<'a> {
    Complete { command: Command<&'static str>, rest: &'a [u8] },
    Partial,
    No,
}

fn command_prefix(bytes: &[u8]) -> CommandPrefix<'_> {
    let complete = |command, rest| CommandPrefix::Complete { command, rest };
    match bytes {
        [b'G', b'G', rest @ ..] => complete(Command::Grades, rest),
        [b'G', b'M', b'A', rest @ ..] => complete(Command::MidtermAverage, rest),
        [b'G', b'E', b'A', rest @ ..] => complete(Command::ExamAverage, rest),
        [b'G', b'L', b'1', b'A', rest @ ..] => complete(Command::LabAverage(Lab::One), rest),
        [b'G', b'L', b'2', b'A', rest @ ..] => complete(Command::LabAverage(Lab::Two), rest),
        [b'G', b'L', b'3', b'A', rest @ ..] => complete(Command::LabAverage(Lab::Three), rest),
        [b'G', b'L', b'4', b'A', rest @ ..] => complete(Command::LabAverage(Lab::Four), rest),
        _ if LAB_COMMANDS.iter().any(|command| command.word().as_bytes().starts_with(bytes)) => {
            CommandPrefix::Partial
        }
        _ => CommandPrefix::No,
    }
}

/// Behind the blanks and the one comma that may stand between ID and command.
fn skip_separator(bytes: &[u8]) -> &[u8] {
    let rest = skip_blanks(bytes);
    skip_blanks(rest.strip_prefix(b",").unwrap_or(rest))
}

fn skip_blanks(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

fn skip_white_space(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// The length of the line end that `rest` begins with, none being an ending too when nothing
/// follows at all.
fn line_end_len(rest: &[u8]) -> Option<usize> {
    match rest {
        [] => Some(0),
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}

/// Whether bytes begin with a line.
enum Line<'a> {
    /// The line without its end, and how many bytes it took with it.
    Whole {
        line: &'a [u8],
        used: usize,
    },
    Unended,
    TooLong,
}

fn line(grammar: Grammar, bytes: &[u8]) -> Line<'_> {
    // A line of the greatest length may still end in CR LF.
    let window = bytes.get(..grammar.line_bytes.saturating_add(2)).unwrap_or(bytes);
    let end = memchr::memchr(b'\n', window);
    let line = end.and_then(|end| window.get(..end)).unwrap_or(window);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match end {
        _ if line.len() > grammar.line_bytes => Line::TooLong,
        Some(end) => Line::Whole { line, used: end + 1 },
        None => Line::Unended,
    }
}

/// Reads a line as one request; or, where it is several complete ones run together, the first of
/// them. Gives the request and how many of the line's `ended` bytes it took.
fn requests_of_line(
    grammar: Grammar,
    line: &[u8],
    ended: usize,
) -> Result<(Request<'_>, usize), LineError> {
    match complete_form(grammar, line) {
        FormMatch::Complete { request, used }
            if more_requests_follow(grammar, line.get(used..)) =>
        {
            Ok((request, used))
        }
        _ => one_request(line).map(|request| (request, ended)),
    }
}

/// Whether the rest of a line begins with another complete request, or is blank.
fn more_requests_follow(grammar: Grammar, rest: Option<&[u8]>) -> bool {
    let rest = skip_blanks(rest.unwrap_or_default());
    rest.is_empty()
        || matches!(complete_form(grammar, rest), FormMatch::Complete { .. })
        || one_request(rest).is_ok()
}

/// Reads a whole line, without its line end, as one request with any student ID and any verb.
fn one_request(line: &[u8]) -> Result<Request<'_>, LineError> {
    let text = std::str::from_utf8(line).map_err(|_| LineError::NotText)?;
    let control = match text.is_ascii() {
        true => line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t'),
        false => text.chars().any(|char| char.is_control() && char != '\t'),
    };
    if control {
        return Err(LineError::ControlCharacter);
    }
    let (first, rest) = split_id(text);
    let named = StudentId::new(first.as_bytes());
    if let (Some(id), Ok(command)) = (named, line_command(rest)) {
        return Ok(Request { id, command });
    }
    if let (CommandPrefix::Complete { command, rest: [] }, Some(id)) =
        (command_prefix(first.as_bytes()), StudentId::new(rest.as_bytes()))
    {
        return Ok(Request { id, command });
    }
    Err(line_command(rest).err().filter(|_| named.is_some()).unwrap_or(LineError::BadId))
}

/// The first word of a line and the rest, without the separator between them and blanks at the end.
fn split_id(text: &str) -> (&str, &str) {
    let text = text.trim_end_matches(BLANKS);
    let split = text.find([' ', '\t', ',']).and_then(|end| text.split_at_checked(end));
    let (first, rest) = split.unwrap_or((text, ""));
    let rest = rest.trim_start_matches(BLANKS);
    (first, rest.strip_prefix(',').unwrap_or(rest).trim_start_matches(BLANKS))
}

/// The command of a line, behind the student ID.
fn line_command(text: &str) -> Result<Command<&str>, LineError> {
    if let CommandPrefix::Complete { command, rest: [] } = command_prefix(text.as_bytes()) {
        return Ok(command);
    }
    let (verb, rest) = text.split_once(BLANKS).unwrap_or((text, ""));
    let assessment = rest.trim_start_matches(BLANKS);
    match (verb, assessment) {
        ("", _) => Err(LineError::NoCommand),
        ("REPORT", "") => Ok(Command::Report),
        ("AVG" | "STATS", "") => Err(LineError::NoAssessment),
        ("AVG", name) => Ok(Command::Average(name)),
        ("STATS", name) => Ok(Command::Statistics(name)),
        _ => Err(LineError::UnknownCommand),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GRAMMAR: Grammar = Grammar { id_digits: 7, line_bytes: 64, sealed: false };

    /// Everything a server would make of `packets`, one text a reply, and what stayed unread.
    fn conversation(packets: &[&[u8]]) -> (Vec<String>, Vec<u8>) {
        let (mut held, mut heard) = (Vec::new(), Vec::new());
        for packet in packets {
            held.extend_from_slice(packet);
            loop {
                match parse(GRAMMAR, &held) {
                    Parsed::Incomplete { blank } => {
                        held.drain(..blank);
                        break;
                    }
                    Parsed::Request { request, used } => {
                        heard.push(said(&request));
                        held.drain(..used);
                    }
                    Parsed::Malformed { malformed, used } => {
                        heard.push(format!("{:?} {}", malformed.error, malformed.bytes));
                        held.drain(..used);
                    }
                    Parsed::TooLong => {
                        heard.push("too long".into());
                        return (heard, Vec::new());
                    }
                }
            }
        }
        (heard, held)
    }

    fn said(request: &Request<'_>) -> String {
        match request.command {
            Command::Average(name) => format!("{} AVG <{name}>", request.id),
            other => format!("{} {}", request.id, other.word()),
        }
    }

    #[track_caller]
    fn hears(bytes: &[u8], expected: &[&str]) {
        let (heard, held) = conversation(&[bytes]);
        assert_eq!((heard.iter().map(String::as_str).collect(), held), (expected.to_vec(), vec![]));
    }

    #[test]
    fn every_form_of_the_lab_is_complete_without_a_line_end() {
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
            hears(bytes, &["1803933 GG"]);
            hears(&[bytes, b"\n"].concat(), &["1803933 GG"]);
            hears(&[bytes, b"\r\n"].concat(), &["1803933 GG"]);
        }
        for command in LAB_COMMANDS {
            let asked = format!("1803933 {}", command.word());
            hears(asked.as_bytes(), &[&asked]);
        }
    }

    #[test]
    fn a_line_may_use_any_id_and_the_verbs() {
        hears(b"alice@example.org GG\n", &["alice@example.org GG"]);
        hears(b"alice@example.org,GL1A\r\n", &["alice@example.org GL1A"]);
        hears(b"GMA bob_7\n", &["bob_7 GMA"]);
        hears(b"18039334 GG\n", &["18039334 GG"]);
        hears(b"GG 18039334\n", &["18039334 GG"]);
        hears(b"1803933 REPORT\n", &["1803933 REPORT"]);
        hears(b"1803933,REPORT \n", &["1803933 REPORT"]);
        hears(b"1803933 AVG Lab 1\n", &["1803933 AVG <Lab 1>"]);
        hears("1803933 AVG \u{dc}bung, 2 \r\n".as_bytes(), &["1803933 AVG <\u{dc}bung, 2>"]);
        hears(b"GG GMA\n", &["GG GMA"]);
    }

    #[test]
    fn verbs_wait_for_their_line_end() {
        for bytes in [&b"1803933 REPORT"[..], b"1803933 AVG Lab 1", b"bob GG", b"1803933 AVG"] {
            assert_eq!(conversation(&[bytes]), (vec![], bytes.to_vec()));
        }
    }

    #[test]
    fn several_requests_in_one_packet_are_several() {
        hears(b"1803933 GG1884159,GMAGEA 1853847", &["1803933 GG", "1884159 GMA", "1853847 GEA"]);
        hears(b"1803933 GG\n\r\n \n1884159GL4A\n", &["1803933 GG", "1884159 GL4A"]);
        hears(b"1803933 GG1884159 GMA\n", &["1803933 GG", "1884159 GMA"]);
        hears(b"1803933 GG1884159 REPORT\n", &["1803933 GG", "1884159 REPORT"]);
    }

    #[test]
    fn each_malformed_line_is_one_fault_in_its_place() {
        hears(b"1803933 GG\nhello\n1884159 GMA\n", &["1803933 GG", "NoCommand 5", "1884159 GMA"]);
        hears(b"1803933 GG and more\n", &["UnknownCommand 19"]);
        hears(b"1803933 gg\n", &["UnknownCommand 10"]);
        hears(b"1803933\n", &["NoCommand 7"]);
        hears(b"1803933 AVG\n", &["NoAssessment 11"]);
        hears(b"1803933 AVG \t\r\n", &["NoAssessment 13"]);
        hears(b"1803933\xff GG\n", &["NotText 11"]);
        hears(b"1803933\0GG\n", &["ControlCharacter 10"]);
        hears(b"1803933\rGG\n", &["ControlCharacter 10"]);
        hears(b"\0\n", &["ControlCharacter 1"]);
        hears(b"\0\0\0\0\0\0\n", &["ControlCharacter 6"]);
        hears("\u{ff11}803933 GG\n".as_bytes(), &["BadId 12"]);
        hears(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", &["UnknownCommand 14", "BadId 7"]);
        hears(b"*1\r\n$4\r\nPING\r\n", &["BadId 2", "BadId 2", "NoCommand 4"]);
    }

    #[test]
    fn a_line_is_limited_at_its_last_byte() {
        let line = |bytes: usize| [&b"1803933 AVG "[..], &vec![b'x'; bytes - 12]].concat();
        for end in ["\n", "\r\n"] {
            let asked = [&line(64), end.as_bytes()].concat();
            hears(&asked, &[&format!("1803933 AVG <{}>", "x".repeat(52))]);
            hears(&[&line(65), end.as_bytes()].concat(), &["too long"]);
        }
        assert_eq!(conversation(&[&line(64)]), (vec![], line(64)));
        assert_eq!(conversation(&[&line(64), b"\r"]).0, Vec::<String>::new());
        hears(&line(65), &["too long"]);
        hears(&[b'9'; 10_000], &["too long"]);
    }

    #[test]
    fn white_space_between_requests_is_dropped_at_once() {
        assert_eq!(parse(GRAMMAR, &[b' '; 500]), Parsed::Incomplete { blank: 500 });
        assert_eq!(parse(GRAMMAR, b"\r\n 18"), Parsed::Incomplete { blank: 3 });
    }

    /// A well-formed request in any form that the grammar knows, with what it should be heard as.
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
        fn a_request_is_heard_as_it_was_said((bytes, said) in request()) {
            prop_assert_eq!(conversation(&[&bytes]), (vec![said], vec![]));
        }

        #[test]
        fn every_prefix_is_incomplete_or_already_complete((bytes, full) in request()) {
            for cut in 0..bytes.len() {
                match parse(GRAMMAR, &bytes[..cut]) {
                    Parsed::Incomplete { .. } => {}
                    Parsed::Request { request, .. } => prop_assert_eq!(said(&request), full.clone()),
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
        fn arbitrary_bytes_never_panic_and_always_get_on(
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
                        let held = rest.len() - blank;
                        prop_assert!(held <= grammar.line_bytes + 1, "{held} bytes held");
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
            let (_, held) = conversation(&[bytes.as_bytes()]);
            prop_assert!(held.len() <= GRAMMAR.line_bytes + 1);
        }
    }

    #[test]
    fn a_refusal_is_one_line() {
        let mut out = Vec::new();
        let malformed = MalformedLine { error: LineError::NotText, bytes: 3 };
        write_rejection(&mut out, Rejection::Malformed(malformed));
        assert_eq!(out, b"ERR malformed the line is not UTF-8 text\n");
    }
}
