//! Work on two threads.

use std::panic::resume_unwind;
use std::thread::{self, Builder};

/// Runs two functions at once, the second on this thread; one after the other if no thread can be started.
///
/// # Panics
/// Panics if one of the functions does.
pub(super) fn in_two_threads<First: Send, Second>(
    first: impl FnMut() -> First + Send,
    second: impl FnOnce() -> Second,
) -> (First, Second) {
    on_thread(Builder::new().name("class".to_owned()), first, second)
}

fn on_thread<First: Send, Second>(
    thread: Builder,
    mut first: impl FnMut() -> First + Send,
    second: impl FnOnce() -> Second,
) -> (First, Second) {
    let (done, second) = thread::scope(|scope| {
        let thread = thread.spawn_scoped(scope, &mut first);
        let second = second();
        (thread.ok().map(thread::ScopedJoinHandle::join), second)
    });
    match done {
        Some(Ok(first)) => (first, second),
        Some(Err(panic)) => resume_unwind(panic),
        None => (first(), second),
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::thread::current;

    use super::*;

    #[test]
    fn two_functions_run_on_two_threads() {
        let here = current().id();
        let (first, second) = in_two_threads(|| current().id(), || current().id());
        assert!(first != here && second == here);
    }

    #[test]
    fn without_a_second_thread_both_run_on_this_one() {
        let here = current().id();
        // No machine has memory for such a stack.
        let no_thread = Builder::new().stack_size(1 << 60);
        let (first, second) = on_thread(no_thread, || current().id(), || current().id());
        assert!(first == here && second == here);
    }

    #[test]
    fn a_panic_on_the_other_thread_is_one_on_this() {
        let panic = catch_unwind(|| in_two_threads(|| panic!("as is tested"), || 2));
        assert!(panic.is_err());
    }
}
