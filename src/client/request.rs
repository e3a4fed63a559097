//! One request with the key that its answer is sealed under.

use std::time::SystemTime;

use fernet_batch::{Key, Timestamp};
use gradebook::sealed::{Nonce, SealedRequest};
use gradebook::{Command, StudentId};

use super::endpoint::SealedOptions;
use super::error::ClientError;

/// A command of a student.
pub(super) struct ClientRequest {
    /// Who asks.
    pub(super) id: String,
    /// The student's key.
    pub(super) key: Key,
    command: Command<String>,
    /// The command as it was typed and is sent.
    text: String,
    /// What a sealed reply must repeat.
    nonce: Nonce,
}

impl ClientRequest {
    /// A request with a random nonce, in clear or sealed.
    ///
    /// # Errors
    /// Returns an error if the ID is none, the text is not a command or does not fit a sealed request, or
    /// the operating system gives no random bytes.
    pub(super) fn new(
        id: &str,
        command: &str,
        key: Key,
        sealed: Option<&SealedOptions>,
    ) -> Result<Self, ClientError> {
        let id = StudentId::of_text(id.trim()).ok_or(ClientError::BadId)?.to_string();
        let text = command.trim_matches([' ', '\t']).to_owned();
        let command = Command::parse(&text)
            .map_err(|error| ClientError::UnknownCommand { error, text: text.clone() })?;
        let command = command.map(str::to_owned);
        let request = Self { id, key, command, text, nonce: Nonce::random()? };
        if let Some(SealedOptions { audience, .. }) = sealed {
            SealedRequest { audience, ..request.sealed() }.check()?;
        }
        Ok(request)
    }

    pub(super) fn command(&self) -> &Command<String> {
        &self.command
    }

    /// The command as it was typed and is sent.
    pub(super) fn command_text(&self) -> &str {
        &self.text
    }

    /// The line that is sent.
    pub(super) fn line(
        &self,
        sealed: Option<&SealedOptions>,
        now: SystemTime,
    ) -> Result<String, ClientError> {
        let Some(SealedOptions { audience, clock, .. }) = sealed else {
            // With a blank, a server with lab.reveal_key would send the key behind the answer.
            return Ok(format!("{},{}\n", self.id, self.text));
        };
        let request = SealedRequest { audience, ..self.sealed() };
        let time = clock.time_at(Timestamp::of(now));
        Ok(format!("{} {}\n", self.id, request.seal(&self.key, time)?))
    }

    /// What a sealed reply repeats.
    pub(super) fn sealed(&self) -> SealedRequest<'_> {
        SealedRequest { audience: "", id: &self.id, command: &self.text, nonce: self.nonce }
    }
}
