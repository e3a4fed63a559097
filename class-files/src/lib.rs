//! Reads class files and key files.
//!
//! [`read_class`] reads a class file into a [`Class`](gradebook::Class); [`KeyFile`] reads the
//! students' keys from a file of their own or from a class file. A file is read completely or
//! rejected: an error names the row, the column and the fix, and never repeats a cell, which could be
//! a key in the wrong place.
//!
//! This crate opens no file, knows no edition, and decides nothing about what students may see.

mod columns;
mod csv_guard;
mod error;
mod header;
mod key_file;
mod limits;
mod plain;
mod rows;
#[cfg(test)]
mod testing;

pub use error::{ClassFileError, Column, IdList};
pub use key_file::KeyFile;
pub use limits::ReadLimits;
pub use plain::read_class;
