//! Damaged files of every shape: an error, never a panic, and never a class that was cut.

use super::*;

/// Small files of several kinds, whole.
fn wholes() -> Vec<(&'static str, Vec<u8>)> {
    let plain = "Name,ID Number,Lab 1\nAda,4001001,9.5\nBo,4001002,\"7\"\n";
    let utf_16 = format!("\u{feff}{plain}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        ("plain.csv", plain.as_bytes().to_vec()),
        ("utf-16.csv", utf_16),
        (
            "archive.zip",
            workbooks::archive(&[("manifest.csv", "a,b\n"), ("users.csv", "sourcedId\n")]),
        ),
    ]
}

#[test]
fn a_file_that_is_cut_anywhere_does_no_harm() {
    for (name, bytes) in wholes() {
        for end in 0..bytes.len() {
            let explanation = explained(name, &bytes[..end], "");
            assert!(explanation.students <= 2, "{name} {end}");
        }
    }
}

#[test]
fn a_file_with_any_byte_changed_does_no_harm() {
    for (name, bytes) in wholes() {
        for at in 0..bytes.len() {
            for byte in [0, b'"', b',', b'\n', 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] = byte;
                let explanation = explained(name, &bytes, "");
                assert!(explanation.students <= 3, "{name} {at}");
            }
        }
    }
}
