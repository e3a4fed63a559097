//! Answers that somebody forged, and servers that do not answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::browser::in_each_browser;
use super::middle::{Middle, Reply, http, line};
use super::{WRONG_KEY, page_file, site_with};
use crate::harness::{ADA, BO};
use crate::sealed::now;

const BUSY: &str = "The server is busy. Wait a minute, then try again.";
const UNREACHABLE: &str = "The server cannot be reached or does not answer. Try again later.";
const STALE: &str = "The answer is older than one that this device has seen.";

/// A report with one mark.
fn report(fields: &str) -> String {
    format!(
        "{{\"id\":\"2100001\",\"name\":\"Ada Invented\",\"edition\":7,\"published\":\"2026-11-22T13:05:00Z\",\
         \"time\":\"2026-11-24T03:00:00Z\",\"assessments\":[{{\"assessment\":\"Lab 1\",{fields}}}]}}"
    )
}

const CLASS: &str = "\"class\":{\"count\":5,\"mean\":6}";

fn good_report() -> String {
    report(&format!(
        "\"mark\":7,\"status\":\"number\",\"letter\":null,\"out_of\":10,\"comment\":null,{CLASS}"
    ))
}

type Change = fn(&mut Reply);

/// What is sealed under Ada's own key, and is not an answer to the request.
const UNTRUSTED: [(&str, Change); 18] = [
    ("nonce", |reply| reply.nonce = "0123456789abcdef".into()),
    ("ID", |reply| reply.id = BO.0.into()),
    ("command", |reply| reply.command = "GG".into()),
    ("time", |reply| reply.time -= 3600),
    ("time", |reply| reply.time += 3600),
    ("form", |reply| reply.body = "Lab 1: 7".into()),
    ("form", |reply| reply.body = "{\"id\":\"2100001\"}".into()),
    ("form", |reply| reply.body = reply.body.replace("\"edition\":7", "\"edition\":8")),
    ("form", |reply| reply.body = reply.body.replace(ADA.0, BO.0)),
    ("form", |reply| reply.body = reply.body.replace("\"mark\":7", "\"mark\":null")),
    ("form", |reply| reply.body = reply.body.replace("\"mark\":7", "\"mark\":\"7\"")),
    ("form", |reply| reply.body = reply.body.replace("\"number\"", "\"lost\"")),
    ("form", |reply| {
        reply.body = reply
            .body
            .replace("\"mark\":7,\"status\":\"number\"", "\"mark\":7,\"status\":\"blank\"");
    }),
    ("form", |reply| reply.body = reply.body.replace("\"mean\":6", "\"mean\":\"6\"")),
    ("form", |reply| reply.body = reply.body.replace("\"comment\":null", "\"comment\":{}")),
    ("form", |reply| reply.body = reply.body.replace("2026-11-22", "yesterday")),
    ("form", |reply| reply.status = "<b>".into()),
    ("form", |reply| reply.status = String::new()),
];

/// What is not a reply line at all, and the alert for it.
fn broken(token: &str) -> Vec<(Vec<u8>, &'static str)> {
    let untrusted = "The answer cannot be trusted";
    let flip = |at: usize| {
        let mut bytes = token.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        line(&String::from_utf8(bytes).unwrap())
    };
    let text = |body: &str| http("200 OK", "", body);
    vec![
        (flip(0), untrusted),
        (flip(5), untrusted),
        (flip(100), untrusted),
        (flip(token.len() - 10), untrusted),
        (line(&token[..token.len() - 4]), untrusted),
        (line(&format!("{token}{token}")), untrusted),
        (text(&format!("{token}\n{token}\n")), untrusted),
        (text(token), untrusted),
        (text(""), untrusted),
        (text("\n"), untrusted),
        (text("<html><script>alert(1)</script></html>\n"), untrusted),
        (line("ERR"), untrusted),
        (line("ERR <b> x"), untrusted),
        (line("ERR busy x"), BUSY),
        (line("ERR too-many x"), BUSY),
        (line("ERR malformed x"), "The server refused the request (malformed)."),
        (http("429 Too Many Requests", "", "ERR too-many x\n"), BUSY),
        (http("503 Service Unavailable", "", ""), BUSY),
        (http("500 Internal Server Error", "", ""), UNREACHABLE),
        (http("404 Not Found", "", "not found\n"), "The server refused the request (HTTP 404)."),
        (http("302 Found", "location: https://127.0.0.1:9/\r\n", ""), UNREACHABLE),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\ngAAAA".to_vec(), UNREACHABLE),
        (Vec::new(), UNREACHABLE),
    ]
}

