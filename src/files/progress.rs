//! A progress bar while a big file is read.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How long a file is read before the bar appears.
const BAR_DELAY: Duration = Duration::from_secs(1);

/// The progress of reading one file.
pub(crate) struct Progress {
    bytes: u64,
    started_at: Instant,
    bar: OnceCell<ProgressBar>,
}

impl Progress {
    /// The progress of reading a file of so many bytes, from now on.
    pub(crate) fn new(bytes: u64) -> Self {
        Self { bytes, started_at: Instant::now(), bar: OnceCell::new() }
    }

    /// Moves the bar. It is drawn on standard error, and only if that is a terminal.
    pub(crate) fn advance(&self, bytes_so_far: u64) {
        if self.started_at.elapsed() >= BAR_DELAY {
            self.bar.get_or_init(|| bar(self.bytes)).set_position(bytes_so_far);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

fn bar(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("reading {bar:40} {bytes}/{total_bytes}, {eta} left");
    // The template is a constant that is valid; the default bar would do as well.
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes).with_style(style)
}
