//! The page in real browsers, as a student uses it.

mod browser;
mod forged;
mod marionette;
mod middle;

use browser::in_each_browser;
use serde_json::json;

use crate::harness::{ADA, BO, Server, Student, ZOE, class_folder, ended, server_command};
use crate::http::page_port;
use crate::http::tls::{certificate, write_certificate};

const WRONG_KEY: &str = "The student ID or the key is wrong. Check both against your slip.";

const COURSE: &str = "out_of = 20\n[assessment.\"Lab 3\"]\nout_of = 10\n";

/// A server with the page over TLS, and the address of the page.
fn site() -> (Server, String) {
    site_with("", "course.toml")
}

fn site_with(public_url: &str, course: &str) -> (Server, String) {
    let (folder, path) = class_folder(&format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nprofile = \"sealed\"\n[gradebook]\nstatistics = \"plain\"\npopulation_min = 1\n\
         course_file = \"{course}\"\n[sealed]\naudience = \"nets-2026\"\n[http]\nlisten = \"127.0.0.1:0\"\n\
         certificate = \"cert.pem\"\nkey = \"key.pem\"\npublic_url = \"{public_url}\"\n"
    ));
    std::fs::write(folder.path().join("course.toml"), COURSE).unwrap();
    write_certificate(folder.path(), &certificate());
    let mut server = Server::start_with(folder, server_command().arg("--config").arg(path));
    let port = page_port(&mut server);
    (server, format!("https://localhost:{port}/"))
}

/// The page as the command writes it.
fn page_file(server: &Server) -> String {
    let mut command = server_command();
    command.current_dir(server.folder.path()).args(["--config", "test.toml", "page"]);
    command.args(["--output", "page.html"]);
    assert_eq!(ended(&mut command).status.code(), Some(0));
    server.folder.path().join("page.html").to_str().unwrap().to_owned()
}

/// The first three cells of each row: assessment, mark, and out of.
fn marks(browser: &mut browser::Browser) -> Vec<String> {
    browser.rows().iter().map(|row| row[..3].join("|")).collect()
}

const ADA_MARKS: [&str; 7] = [
    "Lab 1|3|20",
    "Lab 2|9|20",
    "Lab 3|9|10",
    "Lab 4|0|20",
    "Midterm|17|20",
    "Exam 1|4|20",
    "Exam 2|5|20",
];
const BO_MARKS: [&str; 7] = [
    "Lab 1|no mark yet|20",
    "Lab 2|10|20",
    "Lab 3|7.5|10",
    "Lab 4|8|20",
    "Midterm|12|20",
    "Exam 1|4|20",
    "Exam 2|no mark yet|20",
];

#[test]
fn each_student_reads_their_own_marks_and_nobody_else_s() {
    let (_server, url) = site();
    in_each_browser("en", |browser| {
        browser.open(&url);
        assert_eq!(browser.asks(ADA.0, ADA.1), "");
        assert_eq!(marks(browser), ADA_MARKS);
        assert_eq!(browser.text("caption"), "Your grades");
        assert_eq!(browser.text("#student"), "Ada Invented (2100001)");
        assert_eq!(browser.rows()[0][4], "average 3.5\u{a0}· spread 0.5\u{a0}· 2 marks");
        let time = browser.script("return document.querySelector('time').dateTime");
        assert!(
            time.as_str().unwrap().ends_with('Z') && time.as_str().unwrap().len() == 20,
            "{time}"
        );
        let label =
            browser.script("return document.querySelector('svg').getAttribute('aria-label')");
        assert_eq!(label, "average 3.5, spread 0.5, 2 marks, you 3, scale 0–20");
        assert_eq!(browser.asks(BO.0, &format!("  {} ", BO.1.trim_end_matches('='))), "");
        assert_eq!(marks(browser), BO_MARKS);
        assert_eq!(browser.asks(ZOE.0, ZOE.1), "");
        assert_eq!(browser.rows()[0][1], "4");
        for Student(id, key) in [Student(ADA.0, BO.1), Student("2199999", ADA.1)] {
            assert_eq!(browser.asks(id, key), WRONG_KEY, "{id}");
        }
        let asked = "return performance.getEntriesByType('resource').map((one) => one.name)";
        let asked = browser.script(asked);
        assert_eq!(asked, json!(vec![format!("{url}v1/ask"); 5]), "nothing else was loaded");
        assert!(browser.asks(ADA.0, "rubbish").starts_with("This is not a key."));
        assert!(browser.asks("Ada Invented", ADA.1).starts_with("This is not a student ID."));
        assert!(browser.asks(ADA.0, " ").starts_with("Type your key"));
        let asked = "return performance.getEntriesByType('resource').length";
        assert_eq!(browser.script(asked), 5, "what is not a key is not sent anywhere");
    });
}

