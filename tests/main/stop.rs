//! The end of the service: orderly, within its time, and at once when asked twice.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{ADA, ADA_GRADES, Server, server_command};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

#[test]
fn both_signals_end_an_idle_server_with_code_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let server = Server::start("");
        let mut idle = server.connect();
        idle.say(b"2100001 GG\n").hears();
        server.signal(signal);
        assert_eq!(idle.hears_the_rest(), Vec::<String>::new());
        drop(idle);
        let (code, output) = server.ended();
        assert_eq!(code, Some(0));
        assert_eq!(output.last().unwrap(), "Stopped.");
    }
}

#[test]
fn what_has_been_asked_before_the_end_is_answered() {
    let server = Server::start("");
    let mut clients: Vec<_> = (0..5).map(|_| server.connect()).collect();
    for client in &mut clients {
        // Once answered, a client is surely accepted, and not only waiting to be.
        client.say(b"2100001 GG\n").hears();
    }
    for client in &mut clients {
        client.say(b"2100001 GG\n".repeat(3_000));
    }
    server.signal(Signal::TERM);
    for mut client in clients {
        let replies = client.hears_the_rest();
        assert_eq!(replies.len(), 3_000);
        assert_eq!(ADA.opens(&replies[2_999]), ADA_GRADES);
    }
    assert_eq!(server.ended().0, Some(0));
}

#[test]
fn a_late_reader_that_goes_on_asking_after_the_end_loses_nothing() {
    let mut server = Server::start("");
    let mut late = server.connect();
    // More than the client's side takes without reading: most replies wait on the server's side.
    late.say(b"2100001 GG\n".repeat(3_000));
    for _ in 0..3_000 {
        server.says("Received GG command from client.");
    }
    server.signal(Signal::TERM);
    server.says("Stopping; 1 connection is open.");
    // The port is closed together with the sessions being told.
    while TcpStream::connect(("127.0.0.1", server.port)).is_ok() {}
    late.say(b"2100001 GG\n");
    let replies = late.hears_the_rest();
    assert!(replies.len() >= 3_000, "{} of 3000", replies.len());
    drop(late);
    assert_eq!(server.ended().0, Some(0));
}

#[test]
fn connections_that_arrive_with_the_end_do_not_delay_it() {
    for _ in 0..10 {
        let mut server = Server::start("[timeouts]\ndrain = \"1h\"");
        let clients: Vec<_> = (0..100).map(|_| server.connect()).collect();
        server.signal(Signal::TERM);
        server.says("Stopped.");
        assert_eq!(server.ended().0, Some(0));
        drop(clients);
    }
}

/// A client that has asked for more than both sides' buffers hold, and reads nothing.
fn stuck(server: &Server) -> crate::harness::Client {
    let mut stuck = server.connect();
    stuck.say(b"2100001 GG\n").hears();
    stuck.socket().set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut timeouts = 0;
    while timeouts < 3 {
        match stuck.socket().write_all(&b"2100001 GG\n".repeat(1000)) {
            Ok(()) => timeouts = 0,
            Err(_) => timeouts += 1,
        }
    }
    stuck
}

#[test]
fn a_client_that_never_reads_is_cut_off_at_the_drain_limit() {
    let mut server = Server::start("[timeouts]\ndrain = \"500ms\"");
    let stuck = stuck(&server);
    server.signal(Signal::TERM);
    server.says("Stopping; 1 connection is open.");
    let (code, output) = server.ended();
    assert_eq!(code, Some(0));
    assert!(output.contains(&"Stopped; 1 connection was cut off.".to_owned()), "{output:?}");
    drop(stuck);
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut server = Server::start("[timeouts]\ndrain = \"40s\"\nwrite = \"1h\"");
    let stuck = stuck(&server);
    let start = Instant::now();
    server.signal(Signal::TERM);
    server.says("Stopping; 1 connection is open.");
    server.signal(Signal::TERM);
    assert_eq!(server.ended().0, Some(0));
    assert!(start.elapsed() < Duration::from_secs(20), "and not at the drain limit");
    drop(stuck);
}

#[test]
fn a_killed_server_s_port_is_free_for_the_next_at_once() {
    let server = Server::start("");
    let mut open = server.connect();
    open.say(b"2100001 GG\n").hears();
    let port = server.port;
    server.signal(Signal::KILL);
    server.ended();
    let server = Server::start(&format!("[server]\nlisten = \"127.0.0.1:{port}\""));
    assert_eq!(server.port, port);
    assert_eq!(ADA.opens(&server.answers(b"2100001 GG\n")[0]), ADA_GRADES);
}

/// A server on a socket of ours, so that its output need not be read to know the port.
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

/// The server goes on serving, and ends in time when it is told to.
fn goes_on(mut child: Child, address: SocketAddr) {
    let mut client = crate::harness::Client::of(TcpStream::connect(address).unwrap());
    for _ in 0..60 {
        client.say(b"2100001 GG\n".repeat(100));
        for _ in 0..100 {
            assert_eq!(ADA.opens(&client.hears()), ADA_GRADES);
        }
    }
    drop(client);
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_standard_output_that_nobody_reads_does_not_stop_the_service_nor_its_end() {
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
