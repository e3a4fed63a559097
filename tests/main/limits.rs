//! Limits on connections, request rates, descriptors and memory.

use std::io::{ErrorKind, Read, Write};
use std::time::Instant;

use crate::harness::{ADA, ADA_GRADES, Client, Server, server_command};
use rustix::process::Signal;

/// Asks for Ada's grades and opens the answer.
#[track_caller]
fn asks(client: &mut Client) -> String {
    ADA.opens(&client.say(b"2100001 GG\n").reply())
}

#[test]
fn connections_beyond_the_limit_wait_until_one_ends() {
    let server = Server::start("[limits]\nconnections = 3");
    let mut inside: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for client in &mut inside {
        assert_eq!(asks(client), ADA_GRADES);
    }
    let mut waiting = server.connect();
    waiting.say(b"2100001 GG\n");
    // One connection waits in the kernel's queue while the others are served.
    for client in &mut inside {
        assert_eq!(asks(client), ADA_GRADES);
    }
    waiting.socket().set_nonblocking(true).unwrap();
    let early = waiting.socket().read(&mut [0; 1]).map_err(|error| error.kind());
    assert_eq!(early, Err(ErrorKind::WouldBlock), "no answer yet");
    waiting.socket().set_nonblocking(false).unwrap();
    inside.pop().unwrap().finish_sending().remaining_replies();
    assert_eq!(ADA.opens(&waiting.reply()), ADA_GRADES);
    let mut fourth = server.connect();
    waiting.finish_sending().remaining_replies();
    assert_eq!(asks(&mut fourth), ADA_GRADES, "the count recovers");
}

const TOO_MANY_CONNECTIONS: &str =
    "ERR connections too many connections from your network; close one, or try again later";

#[test]
fn many_rejected_connections_at_once_hold_up_nobody() {
    let server = Server::start("[limits]\nconnections_per_source = 1");
    let mut inside = server.connect();
    assert_eq!(asks(&mut inside), ADA_GRADES);
    let mut rejected: Vec<_> = (0..100).map(|_| server.connect()).collect();
    assert_eq!(asks(&mut inside), ADA_GRADES);
    // A few are told why, and the others are closed without a word.
    let mut told = 0;
    for client in &mut rejected {
        let mut line = Vec::new();
        let _ = client.socket().read_to_end(&mut line);
        told += usize::from(line.starts_with(b"ERR connections "));
    }
    assert!(told >= 16, "{told} were told");
}

#[test]
fn connections_beyond_the_limit_per_source_are_closed_until_one_ends() {
    let mut server = Server::start("[limits]\nconnections_per_source = 2");
    for _ in 0..3 {
        let mut inside = [server.connect(), server.connect()];
        for client in &mut inside {
            assert_eq!(asks(client), ADA_GRADES);
        }
        let rejected = server.connect().remaining_replies();
        assert_eq!(rejected, [TOO_MANY_CONNECTIONS]);
        server.prints("Connection from 127.0.0.1 rejected: too many are open.");
        for client in &mut inside {
            assert_eq!(asks(client), ADA_GRADES);
            client.finish_sending().remaining_replies();
        }
        // The listener learns of the end a moment after the client.
        let start = Instant::now();
        while server.answers(b"2100001 GG\n") == [TOO_MANY_CONNECTIONS] {
            assert!(start.elapsed() < crate::harness::TIMEOUT, "the count never recovers");
        }
    }
}

#[test]
fn each_request_beyond_the_rate_limit_gets_an_error_in_its_place() {
    let server = Server::start("[limits]\nrequests_per_second_per_source = 5");
    let replies = server.answers(&b"2100001 GG\nnonsense\n".repeat(10));
    assert_eq!(replies.len(), 20);
    let refused = "ERR too-many too many requests a second; wait before the next";
    let answered = replies.iter().filter(|reply| *reply != refused).count();
    assert!((5..20).contains(&answered), "{answered} were answered, malformed ones included");
    assert_eq!(ADA.opens(&replies[0]), ADA_GRADES);
    assert!(replies[1].starts_with("ERR malformed "));
    assert_eq!(replies[19], refused);
}

