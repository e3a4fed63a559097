//! What was measured, for people and for programs.

use std::io::{Write, stdout};

use serde::Serialize;

use crate::load::{Measured, Percentiles};

#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    measured: &'a Measured,
    checked: usize,
}

/// Prints one load's measurements.
///
/// # Errors
/// When standard output takes no more.
pub(crate) fn measured(measured: &Measured, json: bool) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    let checked = measured.samples.len();
    if json {
        writeln!(out, "{}", serde_json::to_string(&Report { measured, checked })?)?;
        return Ok(());
    }
    let Percentiles { p50, p90, p99, p999, max } = measured.latency_us;
    writeln!(out, "replies        {} ({checked} of them checked)", measured.replies)?;
    writeln!(out, "replies/s      {:.0}", measured.replies_per_second)?;
    writeln!(
        out,
        "latency        {p50} us median, {p90} p90, {p99} p99, {p999} p99.9, {max} longest"
    )?;
    if let Some(cpu) = measured.server_cpu_us_per_reply {
        writeln!(out, "server CPU     {cpu:.3} us a reply")?;
    }
    if let Some(resident) = measured.server_resident_bytes {
        writeln!(out, "server memory  {} KiB", resident / 1024)?;
    }
    Ok(())
}
