//! A bar on the terminal while a big class file is read.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How long a file is read before there is a bar: nobody looks at one that is gone at once.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far the reading of one file is.
pub(crate) struct Progress {
    bytes: u64,
    began: Instant,
    bar: OnceCell<ProgressBar>,
}

impl Progress {
    /// The progress of reading a file of so many bytes, from now on.
    pub(crate) fn of(bytes: u64) -> Self {
        Self { bytes, began: Instant::now(), bar: OnceCell::new() }
    }

    /// Tells that more bytes have been read. The bar goes to standard error, and only if that is a
    /// terminal.
    pub(crate) fn advance(&self, bytes_so_far: u64) {
        if self.began.elapsed() >= PATIENCE {
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
    // The template is ours and right; a bar without it would do as well.
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes).with_style(style)
}
