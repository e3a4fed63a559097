//! Slips as plain text, to be printed and cut.

use zeroize::Zeroizing;

use super::slip::{Place, Slip};
use crate::redact::escape;

/// Writes the slips, each with a line to cut along.
pub(super) fn write(place: &Place, slips: &[Slip<'_>]) -> Zeroizing<String> {
    // A text that grows leaves copies of keys behind, so all of it is reserved.
    let bytes = slips.iter().map(|slip| bytes_max(place, slip)).sum();
    let mut text = Zeroizing::new(String::with_capacity(bytes));
    for slip in slips {
        write_slip(place, slip, &mut text);
    }
    text
}

/// An upper bound of a slip's length.
fn bytes_max(place: &Place, slip: &Slip<'_>) -> usize {
    const FIXED_BYTES: usize = 1024;
    let page = place.page.as_ref().map_or(0, |page| page.url.len() + page.hash.len());
    let client = place.client_line(slip.id).map_or(0, |line| line.len());
    FIXED_BYTES + page + client + place.for_course().len() + slip.id.len() + escape(slip.name).len()
}

fn write_slip(place: &Place, slip: &Slip<'_>, text: &mut String) {
    for part in [
        escape(slip.name).as_ref(),
        "  (",
        slip.id,
        ")\n\nYour key",
        &place.for_course(),
        ", which nobody else may know:\n\n    ",
        &slip.key.expose_text(),
        "\n\n",
    ] {
        text.push_str(part);
    }
    if let Some(page) = &place.page {
        for part in [
            "Read your grades in a browser: open this address, and type your ID and your key.\n\n    ",
            &page.url,
            "\n\nThe SHA-256 of the page is\n    ",
            &page.hash,
            "\n\n",
        ] {
            text.push_str(part);
        }
    }
    if place.server.is_none() {
        for part in ["The fingerprint of the key is ", &slip.key.fingerprint(), ".\n\n"] {
            text.push_str(part);
        }
    }
    if let Some(line) = place.client_line(slip.id) {
        let begin = if place.page.is_some() { "Or read them in a terminal. " } else { "" };
        for part in [
            begin,
            "Write the key to a file that only you can read (me.key, chmod 600).\nIts fingerprint, which \
             grade-client --key-file me.key --fingerprint prints, is ",
            &slip.key.fingerprint(),
            ".\nThen ask for your grades:\n\n    ",
            &line,
            "\n\n",
        ] {
            text.push_str(part);
        }
    }
    text.push_str("8< ");
    text.push_str("- ".repeat(38).trim_end());
    text.push_str("\n\n");
}
