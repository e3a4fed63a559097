//! Publications while students ask.

use std::net::TcpStream;

use super::{course, done, served, settings, with_midterm};
use crate::harness::{ADA, Client, write_private};
use serde_json::Value;

#[test]
fn sixty_publications_under_load_lose_no_request_and_never_go_back_an_edition() {
    let server = served(course(&settings("")));
    let address = ("127.0.0.1", server.port);
    let load = || {
        let mut client = Client::of(TcpStream::connect(address).unwrap());
        let mut last = 0;
        while last < 61 {
            client.say(b"2100001 REPORT\n".repeat(32));
            for _ in 0..32 {
                let report: Value = serde_json::from_str(&ADA.opens(&client.reply())).unwrap();
                let edition = report["edition"].as_u64().unwrap();
                let mark = report["assessments"][4]["mark"].as_u64().unwrap();
                assert_eq!(mark, if edition == 1 { 17 } else { edition + 100 }, "one edition");
                assert!(edition >= last, "edition {edition} behind {last}");
                last = edition;
            }
        }
    };
    std::thread::scope(|scope| {
        let loads: Vec<_> = (0..3).map(|_| scope.spawn(load)).collect();
        for edition in 2..=61 {
            let file = server.folder.path().join("class.csv");
            write_private(&file, with_midterm(&(edition + 100).to_string()));
            let said = done(server.folder.path(), &["publish", "--accept"]);
            assert_eq!(said, format!("edition {edition} is published\n"));
        }
        loads.into_iter().for_each(|load| load.join().unwrap());
    });
}
