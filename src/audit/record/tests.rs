//! Records as lines of JSON, made and read back.

use super::*;

#[test]
fn a_record_is_a_line_of_json_whose_hash_anyone_can_compute() {
    let mut head = ChainHead::genesis();
    let mut text = b"before".to_vec();
    let event = AuditEvent::Request {
        connection: 7,
        source: "127.0.0.1:60001",
        id: Some("2100001"),
        command: Some("GG"),
        outcome: "answered",
        edition: 3,
    };
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_123);
    head.append(&event, RecordTime::default().text(time), &mut text);
    let line = String::from_utf8(text[6..].to_vec()).unwrap();
    let document = include_str!("../../../docs/AUDIT.md");
    assert!(document.contains(&line), "docs/AUDIT.md does not show the record {line}");
    let (hashed, _) = line.split_once(",\"hash\"").unwrap();
    let digest: String = Sha256::digest(hashed).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((head.sequence, &head.hash), (1, &digest));
}

#[test]
fn a_clock_beyond_all_bounds_still_makes_a_record() {
    let far = SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 45);
    let early = SystemTime::UNIX_EPOCH - Duration::from_secs(1 << 40);
    for (moment, expected) in
        [(early, "1970-01-01T00:00:00.000Z"), (far, "9999-12-31T23:59:59.000Z")]
    {
        let mut text = Vec::new();
        let time = &mut RecordTime::default();
        ChainHead::genesis().append(&AuditEvent::Continued, time.text(moment), &mut text);
        let record = Record::parse(text.trim_ascii_end()).unwrap();
        assert_eq!(record.time, expected);
    }
}

#[test]
fn a_changed_line_is_not_read_as_a_record() {
    let mut text = Vec::new();
    let event = AuditEvent::Stopping { connections: 3 };
    ChainHead::genesis().append(&event, "2027-01-15T08:00:00.123Z", &mut text);
    let line = text.trim_ascii_end();
    assert_eq!(Record::parse(line).map(|record| record.sequence), Ok(1));
    for at in 0..line.len() {
        let mut changed = line.to_vec();
        changed[at] ^= 1;
        assert!(Record::parse(&changed).is_err(), "byte {at}");
        assert!(Record::parse(&line[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn the_fields_of_a_request_are_those_that_serde_writes() {
    for (id, command) in [
        (None, None),
        (Some("<43 base64 characters>"), None),
        (Some("7"), Some("GG")),
        (Some("a.b_c@d-e\"\\\n"), None),
        (Some(""), None),
    ] {
        let event = AuditEvent::Request {
            connection: u64::MAX,
            source: "[2001:db8::1]:443",
            id,
            command,
            outcome: "too-long",
            edition: 0,
        };
        let mut text = Vec::new();
        event.append_request(&mut text).unwrap();
        let by_serde = serde_json::to_string(&event).unwrap();
        assert_eq!(format!("{{{}}}", String::from_utf8(text).unwrap()), by_serde);
    }
    assert!(AuditEvent::Continued.append_request(&mut Vec::new()).is_none());
}

#[test]
fn the_time_of_a_record_is_the_same_whether_the_second_is_new_or_not() {
    let mut kept = RecordTime::default();
    for millis in
        [0, 7, 7, 3, 999, 1_000, 1_042, 1_042, 999, 6_000, 59_999, 60_000, 86_400_000, 86_400_000]
    {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_000 + millis);
        assert_eq!(kept.text(time), humantime::format_rfc3339_millis(time).to_string());
    }
}
