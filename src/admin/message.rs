//! The messages of the admin socket.

use editions::{Content, ContentError};
use serde::{Deserialize, Serialize};

use crate::publishing::{Offer, Task};

/// The version of the messages. A server rejects others.
const FORM: u32 = 1;

/// The most bytes of the line that a request begins with.
pub(crate) const HEAD_BYTES_MAX: u64 = 64 << 10;

/// The most bytes of a content: that of a class of some million students.
pub(crate) const CONTENT_BYTES_MAX: u64 = 1 << 30;

/// The line that a request begins with.
#[derive(Serialize, Deserialize)]
pub(crate) struct RequestHead {
    form: u32,
    task: Task,
    /// The user who asks, for the record of an edition.
    who: Option<String>,
    /// When the file behind this line was exported, in seconds since 1970.
    exported_at: Option<u64>,
    /// The bytes behind this line; absent if the task is about the configured file.
    content_bytes: Option<u64>,
}

/// What a command asks for.
pub(crate) struct AdminRequest {
    pub(crate) task: Task,
    pub(crate) who: Option<String>,
    /// The content of another file than the configured one, and when that was exported.
    pub(crate) offered: Option<(Vec<u8>, Option<u64>)>,
}

impl RequestHead {
    /// The head of a request, and the bytes behind it.
    pub(crate) fn of(task: &Task, offer: Option<&Offer>, who: Option<&str>) -> (Self, Vec<u8>) {
        let content = offer.map(|offer| offer.content.to_bytes());
        let content_bytes =
            content.as_ref().map(|bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let exported_at = offer.and_then(|offer| offer.exported_at);
        let (task, who) = (task.clone(), who.map(str::to_owned));
        let head = Self { form: FORM, task, who, exported_at, content_bytes };
        (head, content.unwrap_or_default())
    }

    /// Reads the line; `None` if it is not one of this version.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let head: Self = serde_json::from_slice(line).ok()?;
        let is_valid = head.form == FORM
            && head.content_bytes.is_none_or(|bytes| bytes <= CONTENT_BYTES_MAX)
            && head.who.as_ref().is_none_or(|who| is_user_name(who));
        is_valid.then_some(head)
    }

    /// The number of bytes behind the line.
    pub(crate) fn content_bytes(&self) -> u64 {
        self.content_bytes.unwrap_or_default()
    }

    /// The request, with the bytes behind the line.
    pub(crate) fn with_content(self, bytes: Vec<u8>) -> AdminRequest {
        let Self { task, who, exported_at, content_bytes, .. } = self;
        let offered = content_bytes.map(|_| (bytes, exported_at));
        AdminRequest { task, who, offered }
    }
}

impl AdminRequest {
    /// Takes the request apart.
    ///
    /// # Errors
    /// Returns an error if the offered content is damaged.
    pub(crate) fn into_parts(self) -> Result<(Task, Option<Offer>, Option<String>), ContentError> {
        let offer = match self.offered {
            Some((bytes, exported_at)) => {
                Some(Offer { content: Content::from_bytes(&bytes)?, exported_at })
            }
            None => None,
        };
        Ok((self.task, offer, self.who))
    }
}

/// The name stands in the history and in tables.
fn is_user_name(text: &str) -> bool {
    const BYTES_MAX: usize = 64;
    (1..=BYTES_MAX).contains(&text.len()) && !text.contains(char::is_control)
}