#[test]
fn a_forged_or_failed_answer_is_an_alert_without_marks_and_the_next_good_one_is_shown() {
    let (server, _) = site_with("https://grades.example.org", "course.toml");
    let page = std::fs::read_to_string(page_file(&server)).unwrap();
    let middle = Middle::start(page);
    in_each_browser("en", |browser| {
        browser.open(&middle.url);
        let answer = |reply: Reply| line(&reply.token(ADA));
        middle.answers(move |request| answer(Reply::to(ADA, request, &good_report())));
        assert_eq!(browser.asks(ADA.0, ADA.1), "");
        for (what, change) in UNTRUSTED {
            middle.answers(move |request| {
                let mut reply = Reply::to(ADA, request, &good_report());
                change(&mut reply);
                answer(reply)
            });
            let alert = browser.clicks("Show my grades").outcome();
            assert!(
                alert.starts_with(&format!("The answer cannot be trusted ({what})")),
                "{what}: {alert}"
            );
        }
        let cases = broken(&"x".repeat(800)).len();
        for case in 0..cases {
            let expected = broken(&"x".repeat(800))[case].1;
            middle.answers(move |request| {
                // Longer than the answer to a wrong key, as every report of a real class is.
                let text =
                    good_report().replace("\"Lab 1\"", &format!("\"{}\"", "Lab 1 ".repeat(60)));
                let token = Reply::to(ADA, request, &text).token(ADA);
                broken(&token)[case].0.clone()
            });
            let alert = browser.clicks("Show my grades").outcome();
            assert!(alert.starts_with(expected), "case {case}: {alert}");
        }
        middle.answers(|request| line(&Reply::to(ADA, request, "").token(BO)));
        assert_eq!(browser.clicks("Show my grades").outcome(), WRONG_KEY);
        middle.answers(move |request| answer(Reply::to(ADA, request, &good_report())));
        assert_eq!(browser.clicks("Show my grades").outcome(), "");
        assert_eq!(browser.rows()[0][1], "7");
    });
}

#[test]
fn an_older_edition_or_a_wrong_clock_is_said_and_no_mark_is_shown() {
    let (server, _) = site_with("https://grades.example.org", "course.toml");
    let page = std::fs::read_to_string(page_file(&server)).unwrap();
    let middle = Middle::start(page);
    in_each_browser("en", |browser| {
        browser.open(&middle.url);
        let edition = |edition: u64| {
            middle.answers(move |request| {
                let text =
                    good_report().replace("\"edition\":7", &format!("\"edition\":{edition}"));
                line(&Reply { edition, ..Reply::to(ADA, request, &text) }.token(ADA))
            });
        };
        edition(9);
        assert_eq!(browser.asks(ADA.0, ADA.1), "");
        edition(8);
        assert!(browser.clicks("Show my grades").outcome().starts_with(STALE));
        edition(9);
        assert_eq!(browser.clicks("Show my grades").outcome(), "");
        // Numbers from a clock are not compared with those that are counted.
        edition(1_800_000_000_000);
        assert_eq!(browser.clicks("Show my grades").outcome(), "");
        assert!(browser.text("#status").contains("in another way than before"));
        edition(8);
        assert!(browser.clicks("Show my grades").outcome().starts_with(STALE));
        edition(9);
        assert_eq!(browser.clicks("Show my grades").outcome(), "");
        assert_eq!(browser.text("#status"), "Your grades are shown below.");
        for (seconds, minutes) in [(600, "10 minutes"), (3600, "60 minutes")] {
            middle.answers(move |request| {
                let reply = Reply::to(ADA, request, "");
                line(&Reply { time: now() + seconds, status: "clock".into(), ..reply }.token(ADA))
            });
            let alert = browser.clicks("Show my grades").outcome();
            assert_eq!(
                alert,
                format!(
                    "The clock of this device is wrong by {minutes}. Set the clock, then try again."
                )
            );
        }
        // A server that has just started wants its own time repeated.
        let asked = Arc::new(AtomicU64::new(0));
        middle.answers(move |request| {
            let reply = Reply::to(ADA, request, &good_report());
            let reply = Reply {
                edition: 9,
                body: reply.body.replace("\"edition\":7", "\"edition\":9"),
                ..reply
            };
            if asked.fetch_add(1, Ordering::SeqCst) == 0 {
                return line(
                    &Reply { status: "clock".into(), body: String::new(), ..reply }.token(ADA),
                );
            }
            line(&reply.token(ADA))
        });
        assert_eq!(browser.clicks("Show my grades").outcome(), "");
    });
}

