//! A student's browser: Chromium through its driver, or Firefox.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use super::marionette::Firefox;
use crate::harness::{eventually, missing_tool};

/// A running browser.
pub(super) enum Browser {
    Chromium(Box<Chromium>),
    Firefox(Box<Firefox>),
}

pub(super) struct Chromium {
    driver: Child,
    runtime: Runtime,
    client: Client,
}

/// Runs a conversation in each browser that is installed.
pub(super) fn in_each_browser(language: &str, conversation: impl Fn(&mut Browser)) {
    match Chromium::start(language) {
        Some(chromium) => conversation(&mut Browser::Chromium(Box::new(chromium))),
        None => missing_tool("chromedriver"),
    }
    match Firefox::start(language) {
        Some(firefox) => conversation(&mut Browser::Firefox(Box::new(firefox))),
        None => missing_tool("firefox-esr"),
    }
}

impl Browser {
    pub(super) fn open(&mut self, url: &str) -> &mut Self {
        match self {
            Self::Chromium(chromium) => chromium.open(url),
            Self::Firefox(firefox) => drop(firefox.run("WebDriver:Navigate", &json!({"url": url}))),
        }
        self
    }

    /// The value of a script, which returns it.
    #[track_caller]
    pub(super) fn script(&mut self, script: &str) -> Value {
        match self {
            Self::Chromium(chromium) => chromium.script(script),
            Self::Firefox(firefox) => {
                firefox.run("WebDriver:ExecuteScript", &json!({"script": script, "args": []}))
            }
        }
    }

    /// Types into the field with this label, in place of what is there.
    #[track_caller]
    pub(super) fn types(&mut self, label: &str, text: &str) -> &mut Self {
        let id = self.script(&format!(
            "return [...document.querySelectorAll('label')].find((label) => label.textContent.trim() === '{label}').control.id"
        ));
        let id = id.as_str().unwrap();
        match self {
            Self::Chromium(chromium) => chromium.types(id, text),
            Self::Firefox(firefox) => {
                let element = firefox.element(id);
                firefox.run("WebDriver:ElementClear", &json!({"id": element}));
                if !text.is_empty() {
                    firefox.run("WebDriver:ElementSendKeys", &json!({"id": element, "text": text}));
                }
            }
        }
        self
    }

    /// Clicks the button, or the choice, with this text.
    #[track_caller]
    pub(super) fn clicks(&mut self, text: &str) -> &mut Self {
        let id = self.script(&format!(
            "const named = [...document.querySelectorAll('button, label')].find((one) => one.textContent.trim() === '{text}'); \
             return (named.control || named).id"
        ));
        let id = id.as_str().unwrap();
        match self {
            Self::Chromium(chromium) => chromium.clicks(id),
            Self::Firefox(firefox) => {
                let element = firefox.element(id);
                firefox.run("WebDriver:ElementClick", &json!({"id": element}));
            }
        }
        self
    }

    /// Asks, and waits for marks or an alert. Returns the alert.
    #[track_caller]
    pub(super) fn asks(&mut self, id: &str, key: &str) -> String {
        self.types("Student ID", id).types("Key", key).clicks("Show my grades").outcome()
    }

    /// Waits for marks or an alert. Returns the alert.
    #[track_caller]
    pub(super) fn outcome(&mut self) -> String {
        self.waits_for(
            "return document.getElementById('alert').textContent !== '' || \
             !document.getElementById('marks').hidden",
        );
        let alert = self.text("[role=alert]");
        assert_eq!(alert.is_empty(), !self.rows().is_empty(), "no marks stay beside an alert");
        alert
    }

    /// Waits until a script returns true.
    #[track_caller]
    pub(super) fn waits_for(&mut self, script: &str) -> &mut Self {
        let browser = std::cell::RefCell::new(self);
        eventually(script, || browser.borrow_mut().script(script) == json!(true));
        browser.into_inner()
    }

    /// The text of the element that a selector finds.
    #[track_caller]
    pub(super) fn text(&mut self, selector: &str) -> String {
        let text = self.script(&format!("return document.querySelector('{selector}').textContent"));
        text.as_str().unwrap().to_owned()
    }

    /// Makes the window as wide as a phone.
    pub(super) fn phone_size(&mut self) {
        match self {
            Self::Chromium(chromium) => {
                let resized = chromium.client.set_window_size(360, 800);
                chromium.runtime.block_on(resized).unwrap();
            }
            Self::Firefox(firefox) => {
                firefox.run("WebDriver:SetWindowRect", &json!({"width": 360, "height": 800}));
            }
        }
    }

    /// The cells of the table's rows.
    #[track_caller]
    pub(super) fn rows(&mut self) -> Vec<Vec<String>> {
        let rows = self.script(
            "return [...document.querySelectorAll('tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))",
        );
        serde_json::from_value(rows).unwrap()
    }
}

impl Chromium {
    /// Starts Chromium; `None` if its driver is not installed.
    fn start(language: &str) -> Option<Self> {
        let (driver, port) = Self::start_driver()?;
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let arguments = [
            "--headless=new",
            // In a container there is no other sandbox.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            &format!("--accept-lang={language}"),
        ];
        let capabilities = json!({
            "acceptInsecureCerts": true,
            "goog:loggingPrefs": {"browser": "ALL"},
            "goog:chromeOptions": {"args": arguments},
        });
        let Value::Object(capabilities) = capabilities else { panic!() };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let connecting = builder.capabilities(capabilities);
        let client = runtime.block_on(connecting.connect(&format!("http://127.0.0.1:{port}")));
        Some(Self { driver, runtime, client: client.unwrap() })
    }

    /// Starts the driver, and returns its port; `None` if it is not installed.
    fn start_driver() -> Option<(Child, u16)> {
        /// It takes a free port of IPv6 and expects the same one to be free in IPv4, so it may end at once.
        const STARTS_MAX: usize = 10;
        for _ in 0..STARTS_MAX {
            let mut command = Command::new("chromedriver");
            let mut driver = command.arg("--port=0").stdout(Stdio::piped()).spawn().ok()?;
            let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
            let begin = "ChromeDriver was started successfully on port ";
            let port = lines.find_map(|line| {
                line.unwrap().strip_prefix(begin)?.trim_end_matches('.').parse().ok()
            });
            if let Some(port) = port {
                return Some((driver, port));
            }
            driver.wait().unwrap();
        }
        panic!("chromedriver ended each time it was started");
    }

    fn open(&mut self, url: &str) {
        self.runtime.block_on(self.client.goto(url)).unwrap();
    }

    fn script(&mut self, script: &str) -> Value {
        self.runtime.block_on(self.client.execute(script, Vec::new())).unwrap()
    }

    fn types(&mut self, id: &str, text: &str) {
        self.runtime.block_on(async {
            let element = self.client.find(Locator::Id(id)).await.unwrap();
            element.clear().await.unwrap();
            element.send_keys(text).await.unwrap();
        });
    }

    fn clicks(&mut self, id: &str) {
        self.runtime.block_on(async {
            self.client.find(Locator::Id(id)).await.unwrap().click().await.unwrap();
        });
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let closed = self.client.clone().close();
        let _ = self.runtime.block_on(closed);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
