//! Asking again every few minutes, and showing what changed.

use std::io::{self, Write};
use std::time::Duration;

use super::connection::ask;
use super::display::{Style, show};
use super::endpoint::Endpoint;
use super::error::ClientError;
use super::marks::{Mark, marks};
use super::reply::Answer;
use super::request::ClientRequest;
use crate::redact::escape;

/// The range of the time between two requests.
pub(super) const EVERY_MIN: Duration = Duration::from_secs(1);
pub(super) const EVERY_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// A request that is repeated.
pub(super) struct Watch<'a> {
    /// The server.
    pub(super) endpoint: &'a Endpoint,
    /// How to show answers.
    pub(super) style: Style,
    /// How long to wait between two requests, give or take a fifth.
    pub(super) every: Duration,
}

/// Why a watch ends.
#[derive(Debug, thiserror::Error)]
pub(super) enum WatchError {
    /// The answers cannot be written.
    #[error(transparent)]
    Output(#[from] io::Error),
    /// There will be no answer.
    #[error(transparent)]
    NoAnswer(ClientError),
}

impl Watch<'_> {
    /// Asks until there can be no answer, or answers cannot be written. Other errors are passed to
    /// `complain`. `request` makes each request anew.
    ///
    /// # Errors
    /// Always returns why it ended.
    pub(super) fn run(
        &self,
        mut request: impl FnMut() -> Result<ClientRequest, ClientError>,
        out: &mut impl Write,
        mut complain: impl FnMut(&ClientError),
    ) -> Result<std::convert::Infallible, WatchError> {
        let mut last: Option<Answer> = None;
        loop {
            let answered = request().and_then(|request| {
                let answer = ask(self.endpoint, &request)?;
                Ok((request, answer))
            });
            match answered {
                Ok((request, answer)) => {
                    match &last {
                        None => show(out, self.style, &request, &answer)?,
                        Some(last) => self.show_change(out, &request, last, &answer)?,
                    }
                    out.flush()?;
                    last = Some(answer);
                }
                Err(error) if error.is_temporary() => complain(&error),
                Err(error) => return Err(WatchError::NoAnswer(error)),
            }
            std::thread::sleep(with_jitter(self.every));
        }
    }

    /// Shows what differs between two answers, if anything.
    fn show_change(
        &self,
        out: &mut impl Write,
        request: &ClientRequest,
        last: &Answer,
        answer: &Answer,
    ) -> io::Result<()> {
        let changes = match (marks(request, last), marks(request, answer)) {
            (Some(before), Some(now)) => changes(&before, &now),
            _ if last.text == answer.text => Vec::new(),
            _ => vec![answer.text.clone()],
        };
        match self.style {
            _ if changes.is_empty() => Ok(()),
            Style::Json => show(out, self.style, request, answer),
            _ => {
                for change in changes {
                    writeln!(out, "{}  {}", answer.time, escape(&change))?;
                }
                Ok(())
            }
        }
    }
}

/// What is new, changed or gone.
fn changes(before: &[Mark], now: &[Mark]) -> Vec<String> {
    let mark_in = |marks: &[Mark], assessment: &str| {
        marks.iter().find(|mark| mark.assessment == assessment).map(|mark| mark.mark.clone())
    };
    let named = |mark: &str| if mark.is_empty() { "blank".to_owned() } else { mark.to_owned() };
    let mut changes = Vec::new();
    for Mark { assessment, mark } in now {
        match mark_in(before, assessment) {
            None => changes.push(format!("{assessment}: {} (new)", named(mark))),
            Some(old) if old != *mark => {
                changes.push(format!("{assessment}: {} -> {}", named(&old), named(mark)));
            }
            Some(_) => {}
        }
    }
    for Mark { assessment, .. } in before {
        if mark_in(now, assessment).is_none() {
            changes.push(format!("{assessment}: no longer listed"));
        }
    }
    changes
}

/// A duration, give or take a fifth at random, so that a class does not ask all at once.
fn with_jitter(duration: Duration) -> Duration {
    const STEPS: u32 = 1000;
    let random = getrandom::u32().map_or(STEPS / 2, |random| random % STEPS);
    // From 800 to 1200 thousandths.
    duration.mul_f64(f64::from(800 * STEPS + 400 * random) / f64::from(1000 * STEPS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(list: &[(&str, &str)]) -> Vec<Mark> {
        let mark = |(assessment, mark): &(&str, &str)| Mark {
            assessment: (*assessment).into(),
            mark: (*mark).into(),
        };
        list.iter().map(mark).collect()
    }

    #[test]
    fn new_changed_and_missing_marks_are_named() {
        let before = marks(&[("Lab 1", "7"), ("Lab 2", ""), ("Lab 3", "5"), ("Quiz", "1")]);
        let now = marks(&[("Lab 1", "7"), ("Lab 2", "9"), ("Lab 3", ""), ("Exam", "4")]);
        assert_eq!(
            changes(&before, &now),
            ["Lab 2: blank -> 9", "Lab 3: 5 -> blank", "Exam: 4 (new)", "Quiz: no longer listed"]
        );
        assert!(changes(&now, &now).is_empty());
    }

    #[test]
    fn the_wait_differs_by_a_fifth_at_most() {
        let waits: Vec<_> = (0..200).map(|_| with_jitter(Duration::from_secs(100))).collect();
        assert!(waits.iter().all(|wait| (80.0..120.0).contains(&wait.as_secs_f64())));
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}
