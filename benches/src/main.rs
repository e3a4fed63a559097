//! `grade-bench`: puts load on a server and reports what it cost.
//!
//! ```text
//! grade-bench load 127.0.0.1:50000 --class settings/example_class.csv --pid 4711 --depth 16
//! grade-bench compare
//! grade-bench class 1000000
//! ```

#![forbid(unsafe_code)]

mod batches;
mod bounds;
mod check;
mod class;
mod compare;
mod keys;
mod load;
mod peers;
mod print;
mod process;
mod protocol;
mod running;
mod timing;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use check::Class;
use load::Load;
use process::Process;
use protocol::Protocol;

/// Measure the cost of publishing grades.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Put load on a running server.
    Load(LoadArguments),
    /// Start servers, ours and others, and put the same load on each in turn.
    Compare(compare::Options),
    /// Measure memory, fairness, big classes and threads.
    Bounds(bounds::Options),
    /// Measure whether the time of replies reveals who is enrolled.
    Timing(timing::Options),
    /// Write the class file of an invented class.
    Class {
        /// How many students.
        students: u32,
        /// How many assessments.
        #[arg(long, default_value_t = 9)]
        columns: u32,
    },
}

#[derive(Args)]
struct LoadArguments {
    /// The server's address.
    address: SocketAddr,
    /// The class file of the server. Its students ask, and replies are checked with their keys.
    #[arg(long)]
    class: PathBuf,
    /// The protocol. Only replies in the server's own protocols are checked.
    #[arg(long, value_enum, default_value_t = Protocol::Grades)]
    speak: Protocol,
    /// How many connections.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// How many requests each sends before it waits for the replies.
    #[arg(long, default_value_t = 1)]
    depth: usize,
    /// Make a new connection for each request, as the lab's clients do.
    #[arg(long, conflicts_with = "depth")]
    connect_per_request: bool,
    /// Let each request be another student's, instead of one student for each connection.
    #[arg(long)]
    mixed: bool,
    /// The commands, asked in turn.
    #[arg(long, value_delimiter = ',', default_value = "GG")]
    commands: Vec<String>,
    /// How long to ask before measuring.
    #[arg(long, value_parser = humantime::parse_duration, default_value = "500ms")]
    warm_up: Duration,
    /// How long to measure.
    #[arg(long, value_parser = humantime::parse_duration, default_value = "5s")]
    duration: Duration,
    /// Process ID of the server, to report its CPU time and memory.
    #[arg(long)]
    pid: Option<u32>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Load(arguments) => put_load(arguments),
        Task::Compare(options) => compare::run(&options),
        Task::Bounds(options) => bounds::run(&options),
        Task::Timing(options) => timing::run(&options),
        Task::Class { students, columns } => {
            class::write(io::stdout().lock(), students, columns)?;
            Ok(())
        }
    }
}

fn put_load(arguments: LoadArguments) -> anyhow::Result<()> {
    let class = Class::read(&arguments.class)?;
    let measured = load::run(Load {
        address: arguments.address,
        protocol: arguments.speak,
        tls: None,
        connections: arguments.connections,
        depth: arguments.depth,
        connect_per_request: arguments.connect_per_request,
        ids: class.ids().to_vec(),
        keys: class.keys().clone(),
        mixed: arguments.mixed,
        commands: arguments.commands,
        warm_up: arguments.warm_up,
        duration: arguments.duration,
        server: arguments.pid.map(Process),
    })?;
    if arguments.speak != Protocol::Redis {
        class.check(arguments.speak, &measured.samples)?;
    }
    print::measured(&measured, arguments.json)
}
