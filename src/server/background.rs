//! Work that takes long, such as reading a class, on a thread that gives way to the sessions' threads.

use rustix::process::setpriority_process;
use tokio::sync::oneshot;

/// How nice the thread is, from 0 (as urgent as the sessions) to 19: it gets a tenth of a processor that
/// sessions keep busy, and all of one that is idle.
const NICENESS: i32 = 10;

/// Runs work in the background. Returns `None` if it panics, or no thread can be started.
pub(super) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (done, result) = oneshot::channel();
    let thread = std::thread::Builder::new().name("background".to_owned());
    let run = move || {
        // On Linux the priority is the calling thread's own. Without it, the work is done all the same.
        let _ = setpriority_process(None, NICENESS);
        // Nobody waits any longer if the server ends.
        let _ = done.send(work());
    };
    drop(thread.spawn(run).ok()?);
    result.await.ok()
}
