//! The memory of both programs, which holds keys, is closed to other processes of the same user.

use std::cell::OnceCell;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::{ADA, Server, TIMEOUT, class_folder, eventually};

/// An unprivileged user, as which the tests run the programs if root runs the tests.
const NOBODY: u32 = 65_534;

/// A copy of a program in the folder, run as an unprivileged user.
fn unprivileged(program: &str, folder: &Path) -> Command {
    let copy = folder.join("program");
    std::fs::copy(program, &copy).unwrap();
    std::fs::set_permissions(&copy, PermissionsExt::from_mode(0o755)).unwrap();
    let mut command = Command::new(copy);
    if rustix::process::geteuid().is_root() {
        for entry in std::fs::read_dir(folder).unwrap() {
            chown(entry.unwrap().path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// The memory belongs to root if and only if the user's other processes may not read it (proc(5)).
#[track_caller]
fn assert_memory_is_closed(pid: u32) {
    let status = Path::new("/proc").join(pid.to_string());
    assert_eq!(std::fs::metadata(status.join("mem")).unwrap().uid(), 0);
    let limits = std::fs::read_to_string(status.join("limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"]);
}

#[test]
fn no_process_of_the_same_user_can_read_the_keys_of_the_server() {
    let (folder, path) = class_folder("");
    let mut command = unprivileged(env!("CARGO_BIN_EXE_grade-actor-server"), folder.path());
    let server = Server::start_with(folder, command.arg("--config").arg(path));
    assert_memory_is_closed(server.pid());
}

#[test]
fn no_process_of_the_same_user_can_read_the_key_of_the_client() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let accepted = OnceCell::new();
    let (folder, _) = class_folder("");
    let mut command = unprivileged(env!("CARGO_BIN_EXE_grade-client"), folder.path());
    command.args(["--server", &listener.local_addr().unwrap().to_string(), "--id", ADA.0, "GG"]);
    let mut client = command.env("GRADE_KEY", ADA.1).spawn().unwrap();
    listener.set_nonblocking(true).unwrap();
    eventually("the client connects", || {
        listener.accept().is_ok_and(|(socket, _)| accepted.set(socket).is_ok())
    });
    // The request has come, and the client waits for the reply.
    let mut socket = accepted.into_inner().unwrap();
    socket.set_nonblocking(false).unwrap();
    socket.set_read_timeout(Some(TIMEOUT)).unwrap();
    assert!(socket.read(&mut [0; 64]).unwrap() > 0);
    assert_memory_is_closed(client.id());
    client.kill().unwrap();
    client.wait().unwrap();
}
