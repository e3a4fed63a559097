//! Printing lines from a thread of its own, through a queue.
//!
//! So a terminal that is stopped delays no answer, nor the end of the program. The queue is bounded in
//! bytes; lines beyond it are dropped.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// The most bytes that wait to be printed.
const WAITING_BYTES_MAX: usize = 1 << 20;

/// A queue of lines, shared by its clones.
#[derive(Clone)]
pub(super) struct Printer {
    lines: Sender<Message>,
    waiting_bytes: Arc<AtomicUsize>,
}

enum Message {
    Print(Vec<u8>),
    /// Report that everything before this is printed.
    Flush(std::sync::mpsc::SyncSender<()>),
}

impl Printer {
    /// A printer that writes to `out`.
    pub(super) fn open(out: impl Write + Send + 'static) -> Self {
        let (lines, queue) = channel();
        let waiting_bytes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&waiting_bytes);
        std::thread::spawn(move || print_all(out, &queue, &counted));
        Self { lines, waiting_bytes }
    }

    /// Queues a text, or drops it if too much waits already.
    pub(super) fn print(&self, text: &[u8]) {
        if text.is_empty() {
            return;
        }
        let waiting = self.waiting_bytes.fetch_add(cost(text), Ordering::Relaxed);
        // Where nothing waits, a text of any length is queued: a class file is long.
        let too_much = waiting > 0 && waiting.saturating_add(cost(text)) > WAITING_BYTES_MAX;
        if too_much || self.lines.send(Message::Print(text.to_vec())).is_err() {
            self.waiting_bytes.fetch_sub(cost(text), Ordering::Relaxed);
        }
    }

    /// Waits until everything that is queued now is printed, for this long at most.
    pub(super) fn flush(&self, timeout: Duration) {
        let (done, wait) = sync_channel(1);
        if self.lines.send(Message::Flush(done)).is_ok() {
            // Whoever does not read by then has read enough.
            let _ = wait.recv_timeout(timeout);
        }
    }
}

/// What a queued text costs: its bytes, and its slot in the queue.
fn cost(text: &[u8]) -> usize {
    const SLOT_BYTES: usize = 64;
    text.len().saturating_add(SLOT_BYTES)
}

fn print_all(mut out: impl Write, queue: &Receiver<Message>, waiting_bytes: &AtomicUsize) {
    for message in queue {
        match message {
            Message::Print(text) => {
                // The service continues without a terminal and with a full disk.
                let _ = out.write_all(&text).and_then(|()| out.flush());
                waiting_bytes.fetch_sub(cost(&text), Ordering::Relaxed);
            }
            Message::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
}

/// The log writes one event at a time.
impl Write for Printer {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.print(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Printer {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::SyncSender;

    use super::*;

    /// Accepts nothing until it may, and reports the length of what it accepts.
    struct Stuck(Receiver<()>, SyncSender<usize>);

    impl Write for Stuck {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            let _ = self.1.send(text.len());
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stopped_terminal_delays_no_thread_and_uses_bounded_memory() {
        let (go, wait) = channel();
        let (taken, seen) = sync_channel(10_000);
        let printer = Printer::open(Stuck(wait, taken));
        for _ in 0..5_000 {
            printer.print(&[b'x'; 1000]);
        }
        printer.flush(Duration::from_millis(1));
        drop(go);
        printer.flush(Duration::from_secs(20));
        let printed: usize = seen.try_iter().sum();
        assert_eq!(printed, WAITING_BYTES_MAX / 1064 * 1000);
        let long = vec![b'y'; 2 * WAITING_BYTES_MAX];
        printer.print(&long);
        printer.flush(Duration::from_secs(20));
        assert_eq!(seen.try_iter().sum::<usize>(), long.len(), "there is room again");
    }
}