#[test]
fn the_page_works_from_disk_and_offers_to_remember_nothing_there() {
    let (server, url) = site();
    // The page names the port that the server was given.
    let settings = server.folder.path().join("test.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let named = format!("public_url = \"{}\"", url.trim_end_matches('/'));
    std::fs::write(&settings, text.replace("public_url = \"\"", &named)).unwrap();
    let file = format!("file://{}", page_file(&server));
    in_each_browser("en", |browser| {
        browser.open(&format!("{file}#{}.{}", ADA.0, ADA.1)).clicks("Show my grades");
        assert_eq!(browser.outcome(), "");
        assert_eq!(marks(browser), ADA_MARKS);
        assert_eq!(browser.script("return location.href"), json!(file), "the key is erased");
        assert_eq!(browser.script("return document.getElementById('remembering').hidden"), true);
        assert_eq!(browser.asks(BO.0, ADA.1), WRONG_KEY);
    });
}

#[test]
fn a_link_fills_the_fields_is_erased_and_asks_nothing() {
    let (_server, url) = site();
    in_each_browser("en", |browser| {
        let fields =
            "return [document.getElementById('id').value, document.getElementById('key').value]";
        for key in [ADA.1.to_owned(), ADA.1.replace('=', ""), ADA.1.replace('=', "%3D")] {
            browser.open("about:blank").open(&format!("{url}#{}.{key}", ADA.0));
            assert_eq!(browser.script(fields), json!([ADA.0, key.replace("%3D", "=")]));
            assert_eq!(browser.script("return location.href"), json!(url));
            let asked = "return performance.getEntriesByType('resource').length";
            assert_eq!(browser.script(asked), 0, "the student decides when to ask");
            assert_eq!(browser.clicks("Show my grades").outcome(), "");
            assert_eq!(marks(browser), ADA_MARKS);
        }
        // Another student's link, in the same tab.
        browser.script(&format!("location.hash = '#{}.{}'", ZOE.0, ZOE.1));
        browser.script("return new Promise((done) => setTimeout(done))");
        assert_eq!(browser.script(fields), json!([ZOE.0, ZOE.1]));
        assert_eq!(browser.rows().len(), 0, "another student's marks are gone");
        assert_eq!(browser.clicks("Show my grades").outcome(), "");
        assert_eq!(browser.rows()[0][1], "4");
        browser.script("location.hash = '#2100001'");
        assert!(browser.outcome().starts_with("The link is not complete."));
    });
}

