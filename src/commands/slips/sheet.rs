//! Slips as a sheet of HTML, to be printed from a browser on A4 or Letter and cut.

use qrcode::render::svg::Color;
use qrcode::{EcLevel, QrCode};
use zeroize::Zeroizing;

use super::slip::{PageOnSlip, Place, Slip};
use crate::commands::keys::KeysError;
use crate::redact::escape;

/// The sheet's own style: no size of paper is named, so that it fits A4 and Letter, and no slip is divided
/// between two pages.
const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>Slips</title>
<style>
@page { margin: 12mm; }
body { margin: 0; font: 10pt/1.35 system-ui, sans-serif; color: #000; background: #fff; }
main { max-width: 190mm; margin: 0 auto; }
section { display: grid; grid-template-columns: 1fr 42mm; gap: 0 6mm; padding: 5mm 0; border-bottom: 1px dashed #000;
  break-inside: avoid; }
h2 { font-size: 13pt; margin: 0 0 1mm; }
p { margin: 0 0 1.5mm; overflow-wrap: anywhere; }
code { font: 9pt ui-monospace, monospace; overflow-wrap: anywhere; }
svg { width: 42mm; height: 42mm; }
small { font-size: 7.5pt; }
</style>
</head>
<body>
<main>
";

const FOOT: &str = "</main>\n</body>\n</html>\n";

/// Writes the sheet.
pub(super) fn write(place: &Place, slips: &[Slip<'_>]) -> Result<Zeroizing<String>, KeysError> {
    let mut sections = Vec::new();
    for slip in slips {
        // A sheet is only written for a page.
        if let Some(page) = &place.page {
            sections.push(section(place, page, slip)?);
        }
    }
    // A text that grows leaves copies of keys behind, so all of it is reserved.
    let bytes =
        sections.iter().map(|section| section.len()).sum::<usize>() + HEAD.len() + FOOT.len();
    let mut text = Zeroizing::new(String::with_capacity(bytes));
    text.push_str(HEAD);
    for section in &sections {
        text.push_str(section);
    }
    text.push_str(FOOT);
    Ok(text)
}

fn section(
    place: &Place,
    page: &PageOnSlip,
    slip: &Slip<'_>,
) -> Result<Zeroizing<String>, KeysError> {
    let link = slip.link(page);
    let code = QrCode::with_error_correction_level(link.as_bytes(), EcLevel::M);
    let code = code.map_err(|error| KeysError::Table(error.to_string()))?;
    let code = Zeroizing::new(code.render::<Color<'_>>().build());
    // The declaration of XML does not belong into HTML.
    let code = code.find("<svg").and_then(|at| code.get(at..)).unwrap_or_default();
    let code = Zeroizing::new(code.replacen(
        "<svg ",
        "<svg role=\"img\" aria-label=\"QR code of your link\" ",
        1,
    ));
    let terminal = match place.client_line(slip.id) {
        None => String::new(),
        Some(line) => format!(
            "<p><small>In a terminal: write the key to a file that only you can read (me.key, chmod 600), and run \
             <code>{}</code> The program grade-client is a part of grade-actor-server; ask your instructor for \
             it.</small></p>\n",
            html_text(&line)
        ),
    };
    let name = html_text(&escape(slip.name));
    let (url, hash) = (html_text(&page.url), &page.hash);
    let parts = [
        "<section>\n<div>\n<h2>",
        &name,
        " (",
        slip.id,
        ")</h2>\n<p>Read your grades",
        &html_text(&place.for_course()),
        ": scan the code, or open <code>",
        &url,
        "</code> and type your ID and your key.</p>\n<p>ID <code>",
        slip.id,
        "</code><br>Key <code>",
        &slip.key.expose_text(),
        "</code><br>Fingerprint <code>",
        &slip.key.fingerprint(),
        "</code></p>\n<p><small>Nobody else may know your key. The history of a browser keeps the link that you \
         scan: use a private window, or type the key. SHA-256 of the page: <code>",
        hash,
        "</code></small></p>\n",
        &terminal,
        "</div>\n<div>",
        &code,
        "</div>\n</section>\n",
    ];
    let mut text = Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len()).sum()));
    for part in parts {
        text.push_str(part);
    }
    Ok(text)
}

/// A text in HTML.
fn html_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