#[test]
fn texts_of_the_server_are_texts_and_never_html() {
    let (server, _) = site_with("https://grades.example.org", "course.toml");
    let page = std::fs::read_to_string(page_file(&server)).unwrap();
    let middle = Middle::start(page);
    let hostile = "<img src=x onerror=alert(1)> $& {} <b>bold</b>";
    in_each_browser("en", |browser| {
        browser.open(&middle.url);
        middle.answers(move |request| {
            let text = report(&format!(
                "\"mark\":null,\"status\":\"letter\",\"letter\":\"{hostile}\",\"out_of\":null,\"comment\":\"{hostile}\",\
                 \"class\":{{\"withheld\":\"{hostile}\"}}"
            ));
            line(&Reply::to(ADA, request, &text.replace("Ada Invented", hostile)).token(ADA))
        });
        assert_eq!(browser.asks(ADA.0, ADA.1), "");
        let rows = browser.rows();
        assert_eq!((&*rows[0][1], &*rows[0][3]), (hostile, hostile));
        assert_eq!(rows[0][4], format!("withheld: {hostile}"));
        assert_eq!(
            browser.script("return document.querySelectorAll('main b, main img').length"),
            0
        );
    });
}

#[test]
fn private_figures_are_shown_with_their_uncertainty() {
    let (server, _) = site_with("https://grades.example.org", "course.toml");
    let page = std::fs::read_to_string(page_file(&server)).unwrap();
    let middle = Middle::start(page);
    let estimate =
        |value: u32| format!("{{\"value\":{value},\"from\":{},\"to\":{}}}", value - 1, value + 1);
    let spread = format!(
        ",\"median\":{},\"quartiles\":[{},{}],\"deviation\":1.9,\"histogram\":[]",
        estimate(6),
        estimate(4),
        estimate(8)
    );
    in_each_browser("en", |browser| {
        browser.open(&middle.url);
        for (spread, shown) in [
            (String::new(), "average about 6.4 of 10 (give or take 0.39)\u{a0}\u{b7} 24 marks"),
            (
                spread.clone(),
                "average about 6.4 of 10 (give or take 0.39)\u{a0}\u{b7} spread about 1.9\u{a0}\u{b7} 24 marks",
            ),
        ] {
            middle.answers(move |request| {
                let text = report(&format!(
                    "\"mark\":7,\"status\":\"number\",\"letter\":null,\"out_of\":10,\"comment\":null,\"class\":{{\
                     \"policy\":\"private\",\"count\":24,\"mean\":6.4,\"uncertainty\":0.39,\
                     \"as_of\":\"2026-11-22T14:05:00Z\"{spread}}}"
                ));
                line(&Reply::to(ADA, request, &text).token(ADA))
            });
            assert_eq!(browser.asks(ADA.0, ADA.1), "");
            assert!(
                browser.rows()[0][4].starts_with(&shown[..shown.len() - 8]),
                "{:?}",
                browser.rows()
            );
        }
        let bands = browser.script("return document.querySelectorAll('svg .range').length");
        assert_eq!(bands, 1, "the middle half");
    });
}

#[test]
fn what_is_forgotten_while_the_server_answers_stays_forgotten() {
    let (server, _) = site_with("https://grades.example.org", "course.toml");
    let page = std::fs::read_to_string(page_file(&server)).unwrap();
    let middle = Middle::start(page);
    in_each_browser("en", |browser| {
        browser.open(&middle.url);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = std::sync::Mutex::new(held);
        middle.answers(move |request| {
            let _ = held.lock().unwrap().recv();
            line(&Reply::to(ADA, request, &good_report()).token(ADA))
        });
        browser.clicks("Remember on this device");
        browser.types("Student ID", ADA.0).types("Key", ADA.1).clicks("Show my grades");
        browser.clicks("Forget");
        release.send(()).unwrap();
        browser.script("return new Promise((done) => setTimeout(done, 0))");
        assert_eq!(browser.text("#status"), "Everything is forgotten.");
        assert_eq!(browser.rows().len(), 0);
        assert_eq!(browser.script("return indexedDB.databases().then((all) => all.length)"), 0);
    });
}
