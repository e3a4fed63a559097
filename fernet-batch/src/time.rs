//! The time that a token carries.

use std::fmt;
use std::time::{Duration, SystemTime};

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The timestamp of a moment; a clock before 1970 reads as 1970.
    pub fn of(moment: SystemTime) -> Self {
        Self(moment.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    /// The minute for people to read, in UTC: `22 Nov 2026, 15:38 UTC`.
    pub fn date(self) -> String {
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let text = self.to_string();
        let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
        let month = part(5..7).parse::<usize>().ok().and_then(|month| MONTHS.get(month - 1));
        let day = part(8..10).trim_start_matches('0');
        format!("{day} {} {}, {} UTC", month.unwrap_or(&""), part(0..4), part(11..16))
    }
}

/// RFC 3339 in UTC: `2026-11-22T15:38:40Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The year 9999 is the last that the format can write.
        const LAST_SECOND: u64 = 253_402_300_799;
        let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(self.0.min(LAST_SECOND));
        humantime::format_rfc3339_seconds(moment).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_up_to_the_last_second_of_the_year_9999() {
        assert_eq!(Timestamp(1_800_000_000).to_string(), "2027-01-15T08:00:00Z");
        assert_eq!(Timestamp(u64::MAX).to_string(), "9999-12-31T23:59:59Z");
        assert_eq!(Timestamp(1_800_000_000).date(), "15 Jan 2027, 08:00 UTC");
        assert_eq!(Timestamp(u64::MAX).date(), "31 Dec 9999, 23:59 UTC");
        assert_eq!(Timestamp(0).date(), "1 Jan 1970, 00:00 UTC");
    }

    #[test]
    fn a_moment_is_the_second_it_falls_in() {
        let moment = SystemTime::UNIX_EPOCH + Duration::from_millis(1_800_000_000_999);
        assert_eq!(Timestamp::of(moment), Timestamp(1_800_000_000));
    }

    #[test]
    fn a_clock_before_1970_reads_as_1970() {
        assert_eq!(Timestamp::of(SystemTime::UNIX_EPOCH - Duration::from_secs(9)), Timestamp(0));
    }
}
