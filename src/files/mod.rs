//! Files: class files and key files are read whole while nobody writes them; files that hold keys or
//! marks are written whole, for their owner alone.

pub mod certificate;
mod class_source;
mod hashing_reader;
pub mod load;
mod sources;
pub mod state;

pub(crate) mod private_file;
pub(crate) mod progress;
pub(crate) mod regular;

pub use regular::FileState;
