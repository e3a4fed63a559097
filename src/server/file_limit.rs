//! The limit of open descriptors.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not connections: files, pipes, the runtime's own, and up to 16 rejected
/// connections that are told why.
const RESERVED: u64 = 56;

/// Descriptors that the runtime of a worker thread takes.
const PER_WORKER: u64 = 8;

/// Raises the limit of open descriptors as far as `connections` need it and the system allows.
/// Returns the number of connections that are possible, at most `connections`.
pub(super) fn raise_nofile_limit(connections: usize, workers: usize) -> usize {
    let workers = u64::try_from(workers).unwrap_or(u64::MAX);
    let reserved = RESERVED.saturating_add(workers.saturating_mul(PER_WORKER));
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(reserved);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(soft) = current.filter(|soft| *soft < wanted) else {
        return connections;
    };
    let raised = maximum.map_or(wanted, |hard| hard.min(wanted)).max(soft);
    let set = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum });
    let limit = if set.is_ok() { raised } else { soft };
    let possible = usize::try_from(limit.saturating_sub(reserved)).unwrap_or(usize::MAX);
    connections.min(possible.max(1))
}
