//! The texts of sealed requests and replies, made and read back.

use super::*;
use crate::wire::REQUEST_TOKEN_BYTES;

#[test]
fn every_request_s_token_has_the_same_length() {
    let key = Key::from_bytes([5; 32]);
    for command in ["GG", "AVG A very long name of an assessment, as some have them"] {
        let request = SealedRequest { audience: "a", id: "1", command, nonce: Nonce(7) };
        assert_eq!(request.seal(&key, Timestamp(0)).unwrap().len(), REQUEST_TOKEN_BYTES);
    }
    assert_eq!(REQUEST_TOKEN_BYTES, 420);
    let nonce = Nonce(0);
    for (command, error) in
        [("x".repeat(255).as_str(), InvalidField::TooLong), ("AVG\tLab 1", InvalidField::Tab)]
    {
        let request = SealedRequest { audience: "a", id: "1", command, nonce };
        assert_eq!(request.seal(&key, Timestamp(0)), Err(error));
    }
}

#[test]
fn only_a_well_formed_request_text_is_parsed() {
    let text = "Q1\tnets-2026\t2100001\tAVG Lab 1\t00000000000000ff    ";
    let request = SealedRequest {
        audience: "nets-2026",
        id: "2100001",
        command: "AVG Lab 1",
        nonce: Nonce(255),
    };
    assert_eq!(SealedRequest::parse(text.as_bytes()), Some(request));
    for other in [
        "R1\tnets-2026\t2100001\tGG\t00000000000000ff",
        "Q1\tnets-2026\t2100001\tGG\t00000000000000FF",
        "Q1\tnets-2026\t2100001\tGG\t+0000000000000ff",
        "Q1\tnets-2026\t2100001\tGG\tff",
        "Q1\tnets-2026\t2100001\tGG",
        "Q1\tnets-2026\t2100001\tGG\t00000000000000ff\t",
        "",
    ] {
        assert_eq!(SealedRequest::parse(other.as_bytes()), None, "{other:?}");
    }
}

#[test]
fn a_nonce_is_sixteen_digits_in_lower_case_and_nothing_else() {
    for number in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210] {
        let digits = Nonce(number).to_string();
        assert_eq!(Nonce::parse(digits.as_bytes()), Some(Nonce(number)));
        for at in 0..digits.len() {
            for byte in 0..=255 {
                let mut digits = digits.clone().into_bytes();
                digits[at] = byte;
                let text = std::str::from_utf8(&digits).ok();
                let number = text.and_then(|text| u64::from_str_radix(text, 16).ok());
                let is_digit = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                assert_eq!(Nonce::parse(&digits), number.filter(|_| is_digit).map(Nonce));
            }
        }
    }
    for other in ["", "0123456789abcde", "0123456789abcdef0", "0123456789abcdef01234567"] {
        assert_eq!(Nonce::parse(other.as_bytes()), None);
    }
}

#[test]
fn a_reply_s_head_is_never_longer_than_its_bound() {
    let id = "i".repeat(64);
    let command = "c".repeat(REQUEST_TEXT_BYTES - 64 - 23);
    let request = SealedRequest { audience: "a", id: &id, command: &command, nonce: Nonce(0) };
    assert_eq!(request.check(), Ok(()), "the longest request");
    let longer = format!("{command}c");
    let too_long = SealedRequest { command: &longer, ..request };
    assert_eq!(too_long.check(), Err(InvalidField::TooLong));
    let context = ReplyContext::new(EditionNumber(u64::MAX), Timestamp(u64::MAX));
    let mut head = Vec::new();
    write_reply_head(&request, &context, Err(Rejection::UnknownAssessment), &mut head);
    assert!(head.len() <= REPLY_HEAD_BYTES_MAX, "{} bytes", head.len());
    assert!(padded_reply_bytes(head.len()) == REPLY_UNIT_BYTES - 1, "the shortest reply");
}

#[test]
fn one_blank_behind_a_label_is_a_mark_and_other_blanks_are_padding() {
    assert_eq!(without_padding("Lab 1: 7, Lab 2:   "), "Lab 1: 7, Lab 2: ");
    assert_eq!(without_padding("Lab 1: 7, Lab 2:"), "Lab 1: 7, Lab 2:");
    assert_eq!(without_padding("Lab 1: 7   "), "Lab 1: 7");
    assert_eq!(without_padding("   "), "");
}

#[test]
fn a_reply_is_padded_to_a_few_lengths_and_parsed_without_the_padding() {
    let request = SealedRequest { audience: "", id: "2100001", command: "GG", nonce: Nonce(1) };
    for (body, bytes) in
        [("Lab 1: 7", 383), ("x".repeat(325).as_str(), 383), ("x".repeat(341).as_str(), 767)]
    {
        let mut text = b"before".to_vec();
        let context = ReplyContext::new(EditionNumber(3), Timestamp(1_800_000_000));
        write_reply_head(&request, &context, Ok(()), &mut text);
        text.extend_from_slice(body.as_bytes());
        pad_reply(&mut text, 6, 0);
        assert_eq!(text.len() - 6, bytes);
        let text = std::str::from_utf8(&text[6..]).unwrap();
        let reply = Reply::parse(text).unwrap();
        assert_eq!(
            (reply.request, reply.edition, reply.body),
            (request, EditionNumber(3), Ok(body))
        );
        assert_eq!(reply.time, Timestamp(1_800_000_000));
    }
    assert_eq!(Reply::parse("R1\t1\tGG\t0000000000000001\t3\t0\tfine\tx"), None);
}
