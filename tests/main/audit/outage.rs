//! The audit while the disk is full or blocks: no request is answered that is not recorded.

use super::*;

#[test]
fn requests_fail_while_the_disk_is_full_and_succeed_afterwards() {
    let (folder, path) = class_folder(AUDIT);
    let manager = UnixDatagram::bind(folder.path().join("notify")).unwrap();
    manager.set_read_timeout(Some(TIMEOUT)).unwrap();
    let mut command = server_command();
    command.env("NOTIFY_SOCKET", folder.path().join("notify")).arg("--config").arg(path);
    let mut server = Server::start_with(folder, &mut command);
    let notified = || {
        let mut buffer = [0; 256];
        let bytes = manager.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..bytes].to_vec()).unwrap()
    };
    assert_eq!(notified().trim_end(), "READY=1");
    let mut client = server.connect();
    assert_eq!(ADA.opens(&client.say("2100001 GG\n").reply()), ADA_GRADES);
    // Less than half of the next record fits.
    let file = audit_file(&server);
    server.limit_files(Some(file.metadata().unwrap().len() + 100));
    for line in ["2100001 GG\n", "2100001 GG\n2100002 GG\n", "9999999 GG\n", "hello\n"] {
        client.say(line);
        (0..line.lines().count()).for_each(|_| assert_eq!(client.reply(), BUSY));
    }
    server.prints("Refusing requests: cannot write the audit log: File too large");
    assert!(notified().contains("STATUS=refusing requests: cannot write the audit log"));
    server.limit_files(None);
    server.prints("Writing the audit log again, and answering requests; 5 requests were refused.");
    assert_eq!(notified().trim_end(), "STATUS=serving");
    assert_eq!(ADA.opens(&client.say("2100001 GG\n").reply()), ADA_GRADES);
    is_sound(&[&file]);
    let records = records(&file);
    let resumed = records.iter().find(|record| record["event"] == "resumed").unwrap();
    assert_eq!(resumed["refused_requests"], 5);
    assert_eq!(events(&file), ["start", "request", "resumed", "request"]);
}

#[test]
fn a_stop_while_the_disk_is_full_leaves_no_false_record() {
    for signal in [Signal::TERM, Signal::KILL] {
        let mut server = Server::start(AUDIT);
        let file = audit_file(&server);
        server.answers(b"2100001 GG\n");
        // One record of three fits.
        server.limit_files(Some(file.metadata().unwrap().len() + 500));
        assert_eq!(server.answers(b"2100001 GG\n2100001 GG\n2100001 GG\n"), [BUSY; 3]);
        server.prints("Refusing requests");
        let folder = server.end_with(signal);
        let server = restarted(folder);
        let file = audit_file(&server);
        is_sound(&[&file]);
        assert_eq!(requests(&file).len(), 1, "{signal:?}: only what was answered");
    }
}

#[test]
fn the_audit_recovers_under_continuous_requests() {
    let mut server = Server::start(AUDIT);
    let file = audit_file(&server);
    server.answers(b"2100001 GG\n");
    server.limit_files(Some(file.metadata().unwrap().len()));
    let port = server.port;
    let asks = move || {
        let mut client = Client::of(TcpStream::connect(("127.0.0.1", port)).unwrap());
        while client.say("2100001 GG\n").reply() == BUSY {}
    };
    let asking: Vec<_> = (0..8).map(|_| std::thread::spawn(asks)).collect();
    server.prints("Refusing requests");
    server.limit_files(None);
    asking.into_iter().for_each(|client| client.join().unwrap());
    is_sound(&[&file]);
    let resumed = events(&file).iter().filter(|event| *event == "resumed").count();
    assert!((1..=2).contains(&resumed), "{resumed} records of one failure");
}

#[test]
fn rotating_the_file_while_the_disk_is_full_keeps_the_chain_intact() {
    let mut server = Server::start(AUDIT);
    let (file, moved) = (audit_file(&server), server.folder.path().join("audit.1"));
    server.answers(&b"2100001 GG\n".repeat(10));
    server.limit_files(Some(file.metadata().unwrap().len() + 100));
    assert_eq!(server.answers(b"2100001 GG\n"), [BUSY]);
    std::fs::rename(&file, &moved).unwrap();
    server.signal(Signal::USR1);
    // The new file has room.
    server.prints("Writing the audit log again, and answering requests");
    assert_eq!(ADA.opens(&server.answers(b"2100001 GG\n")[0]), ADA_GRADES);
    is_sound(&[&moved, &file]);
    assert_eq!(events(&file), ["continues", "resumed", "request"]);
    let folder = server.end_with(Signal::KILL);
    let server = restarted(folder);
    is_sound(&[&moved, &file]);
    drop(server);
}

#[test]
fn requests_fail_while_the_disk_hangs_and_succeed_afterwards() {
    let (folder, path) = class_folder("[audit]\nfile = \"pipe\"\ntimeout = \"100ms\"\n");
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // A write to a full pipe blocks.
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut disk = OpenOptions::new().read(true).custom_flags(flags).open(&pipe).unwrap();
    let mut server = Server::start_with(folder, server_command().arg("--config").arg(path));
    let mut client = server.connect();
    let mut answered = 0_u64;
    let rejection = loop {
        match client.say("2100001 GG\n").reply() {
            reply if reply.starts_with("gAAAAA") => answered += 1,
            reply => break reply,
        }
    };
    assert_eq!(rejection, BUSY);
    server.prints("cannot write the audit log: a record was not written in time");
    for _ in 0..3 {
        assert_eq!(server.connect().say("2100002 GG\n").reply(), BUSY);
    }
    let mut written = Vec::new();
    let mut read_on = |until: &str| {
        let mut buffer = [0; 65536];
        let start = Instant::now();
        while !String::from_utf8_lossy(&written).contains(until) {
            assert!(start.elapsed() < TIMEOUT, "{until} was never written");
            if let Ok(bytes) = disk.read(&mut buffer) {
                written.extend_from_slice(&buffer[..bytes]);
            }
        }
    };
    read_on("\"event\":\"resumed\"");
    server.prints("Writing the audit log again, and answering requests; 3 requests were refused.");
    assert_eq!(ADA.opens(&client.say("2100001 GG\n").reply()), ADA_GRADES);
    server.signal(Signal::TERM);
    read_on("\"event\":\"stop\"");
    let copy = server.folder.path().join("copy");
    std::fs::write(&copy, &written).unwrap();
    // All records are there and unchanged, but a pipe has no head that could prove the end.
    is_not_sound(&copy, "copy.head is missing");
    let records = records(&copy);
    let withheld: Vec<_> = records.iter().filter(|record| record["event"] == "withheld").collect();
    assert_eq!(withheld.len(), 1);
    // The start, the answered requests, and this one.
    assert_eq!(
        (&withheld[0]["from"], &withheld[0]["to"]),
        (&(answered + 2).into(), &(answered + 2).into())
    );
    assert_eq!(server.ended().0, Some(0));
}
