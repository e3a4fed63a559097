//! Work on two threads.

use std::thread;

/// Runs two functions at once, the second on this thread. The result of the first is `None` if no thread can be
/// started, or it panics.
pub(super) fn in_two_threads<First: Send, Second>(
    first: impl FnOnce() -> First + Send,
    second: impl FnOnce() -> Second,
) -> (Option<First>, Second) {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("class".to_owned());
        let first = thread.spawn_scoped(scope, first);
        let second = second();
        (first.ok().and_then(|first| first.join().ok()), second)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_on_the_other_thread_is_no_result() {
        assert_eq!(in_two_threads(|| 1, || 2), (Some(1), 2));
        let (first, second) = in_two_threads(|| panic!("as is tested"), || 2);
        assert!(matches!((first, second), (None::<()>, 2)));
    }
}
