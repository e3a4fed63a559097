//! Classes of any size whose students do not exist.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Context as _;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use fernet_batch::Key;

const FIRST_NAMES: [&str; 8] =
    ["Aldra", "Benik", "Corvia", "Dorin", "Elsbet", "Fenno", "Gisla", "Harl"];
const LAST_NAMES: [&str; 8] =
    ["Quillon", "Rosmund", "Sarkady", "Tollmer", "Ulvane", "Verrick", "Wexley", "Yarrow"];

/// The ID of the `n`-th invented student.
pub(crate) fn id(n: u32) -> u32 {
    2_000_000 + n
}

/// Writes the class file of `students` with `columns` assessments, the same every time.
pub(crate) fn write(out: impl Write, students: u32, columns: u32) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, out);
    let mut random = ChaCha20Rng::from_seed([1; 32]);
    write!(out, "Name,ID Number,Key")?;
    for column in 1..=columns {
        match column {
            1..=4 => write!(out, ",Lab {column}")?,
            5 => write!(out, ",Midterm")?,
            _ => write!(out, ",Exam {}", column - 5)?,
        }
    }
    writeln!(out)?;
    for n in 0..students {
        let mut key = [0; 32];
        random.fill_bytes(&mut key);
        let word = random.next_u32();
        let name = |names: &[&'static str; 8], word: u32| {
            names
                .iter()
                .copied()
                .cycle()
                .nth((word & 7).try_into().unwrap_or(0))
                .unwrap_or_default()
        };
        let first = name(&FIRST_NAMES, word);
        let last = name(&LAST_NAMES, word >> 3);
        write!(out, "{first} {last},{},{}", id(n), URL_SAFE.encode(key))?;
        for _ in 0..columns {
            // Mostly whole marks, some halves, a few blanks.
            match random.next_u32() % 64 {
                0 => write!(out, ",")?,
                1..=9 => write!(out, ",{}.5", random.next_u32() % 100)?,
                _ => write!(out, ",{}", random.next_u32() % 101)?,
            }
        }
        writeln!(out)?;
    }
    out.flush()
}

/// Gives the last student of a class file an old key.
///
/// # Errors
/// Returns an error if the file cannot be read or written.
pub(crate) fn add_old_key(path: &Path) -> io::Result<()> {
    let text = fs::read_to_string(path)?;
    let (others, last) = text.trim_end().rsplit_once('\n').unwrap_or(("", &text));
    let old_key = URL_SAFE.encode([7; 32]);
    let mut cells: Vec<_> = last.split(',').map(str::to_owned).collect();
    if let Some(key) = cells.get_mut(KEY_COLUMN) {
        *key = format!("{key};{old_key}");
    }
    fs::write(path, format!("{others}\n{}\n", cells.join(",")))
}

/// The key of the first student.
pub(crate) fn key(path: &Path) -> anyhow::Result<Key> {
    let text = fs::read_to_string(path)?;
    let row = text.lines().nth(1).and_then(|row| row.split(',').nth(KEY_COLUMN));
    let key = row.and_then(|key| Key::parse(key.as_bytes()).ok());
    key.context("the first student has no key")
}

/// The column of the keys, counted from 0.
const KEY_COLUMN: usize = 2;
