//! The limits of sessions and connections: ranges, and what the profile needs.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use grade_actors::{ConnectionLimits, Profile, RequestRate, SessionLimits, Timeouts};
use gradebook::BatchLimits;

use super::layers::SettingsError;
use super::raw::{RawLimits, RawTimeouts};
use super::validate::Validator;

/// How long the server reads after it has closed its own side of a connection.
const LINGER: Duration = Duration::from_secs(2);
/// A sealed request is an ID of at most 64 bytes, a blank, and a token of 420 bytes.
const SEALED_LINE_BYTES_MIN: u64 = 512;

impl Validator<'_> {
    pub(super) fn session_limits(
        &self,
        limits: &RawLimits,
        timeouts: &RawTimeouts,
        profile: &Profile,
    ) -> Result<SessionLimits, SettingsError> {
        let line_bytes = limits.line_bytes.as_u64();
        let line_bytes_min = if profile.is_sealed() { SEALED_LINE_BYTES_MIN } else { 32 };
        let output_bytes = limits.output_bytes.as_u64();
        let rate: u32 = self.layers.number(
            "limits.requests_per_second_per_source",
            limits.requests_per_second_per_source,
            0,
            u64::from(u32::MAX),
        )?;
        for (key, duration) in [
            ("timeouts.request", timeouts.request),
            ("timeouts.idle", timeouts.idle),
            ("timeouts.write", timeouts.write),
            ("timeouts.drain", timeouts.drain),
        ] {
            self.layers.check_duration(key, duration)?;
        }
        Ok(SessionLimits {
            line_bytes: self.layers.number(
                "limits.line_bytes",
                line_bytes,
                line_bytes_min,
                65_536,
            )?,
            batch: BatchLimits {
                requests: self.layers.number(
                    "limits.batch_requests",
                    limits.batch_requests,
                    1,
                    4096,
                )?,
                output_bytes: self.layers.number(
                    "limits.output_bytes",
                    output_bytes,
                    4096,
                    u64::from(u32::MAX),
                )?,
            },
            timeouts: Timeouts {
                request: timeouts.request,
                idle: timeouts.idle,
                write: timeouts.write,
                linger: LINGER,
            },
            rate: NonZeroU32::new(rate).map(|rate| Arc::new(RequestRate::per_second(rate))),
        })
    }

    pub(super) fn connections(
        &self,
        limits: &RawLimits,
    ) -> Result<ConnectionLimits, SettingsError> {
        let per_source = limits.connections_per_source;
        Ok(ConnectionLimits {
            total: self.layers.number("limits.connections", limits.connections, 1, 1_000_000)?,
            per_source: self.layers.number(
                "limits.connections_per_source",
                per_source,
                1,
                1_000_000,
            )?,
        })
    }
}
