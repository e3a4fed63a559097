//! The end of the service: orderly, within its time, and at once when asked twice.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::time::{Duration, Instant};

use common::{ADA, ADA_GRADES, Server, server_command};
use rustix::process::Signal;

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
    let mut clients: Vec<_> = (0..20).map(|_| server.connect()).collect();
    for client in &mut clients {
        // Once answered, a client is surely accepted, and not only waiting to be.
        client.say(b"2100001 GG\n").hears();
    }
    for client in &mut clients {
        client.say(b"2100001 GG\n".repeat(300));
    }
    server.signal(Signal::TERM);
    for mut client in clients {
        let replies = client.hears_the_rest();
        assert_eq!(replies.len(), 300);
        assert_eq!(ADA.opens(&replies[299]), ADA_GRADES);
    }
    assert_eq!(server.ended().0, Some(0));
}

#[test]
fn a_client_that_never_reads_is_cut_off_at_the_drain_limit() {
    use std::io::Write;
    let mut server = Server::start("[timeouts]\ndrain = \"500ms\"");
    let mut stuck = server.connect();
    stuck.say(b"2100001 GG\n").hears();
    // Until neither side's buffers take any more.
    stuck.socket().set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    while stuck.socket().write_all(&b"2100001 GG\n".repeat(1000)).is_ok() {}
    server.signal(Signal::TERM);
    server.says("Stopping; 1 connections are open.");
    let (code, output) = server.ended();
    assert_eq!(code, Some(0));
    assert!(output.contains(&"Stopped; 1 connections were cut off.".to_owned()), "{output:?}");
    drop(stuck);
}

#[test]
fn a_second_signal_ends_at_once() {
    let mut server = Server::start("[timeouts]\ndrain = \"1h\"\nlinger = \"1h\"");
    let mut client = server.connect();
    client.say(b"2100001 GG\n").hears();
    let start = Instant::now();
    server.signal(Signal::TERM);
    server.says("Stopping; 1 connections are open.");
    server.signal(Signal::TERM);
    assert_eq!(server.ended().0, Some(0));
    assert!(start.elapsed() < Duration::from_secs(20), "and not after an hour");
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

#[test]
fn a_closed_standard_output_does_not_stop_the_service() {
    let (folder, path) = common::class_folder("");
    let script = "exec 3>&1; \"$0\" --config \"$1\" 2>&1 | { read a; while read l; do \
                  echo \"$l\" >&3; case $l in Listening*) exit;; esac; done; }";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script]).arg(server_command().get_program()).arg(path);
    let server = Server::start_with(folder, &mut command);
    for _ in 0..50 {
        assert_eq!(ADA.opens(&server.answers(b"2100001 GG\n")[0]), ADA_GRADES);
    }
    // The shell waits for the server, which has no other parent to end it.
    let children = format!("/proc/{0}/task/{0}/children", server.pid());
    let child = std::fs::read_to_string(children).unwrap();
    for pid in child.split_whitespace() {
        std::process::Command::new("kill").arg(pid).status().unwrap();
    }
    server.ended();
}