#[test]
fn a_student_is_remembered_on_demand_and_forgotten_without_a_trace() {
    let (_server, url) = site();
    in_each_browser("en", |browser| {
        let databases = "return indexedDB.databases().then((all) => all.length)";
        let elsewhere =
            "return [document.cookie.length, localStorage.length, sessionStorage.length]";
        browser.open(&url);
        assert_eq!(browser.asks(ADA.0, ADA.1), "");
        assert_eq!(browser.script(databases), 0, "only if the student wants it");
        browser.clicks("Remember on this device");
        assert_eq!(browser.asks(ADA.0, BO.1), WRONG_KEY);
        assert_eq!(browser.script(databases), 0, "only after a success");
        assert_eq!(browser.asks(ADA.0, ADA.1), "");
        browser.waits_for("return document.getElementById('key').value === ''");
        browser.open("about:blank").open(&url);
        browser.waits_for("return document.getElementById('key').placeholder !== ''");
        assert_eq!(browser.clicks("Show my grades").outcome(), "");
        assert_eq!(marks(browser), ADA_MARKS);
        let keys = "return new Promise((done) => { const opening = indexedDB.open('grades nets-2026'); \
                    opening.onsuccess = () => { const get = opening.result.transaction('student')\
                    .objectStore('student').get('one'); get.onsuccess = () => { opening.result.close(); \
                    done([get.result.mac.extractable, get.result.cipher.extractable, \
                    JSON.stringify(get.result)]); }; }; })";
        let stored = browser.script(keys);
        assert_eq!((&stored[0], &stored[1]), (&json!(false), &json!(false)));
        assert!(!stored[2].as_str().unwrap().contains(&ADA.1[..20]));
        assert_eq!(browser.script(elsewhere), json!([0, 0, 0]));
        // The student's own link, and another student on the same device.
        let is_ticked = "return document.getElementById('remember').checked";
        browser.open("about:blank").open(&format!("{url}#{}.{}", ADA.0, ADA.1));
        browser.waits_for("return document.getElementById('remember').checked");
        assert_eq!(browser.clicks("Show my grades").outcome(), "");
        assert_eq!(browser.asks(BO.0, BO.1), "");
        assert_eq!(browser.script(is_ticked), false, "another student is not remembered by itself");
        browser.open("about:blank").open(&url).waits_for(is_ticked);
        assert_eq!(browser.script("return document.getElementById('id').value"), ADA.0);
        // Another tab has seen a later edition.
        let later = "return new Promise((done) => { const opening = indexedDB.open('grades nets-2026'); \
                     opening.onsuccess = () => { const store = opening.result.transaction('student', \
                     'readwrite').objectStore('student'); const get = store.get('one'); get.onsuccess = () => { \
                     get.result.edition = '99999999999999'; store.put(get.result, 'one').onsuccess = () => { \
                     opening.result.close(); done(true); }; }; }; })";
        browser.script(later);
        let alert = browser.clicks("Show my grades").outcome();
        assert!(alert.starts_with("The answer is older than one"), "{alert}");
        browser.clicks("Forget");
        browser.waits_for(
            "return document.getElementById('status').textContent === 'Everything is forgotten.'",
        );
        let fields =
            "return [document.getElementById('id').value, document.getElementById('key').value]";
        assert_eq!(browser.script(fields), json!(["", ""]));
        assert_eq!(browser.rows().len(), 0);
        assert_eq!(browser.script(databases), 0);
        browser.open("about:blank").open(&url);
        assert_eq!(browser.script(fields), json!(["", ""]));
    });
}

#[test]
fn each_language_has_every_text_and_fits_a_phone() {
    let (_server, url) = site();
    for (language, title, show) in [
        ("de", "Deine Noten", "Noten zeigen"),
        ("fr", "Vos notes", "Afficher mes notes"),
        ("es", "Tus notas", "Mostrar mis notas"),
        ("pt", "Your grades", "Show my grades"),
    ] {
        in_each_browser(language, |browser| {
            browser.open(&format!("{url}#{}.{}", ADA.0, ADA.1));
            let lang = if language == "pt" { "en" } else { language };
            assert_eq!(browser.script("return document.documentElement.lang"), lang);
            assert_eq!(browser.text("h1"), title);
            assert_eq!(browser.clicks(show).outcome(), "");
            assert_eq!(browser.rows().len(), 7);
            let missing = "const texts = JSON.parse(document.getElementById('texts').textContent); \
                           return Object.keys(texts.en).filter((name) => !texts[arguments[0] || document.documentElement.lang][name])";
            assert_eq!(browser.script(missing), json!([]));
            browser.phone_size();
            let widths = "return [document.documentElement.scrollWidth <= innerWidth, innerWidth]";
            assert_eq!(browser.script(widths)[0], true, "{language}: {}", browser.script(widths));
        });
    }
}
