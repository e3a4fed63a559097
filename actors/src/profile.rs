//! The profile of a server: which requests it answers, with the options of each profile.

use std::net::IpAddr;
use std::time::Duration;

use fernet_batch::{NoRandomness, Timestamp};
use gradebook::UnknownStudent;
use gradebook::sealed::{ReplayLimits, RequestVerifier, VerifierConfig};
use gradebook::wire::Grammar;

/// Which requests a server answers.
#[derive(Clone)]
pub enum Profile {
    /// Requests in clear, as the lab's clients send them.
    Lab(LabProfile),
    /// Sealed requests, which only the asking student can make.
    Sealed(SealedProfile),
}

/// The options of requests in clear.
#[derive(Clone)]
pub struct LabProfile {
    /// The number of digits of an ID in a request without a line end, 1 to 18.
    pub id_digits: u8,
    /// How unknown students are answered.
    pub unknown_student: UnknownStudent,
    /// If set, the answer to a request of the form `ID CMD` is a token, this pause, the key, and the end
    /// of the connection.
    pub reveal_pause: Option<Duration>,
    /// Whether clients may be on other machines.
    pub allow_remote: bool,
}

/// The options of sealed requests.
#[derive(Clone)]
pub struct SealedProfile {
    /// The course and term that requests must name.
    pub audience: String,
    /// The longest time between a request's clock and the server's, in whole seconds.
    pub clock_skew: Duration,
    /// How many requests are remembered.
    pub replays: ReplayLimits,
}

/// Answers the requests of a profile. It belongs to the store, and outlives the store's restarts.
pub enum Responder {
    /// Requests in clear.
    Clear(UnknownStudent),
    /// Sealed requests.
    Sealed(Box<RequestVerifier>),
}

/// What an address would expose to the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// Every key, since keys are sent behind their answers.
    Keys,
    /// Who asks, since requests travel in clear.
    Requests,
}

impl Profile {
    /// The profile's name in settings and records.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Lab(_) => "lab",
            Self::Sealed(_) => "sealed",
        }
    }

    /// Returns true if requests are sealed.
    pub fn is_sealed(&self) -> bool {
        matches!(self, Self::Sealed(_))
    }

    /// Checks whether the server may listen on an address.
    ///
    /// # Errors
    /// Returns what the address would expose, if that is not allowed.
    pub fn check_exposure(&self, address: IpAddr) -> Result<(), Exposure> {
        match self {
            Self::Lab(_) if address.is_loopback() => Ok(()),
            Self::Lab(LabProfile { reveal_pause: Some(_), .. }) => Err(Exposure::Keys),
            Self::Lab(LabProfile { allow_remote: false, .. }) => Err(Exposure::Requests),
            Self::Lab(_) | Self::Sealed(_) => Ok(()),
        }
    }

    /// If set, the answer to a request of the form `ID CMD` is a token, this pause, and the key.
    pub fn reveal_pause(&self) -> Option<Duration> {
        match self {
            Self::Lab(lab) => lab.reveal_pause,
            Self::Sealed(_) => None,
        }
    }

    /// How requests are read, with lines of at most `line_bytes` bytes.
    pub(crate) fn grammar(&self, line_bytes: usize) -> Grammar {
        match self {
            Self::Lab(LabProfile { id_digits, .. }) => {
                Grammar { id_digits: *id_digits, line_bytes, sealed: false }
            }
            // Every sealed request is a line, so no ID ends by its length.
            Self::Sealed(_) => Grammar { id_digits: 1, line_bytes, sealed: true },
        }
    }

    /// Makes the store's part of the profile, in a process that started at a time.
    ///
    /// # Errors
    /// Returns an error if the operating system gives no random bytes.
    pub fn responder(&self, started_at: Timestamp) -> Result<Responder, NoRandomness> {
        Ok(match self {
            Self::Lab(lab) => Responder::Clear(lab.unknown_student.clone()),
            Self::Sealed(SealedProfile { audience, clock_skew, replays }) => {
                let verifier = RequestVerifier::new(VerifierConfig {
                    audience: audience.clone(),
                    skew_seconds: clock_skew.as_secs(),
                    replays: *replays,
                    started_at,
                })?;
                Responder::Sealed(Box::new(verifier))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab(reveal_pause: Option<Duration>, allow_remote: bool) -> Profile {
        let unknown_student = UnknownStudent::Close;
        Profile::Lab(LabProfile { id_digits: 7, unknown_student, reveal_pause, allow_remote })
    }

    fn check(profile: &Profile, address: &str) -> Result<(), Exposure> {
        profile.check_exposure(address.parse().unwrap())
    }

    #[test]
    fn every_profile_may_listen_on_loopback() {
        for profile in [lab(None, false), lab(Some(Duration::ZERO), true)] {
            assert_eq!(check(&profile, "127.0.0.2"), Ok(()));
            assert_eq!(check(&profile, "::1"), Ok(()));
        }
    }

    #[test]
    fn requests_in_clear_are_remote_only_where_allowed_and_keys_never() {
        for address in ["0.0.0.0", "192.0.2.1", "::"] {
            assert_eq!(check(&lab(None, false), address), Err(Exposure::Requests));
            assert_eq!(check(&lab(None, true), address), Ok(()));
            assert_eq!(check(&lab(Some(Duration::ZERO), true), address), Err(Exposure::Keys));
        }
    }
}
