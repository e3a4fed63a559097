//! The stop: complete replies, a time limit, and an immediate end at the second signal.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{ADA, ADA_GRADES, Server, server_command};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

#[test]
fn both_signals_stop_an_idle_server_with_exit_code_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::start("");
        let mut idle = server.connect();
        idle.say(b"2100001 GG\n").reply();
        server.signal(signal);
        assert_eq!(idle.remaining_replies(), Vec::<String>::new());
        drop(idle);
        let (code, output) = server.ended();
        assert_eq!(code, Some(0));
        assert_eq!(output.last().unwrap(), "Stopped.");
    }
}

#[test]
fn requests_sent_before_the_stop_are_answered() {
    let server = Server::start("");
    let mut clients: Vec<_> = (0..5).map(|_| server.connect()).collect();
    for client in &mut clients {
        // A client that has an answer has been accepted.
        client.say(b"2100001 GG\n").reply();
    }
    for client in &mut clients {
        client.say(b"2100001 GG\n".repeat(3_000));
    }
    server.signal(Signal::TERM);
    for mut client in clients {
        let replies = client.remaining_replies();
        assert_eq!(replies.len(), 3_000);
        assert_eq!(ADA.opens(&replies[2_999]), ADA_GRADES);
    }
    assert_eq!(server.ended().0, Some(0));
}

#[test]
fn a_slow_reader_that_keeps_sending_after_the_stop_loses_no_reply() {
    let mut server = Server::start("");
    let mut late = server.connect();
    // More than the client's buffers hold: most replies wait in the server.
    late.say(b"2100001 GG\n".repeat(3_000));
    for _ in 0..3_000 {
        server.prints("Received GG command from client.");
    }
    server.signal(Signal::TERM);
    server.prints("Stopping; 1 connection is open.");
    // The port closes when the sessions start to drain.
    while TcpStream::connect(("127.0.0.1", server.port)).is_ok() {}
    late.say(b"2100001 GG\n");
    let replies = late.remaining_replies();
    assert!(replies.len() >= 3_000, "{} of 3000", replies.len());
    drop(late);
    assert_eq!(server.ended().0, Some(0));
}

#[test]
fn connections_that_arrive_during_the_stop_do_not_delay_it() {
    for _ in 0..10 {
        let mut server = Server::start("[timeouts]\ndrain = \"1h\"");
        let clients: Vec<_> = (0..100).map(|_| server.connect()).collect();
        server.signal(Signal::TERM);
        server.prints("Stopped.");
        assert_eq!(server.ended().0, Some(0));
        drop(clients);
    }
}

/// A client whose replies exceed the buffers of both sides, and that reads nothing.
pub(crate) fn stuck(server: &Server, request: &[u8]) -> crate::harness::Client {
    let mut stuck = server.connect();
    stuck.say(request).reply();
    stuck.socket().set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut timeouts = 0;
    while timeouts < 3 {
        match stuck.socket().write_all(&request.repeat(1000)) {
            Ok(()) => timeouts = 0,
            Err(_) => timeouts += 1,
        }
    }
    stuck
}

#[test]
fn a_client_that_never_reads_is_closed_at_the_drain_limit() {
    let mut server = Server::start("[timeouts]\ndrain = \"500ms\"");
    let stuck = stuck(&server, b"2100001 GG\n");
    server.signal(Signal::TERM);
    server.prints("Stopping; 1 connection is open.");
    let (code, output) = server.ended();
    assert_eq!(code, Some(0));
    assert!(output.contains(&"Stopped; 1 connection was cut off.".to_owned()), "{output:?}");
    drop(stuck);
}

#[test]
fn a_second_signal_stops_the_server_at_once() {
    let mut server = Server::start("[timeouts]\ndrain = \"40s\"\nwrite = \"1h\"");
    let stuck = stuck(&server, b"2100001 GG\n");
    let start = Instant::now();
    server.signal(Signal::TERM);
    server.prints("Stopping; 1 connection is open.");
    server.signal(Signal::TERM);
    assert_eq!(server.ended().0, Some(0));
    assert!(start.elapsed() < Duration::from_secs(20), "and not at the drain limit");
    drop(stuck);
}

#[test]
fn a_killed_server_releases_its_port_at_once() {
    let server = Server::start("");
    let mut open = server.connect();
    open.say(b"2100001 GG\n").reply();
    let port = server.port;
    server.signal(Signal::KILL);
    server.ended();
    let server = Server::start(&format!("[server]\nlisten = \"127.0.0.1:{port}\""));
    assert_eq!(server.port, port);
    assert_eq!(ADA.opens(&server.answers(b"2100001 GG\n")[0]), ADA_GRADES);
}

/// A server on a socket that the test opens, so that the port is known without reading its output.
fn server_with_output(output: impl Into<Stdio>) -> (Child, SocketAddr, TempDir) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let (folder, path) = crate::harness::class_folder("");
    let script = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" --config \"$1\"";
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(server_command().get_program()).arg(path);
    command.stdin(OwnedFd::from(socket)).stdout(output).stderr(Stdio::null());
    (command.spawn().unwrap(), address, folder)
}

/// Checks that the server still answers, and that it stops in time.
fn goes_on(mut child: Child, address: SocketAddr) {
    let mut client = crate::harness::Client::of(TcpStream::connect(address).unwrap());
    for _ in 0..60 {
        client.say(b"2100001 GG\n".repeat(100));
        for _ in 0..100 {
            assert_eq!(ADA.opens(&client.reply()), ADA_GRADES);
        }
    }
    drop(client);
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_unread_standard_output_blocks_neither_the_service_nor_its_stop() {
    let (child, address, _folder) = server_with_output(Stdio::piped());
    goes_on(child, address);
}

#[test]
fn a_closed_standard_output_does_not_stop_the_service() {
    let (mut child, address, _folder) = server_with_output(Stdio::piped());
    drop(child.stdout.take());
    goes_on(child, address);
}

#[test]
fn a_full_disk_under_the_log_does_not_stop_the_service() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (child, address, _folder) = server_with_output(full);
    goes_on(child, address);
}
