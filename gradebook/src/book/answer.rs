//! Answering batches: for each request the decision what its student may read.

use std::hint::black_box;

use fernet_batch::{OwnedKey, Timestamp};

use super::lengths::SEALED_REPLY_BYTES_MIN;
use super::topic::Topic;
use super::{Book, UnknownStudent};
use crate::batch::{Answers, Decision, Requests, Unresolved, Upcoming};
use crate::decoy_key::decoy_key;
use crate::request::{Command, Rejection, Request};
use crate::roster::Record;
use crate::sealed::{
    Credentials, Nonce, ReplyContext, RequestVerifier, SealedRequest, Verification, pad_reply,
    write_reply_head,
};

impl Book {
    /// Answers a batch of requests in clear, all of it at the time `now`.
    pub fn answer(&self, requests: Requests, unknown: &UnknownStudent, now: Timestamp) -> Answers {
        let mut batch = requests.resolve(&self.roster, self.edition, now);
        while let Some(Unresolved { request, row, text }) = batch.next() {
            let record = row.and_then(|row| self.roster.record(row));
            // It is made for students, too, so that their answers take no less time.
            let decoy_key = match unknown {
                UnknownStudent::Decoy(keys) => {
                    Some(decoy_key(keys, request.id.as_str(), self.roster.keeps_mac_states()))
                }
                UnknownStudent::Close | UnknownStudent::Error => None,
            };
            let decision = match (record, unknown, black_box(&decoy_key)) {
                (Some(record), ..) => self.disclose(record, request.command, unknown, now, text),
                (None, _, Some(key)) => self.decoy(&request, key, now, text),
                (None, UnknownStudent::Error, _) => Decision::Reject(Rejection::UnknownStudent),
                (None, _, None) => Decision::Silence,
            };
            batch.decide(decision);
        }
        batch.finish()
    }

    /// Answers a batch of sealed requests, all of it at the time `now`.
    pub fn answer_sealed(
        &self,
        requests: Requests,
        verifier: &mut RequestVerifier,
        now: Timestamp,
    ) -> Answers {
        let context = ReplyContext::new(self.edition, now);
        let replays_max = verifier.replays_max(self.roster.len());
        verifier.begin(now, self.roster.keeps_mac_states());
        let mut batch = requests.resolve(&self.roster, self.edition, now);
        loop {
            if verifier.needs_more() {
                let upcoming = batch.upcoming(SEALED_REPLY_BYTES_MIN);
                verifier.open(upcoming.map(|Upcoming { id, token, row }| {
                    let record = row.and_then(|row| self.roster.record(row));
                    self.credentials(id, token, record, replays_max)
                }));
            }
            let Some(Unresolved { request, row, text }) = batch.next() else { break };
            let record = row.and_then(|row| self.roster.record(row));
            let token = match request.command {
                Command::Sealed(token) => token,
                // The session's grammar lets no other command in, and no key has made this.
                _ => "",
            };
            let credentials = self.credentials(request.id.as_str(), token, record, replays_max);
            let decision = self.reply(&credentials, record, verifier, &context, text);
            batch.decide(decision);
        }
        verifier.end(batch.unresolved().map(|Upcoming { id, row, .. }| (id, row.is_some())));
        batch.finish()
    }

    /// What a student reads in the answer to a request, for an instructor to look at.
    ///
    /// # Errors
    /// Returns the rejection that the request would get.
    pub fn preview(&self, request: &Request<'_>, now: Timestamp) -> Result<String, Rejection> {
        let mut slots = Vec::new();
        self.roster.lookup_batch(std::iter::once(Some(request.id.as_str())), &mut slots);
        let row = slots.first().and_then(|slot| slot.row);
        let record = row.and_then(|row| self.roster.record(row));
        let record = record.ok_or(Rejection::UnknownStudent)?;
        let topic = self.topic(request.command).ok_or(Rejection::UnknownAssessment)?;
        let mut text = Vec::new();
        self.write(record, topic, now, &mut text);
        String::from_utf8(text).map_err(|_| Rejection::Busy)
    }

