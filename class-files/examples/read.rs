//! Reads a class file, and prints what it says.
//!
//! Run it with `cargo run --package class-files --example read -- settings/example_class.csv`.

use std::error::Error;
use std::fs::File;
use std::io::{Write, stdout};

use class_files::{ReadLimits, read_class};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name a class file")?;
    let limits = ReadLimits { bytes_max: 1 << 20, rows_max: 1_000 };
    let class = read_class(File::open(&path)?, None, &limits)?;
    let assessments: Vec<_> = class.assessments().collect();
    writeln!(stdout(), "{path}: {} students, {}", class.students(), assessments.join(", "))?;
    for (id, name, marks) in class.rows() {
        writeln!(stdout(), "{id} {name}: {}", marks.collect::<Vec<_>>().join(", "))?;
    }
    Ok(())
}