#[test]
fn max_connections_is_lowered_to_the_descriptors_available() {
    let (folder, path) = crate::harness::class_folder("[limits]\nconnections = 5000");
    let mut limited = std::process::Command::new("prlimit");
    limited.args(["--nofile=200:200"]).arg(server_command().get_program());
    let server = Server::start_with(folder, limited.arg("--config").arg(path));
    let (mut clients, mut served) = (Vec::new(), 0);
    for _ in 0..136 {
        clients.push(server.connect());
    }
    for client in &mut clients {
        served += usize::from(asks(client) == ADA_GRADES);
    }
    assert_eq!(served, 136, "200 descriptors less 64");
    drop(clients);
    let (code, output) = server.stopped();
    assert_eq!(code, Some(0));
    assert!(
        output.iter().any(|line| line.contains("limits.connections = 5000 is lowered to 136")),
        "{output:?}"
    );
}

#[test]
fn running_out_of_descriptors_pauses_the_listener() {
    let mut server = Server::start("[limits]\nconnections = 500");
    let limit = |files: &str| {
        let set = std::process::Command::new("prlimit")
            .args(["--pid", &server.pid().to_string(), &format!("--nofile={files}:500")])
            .status();
        assert!(set.unwrap().success());
    };
    limit("30");
    let mut clients: Vec<_> = (0..40).map(|_| server.connect()).collect();
    assert_eq!(asks(&mut clients[0]), ADA_GRADES);
    clients[39].say(b"2100001 GG\n");
    server.prints("Cannot accept connections: Too many open files");
    assert_eq!(asks(&mut clients[0]), ADA_GRADES, "those inside are served");
    clients.drain(..35).for_each(|mut client| drop(client.finish_sending().remaining_replies()));
    server.prints("Accepting connections again.");
    assert_eq!(ADA.opens(&clients[4].reply()), ADA_GRADES);
    server.signal(Signal::TERM);
    let (code, output) = server.ended();
    assert_eq!(code, Some(0));
    let complaints = output.iter().filter(|line| line.contains("Too many open files")).count();
    assert!(complaints <= 3, "{complaints} lines about one shortage");
}

#[test]
fn floods_do_not_grow_memory() {
    let server = Server::start("[console]\nstyle = \"log\"");
    let flood = |bytes: &[u8], rounds: usize| {
        for _ in 0..rounds {
            let mut client = server.connect();
            for _ in 0..64 {
                // The server may have closed the connection already.
                if client.socket().write_all(bytes).is_err() {
                    break;
                }
            }
        }
        assert_eq!(server.answers(b"2100001 GG\n").len(), 1);
    };
    flood(&b"2100001 GG\n".repeat(100), 3);
    let before = server.resident_kib();
    flood(&[b'9'; 64 * 1024], 10);
    flood(&[b' '; 64 * 1024], 5);
    flood(&b"2100001 GG\n".repeat(100), 20);
    flood(&b"nonsense\n".repeat(1000), 5);
    let grown = server.resident_kib().saturating_sub(before);
    assert!(grown < 16 * 1024, "grown by {grown} KiB");
}

#[test]
fn an_idle_connection_keeps_only_its_unread_bytes() {
    const CONNECTIONS: u64 = 900;
    let server = Server::start("[console]\nstyle = \"log\"");
    // A whole read of 8 KiB: a request, blanks, and half a request.
    let bytes = [b"2100001 GG\n", &[b' '; 8 * 1024 - 13][..], b"21"].concat();
    assert_eq!(server.answers(&bytes).len(), 1);
    let before = server.resident_kib();
    let mut clients: Vec<_> = (0..CONNECTIONS).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.say(&bytes).reply();
    }
    let each = server.resident_kib().saturating_sub(before) / CONNECTIONS;
    assert!(each < 6, "{each} KiB a connection");
}