    /// Appends the answer to a student's request in clear.
    fn disclose<'k>(
        &self,
        record: Record<'k>,
        command: Command<&str>,
        unknown: &UnknownStudent,
        now: Timestamp,
        text: &mut Vec<u8>,
    ) -> Decision<'k> {
        let start = text.len();
        let Some(topic) = self.topic(command) else {
            return Decision::Reject(Rejection::UnknownAssessment);
        };
        self.write(record, topic, now, text);
        if let UnknownStudent::Decoy(_) = unknown {
            self.pad_in_clear(text, start, topic);
        }
        Decision::Disclose(record.key())
    }

    /// Appends a decoy: blanks, as long as every student's answer on the topic.
    fn decoy<'k>(
        &self,
        request: &Request<'_>,
        key: &'k OwnedKey,
        now: Timestamp,
        text: &mut Vec<u8>,
    ) -> Decision<'k> {
        let start = text.len();
        // Every ID gets the same rejection for an assessment that the class does not have.
        let Some(topic) = self.topic(request.command) else {
            return Decision::Reject(Rejection::UnknownAssessment);
        };
        // The answer to some student is written and overwritten, so that a decoy takes as long.
        if let Some(record) = self.roster.any_record(request.id.as_str()) {
            self.write(record, topic, now, text);
            if let Some(written) = black_box(&mut *text).get_mut(start..) {
                written.fill(b' ');
            }
        }
        self.pad_in_clear(text, start, topic);
        Decision::Decoy(key.into())
    }

    fn credentials<'a>(
        &self,
        id: &'a str,
        token: &'a str,
        record: Option<Record<'a>>,
        replays_max: usize,
    ) -> Credentials<'a> {
        Credentials {
            id,
            key: record.map(Record::key),
            old_key: record.and_then(Record::old_key),
            tries_two: self.roster.has_old_keys(),
            replays_max,
            token,
        }
    }

    /// Appends the reply to a sealed request, or the decoy for one that is not authentic.
    fn reply<'k>(
        &self,
        credentials: &Credentials<'_>,
        record: Option<Record<'k>>,
        verifier: &'k mut RequestVerifier,
        context: &ReplyContext,
        text: &mut Vec<u8>,
    ) -> Decision<'k> {
        match (verifier.verify(credentials, context.time), record) {
            (Verification::Authentic { request, status, with_old_key }, Some(record)) => {
                let (command, status) = self.write_reply(record, &request, status, context, text);
                let key = record.old_key().filter(|_| with_old_key).unwrap_or(record.key());
                Decision::Reply { key, command, status }
            }
            (Verification::Unauthenticated(key), _) => {
                // The text of a replay, so that it takes as long to write.
                let id = credentials.id;
                let request = SealedRequest { audience: "", id, command: "GG", nonce: Nonce(0) };
                let start = text.len();
                let _ = black_box(Command::parse(black_box(request.command)));
                write_reply_head(&request, context, Err(Rejection::Replayed), text);
                pad_reply(text, start, 0);
                Decision::Decoy(key.into())
            }
            // Without a record there is no key that could have made the token.
            (Verification::Authentic { .. }, None) => Decision::Reject(Rejection::Busy),
        }
    }

    /// Appends the text of a reply. Returns the command that the request contained, and the reply's
    /// status. All answers on a topic have one length in an edition; all other replies have the
    /// shortest length.
    fn write_reply(
        &self,
        record: Record<'_>,
        request: &SealedRequest<'_>,
        status: Result<(), Rejection>,
        context: &ReplyContext,
        text: &mut Vec<u8>,
    ) -> (Option<Command<()>>, Result<(), Rejection>) {
        let start = text.len();
        let command = Command::parse(request.command).ok();
        let topic = status.and_then(|()| {
            let command = command.ok_or(Rejection::UnknownCommand)?;
            self.topic(command).ok_or(Rejection::UnknownAssessment)
        });
        let status = topic.map(|_: Topic<'_>| ());
        write_reply_head(request, context, status, text);
        let mut bytes_max = 0;
        if let Ok(topic) = topic {
            let head_bytes = text.len().saturating_sub(start);
            let shorter_id = self.lengths.id.saturating_sub(request.id.len());
            bytes_max = head_bytes + shorter_id + self.bytes_max(topic);
            self.write(record, topic, context.time, text);
        }
        pad_reply(text, start, bytes_max);
        (command.map(|command| command.map(drop)), status)
    }
}
