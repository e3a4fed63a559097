//! What a slip says, in whatever form it is written.

use fernet_batch::Key;
use zeroize::Zeroizing;

/// What is different on each slip.
pub(super) struct Slip<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) key: &'a Key,
}

/// What all slips of a class have in common.
pub(super) struct Place {
    /// Where clients connect to, if students can reach it.
    pub(super) server: Option<String>,
    /// The course and term, if requests are sealed.
    pub(super) audience: Option<String>,
    /// The page, if it has an address.
    pub(super) page: Option<PageOnSlip>,
}

/// The page that students open in a browser.
pub(super) struct PageOnSlip {
    pub(super) url: String,
    /// The SHA-256 of the page.
    pub(super) hash: String,
}

impl Slip<'_> {
    /// The address that fills the page with ID and key.
    pub(super) fn link(&self, page: &PageOnSlip) -> Zeroizing<String> {
        let key = self.key.expose_text();
        let parts = [page.url.as_str(), "/#", self.id, ".", key.as_str()];
        let mut link =
            Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len()).sum()));
        for part in parts {
            link.push_str(part);
        }
        link
    }
}

impl Place {
    /// The line that asks for the student's grades in a terminal.
    pub(super) fn client_line(&self, id: &str) -> Option<String> {
        let server = self.server.as_ref()?;
        let sealed =
            self.audience.as_ref().map_or_else(String::new, |name| format!(" --sealed {name}"));
        Some(format!("grade-client --server {server}{sealed} --id {id} --key-file me.key GG"))
    }

    /// `for nets-2026`, if the course has a name.
    pub(super) fn for_course(&self) -> String {
        self.audience.as_ref().map_or_else(String::new, |name| format!(" for {name}"))
    }
}
