//! The limit of open descriptors.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not connections: files, pipes, the runtime's own, and up to 16 rejected
/// connections that get a reason.
const RESERVED: u64 = 56;

/// Descriptors that the runtime of a worker thread takes.
const PER_WORKER: u64 = 8;

/// The number of connections that the limit of open descriptors allows once it is raised, at most
/// `connections`.
pub(super) fn possible_connections(connections: usize, workers: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // The hard limit, or the soft one where that cannot be raised.
    connections_within(maximum.or(current.map(|_| u64::MAX)), connections, workers)
}

/// Raises the limit of open descriptors as far as `connections` need it and the system allows.
/// Returns the number of connections that are possible, at most `connections`.
pub(super) fn raise_nofile_limit(connections: usize, workers: usize) -> usize {
    let wanted =
        u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(reserved_files(workers));
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(soft) = current.filter(|soft| *soft < wanted) else {
        return connections;
    };
    let raised = maximum.map_or(wanted, |hard| hard.min(wanted)).max(soft);
    let set = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum });
    let limit = if set.is_ok() { raised } else { soft };
    connections_within(Some(limit), connections, workers)
}

/// The number of connections that a limit allows, at most `connections` and at least 1.
fn connections_within(limit: Option<u64>, connections: usize, workers: usize) -> usize {
    let Some(limit) = limit else { return connections };
    let possible = limit.saturating_sub(reserved_files(workers));
    connections.min(usize::try_from(possible).unwrap_or(usize::MAX).max(1))
}

fn reserved_files(workers: usize) -> u64 {
    let workers = u64::try_from(workers).unwrap_or(u64::MAX);
    RESERVED.saturating_add(workers.saturating_mul(PER_WORKER))
}
