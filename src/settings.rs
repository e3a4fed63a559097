//! The settings: read in layers, checked as a whole, and each part's slice made from them.
//!
//! Layers: the embedded `settings/default.toml`, the `--config` file, the environment. An error
//! names where the value stands, the key, the value, and what to do.

mod layers;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
use grade_actors::{ConnectionLimits, Profile, RequestRate, SessionConfig, Timeouts};
use gradebook::sealed::{ReplayLimits, RequestVerifier};
use gradebook::wire::Grammar;
use gradebook::{BatchLimits, DecoyKeys, PrivacyPolicy, ReadOptions, UnknownStudent};
use serde::Deserialize;

use crate::audit::AuditOptions;
use crate::loading::Sources;

use layers::Layers;
pub use layers::SettingsError;

/// All settings, checked.
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How many threads sessions are spread over.
    pub workers: usize,
    /// The class file, and the file of keys if there is one.
    pub sources: Sources,
    /// Where what was told of the class outlives the process, if anywhere.
    pub state_file: Option<PathBuf>,
    /// What a class file may be.
    pub read: ReadOptions,
    /// Whether to watch the class file.
    pub watch: bool,
    /// The most of the students, in percent, that a new class file may lose.
    pub shrink_percent_max: u8,
    /// Which requests are answered.
    pub profile: Profile,
    /// The course and term that sealed requests are for.
    pub audience: Option<String>,
    /// Whether clients may be on other machines: with sealed requests, or where clear ones are allowed.
    pub may_be_remote: bool,
    /// How sessions behave.
    pub session_config: SessionConfig,
    /// How many connections there may be.
    pub connections: ConnectionLimits,
    /// How many restarts after failures there may be in a minute.
    pub restarts_max: usize,
    /// How long open sessions may take to end.
    pub drain: Duration,
    /// Where every request is taken down, if anywhere.
    pub audit: Option<AuditOptions>,
    /// What the console prints.
    pub style: Style,
}

/// What the console prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The lab's lines.
    Lab,
    /// One text line an event.
    Log,
    /// One JSON object an event.
    Json,
    /// Nothing.
    Quiet,
}

/// The settings as they are raw.
#[derive(Deserialize)]
struct RawSettings {
    server: Server,
    gradebook: Gradebook,
    lab: Lab,
    sealed: Sealed,
    limits: Limits,
    timeouts: Times,
    audit: Audit,
    console: Console,
}

#[derive(Deserialize)]
struct Server {
    listen: String,
    profile: String,
    allow_clear_requests: bool,
    workers: u64,
}

#[derive(Deserialize)]
struct Gradebook {
    file: String,
    keys_file: String,
    state_file: String,
    watch: bool,
    rows_max: u64,
    bytes_max: ByteSize,
    shrink_percent_max: u64,
    population_min: u64,
}

#[derive(Deserialize)]
struct Lab {
    id_digits: u64,
    unknown_student: String,
    reveal_key: bool,
    #[serde(with = "humantime_serde")]
    reveal_pause: Duration,
}

#[derive(Deserialize)]
struct Sealed {
    audience: String,
    #[serde(with = "humantime_serde")]
    clock_skew: Duration,
    replays_per_student: u64,
    replays: u64,
}

/// How requests are made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ProfileName {
    Lab,
    Sealed,
}

#[derive(Deserialize)]
struct Limits {
    connections: u64,
    connections_per_source: u64,
    requests_per_second_per_source: u64,
    line_bytes: ByteSize,
    batch_requests: u64,
    output_bytes: ByteSize,
    restarts_per_minute: u64,
}

#[derive(Deserialize)]
struct Times {
    #[serde(with = "humantime_serde")]
    request: Duration,
    #[serde(with = "humantime_serde")]
    idle: Duration,
    #[serde(with = "humantime_serde")]
    write: Duration,
    #[serde(with = "humantime_serde")]
    drain: Duration,
    #[serde(with = "humantime_serde")]
    linger: Duration,
}

#[derive(Deserialize)]
struct Audit {
    file: String,
    #[serde(with = "humantime_serde")]
    timeout: Duration,
}

#[derive(Deserialize)]
struct Console {
    style: String,
}

impl Settings {
    /// Reads all layers.
    ///
    /// # Errors
    /// [`SettingsError`] for a file that cannot be read, an unknown key, or a value that is none.
    pub fn read(file: Option<&Path>) -> Result<Self, SettingsError> {
        let layers = Layers::read(file)?;
        let raw: RawSettings = layers.merged()?;
        let folder = file.and_then(Path::parent).unwrap_or(Path::new(""));
        Validator { layers: &layers }.settings(&raw, folder)
    }
}

impl Settings {
    /// The file of keys.
    ///
    /// # Errors
    /// [`SettingsError`] when keys stand in the class file.
    pub fn keys_file(self) -> Result<PathBuf, SettingsError> {
        self.sources.keys.ok_or_else(|| {
            let what = "keys stand in the class file, which is not written to; let keys issue make a \
                        file of keys, or name one with --keys";
            SettingsError::of("gradebook.keys_file", what)
        })
    }
}

/// Makes checked settings of written ones.
struct Validator<'a> {
    layers: &'a Layers,
}

impl Validator<'_> {
    fn settings(&self, raw: &RawSettings, folder: &Path) -> Result<Settings, SettingsError> {
        let RawSettings { server, gradebook, lab, sealed, limits, timeouts, audit, console } = raw;
        let profiles = [("lab", ProfileName::Lab), ("sealed", ProfileName::Sealed)];
        let profile = self.choice("server.profile", &server.profile, &profiles)?;
        let listen = self.listen(&server.listen, lab.reveal_key)?;
        let may_be_remote = profile == ProfileName::Sealed || server.allow_clear_requests;
        if !listen.ip().is_loopback() && !may_be_remote {
            let what = "requests in clear from other machines tell who asks to anyone on the way; set \
                        server.profile = \"sealed\", or server.allow_clear_requests = true";
            return Err(self.layers.bad("server.listen", what));
        }
        if profile == ProfileName::Sealed && lab.reveal_key {
            let what = "is for server.profile = \"lab\" only";
            return Err(self.layers.bad("lab.reveal_key", what));
        }
        self.check_files(raw)?;
        Ok(Settings {
            listen,
            workers: self.number("server.workers", server.workers, 1, 1024)?,
            sources: self.sources(gradebook, folder, profile)?,
            state_file: (!gradebook.state_file.is_empty())
                .then(|| folder.join(&gradebook.state_file)),
            read: self.read_options(gradebook, profile)?,
            audience: (profile == ProfileName::Sealed).then(|| sealed.audience.clone()),
            may_be_remote,
            watch: gradebook.watch,
            shrink_percent_max: self.number(
                "gradebook.shrink_percent_max",
                gradebook.shrink_percent_max,
                0,
                100,
            )?,
            profile: match profile {
                ProfileName::Lab => Profile::Clear(self.unknown_student(&lab.unknown_student)?),
                ProfileName::Sealed => Profile::Sealed(Box::new(self.verifier(sealed)?)),
            },
            session_config: self.session_config(lab, limits, timeouts, profile)?,
            connections: self.connections(limits)?,
            restarts_max: self.number(
                "limits.restarts_per_minute",
                limits.restarts_per_minute,
                0,
                1_000_000,
            )?,
            drain: timeouts.drain,
            audit: self.audit(audit, folder)?,
            style: self.style(&console.style)?,
        })
    }

    fn listen(&self, text: &str, reveal_key: bool) -> Result<SocketAddr, SettingsError> {
        let what = "is not an IP address and a port, like 127.0.0.1:50000 or [::1]:50000";
        let listen: SocketAddr =
            text.parse().map_err(|_| self.layers.bad("server.listen", what))?;
        if reveal_key && !listen.ip().is_loopback() {
            let what = "lab.reveal_key sends every key in clear, so it works on loopback only; \
                        listen on 127.0.0.1 or set lab.reveal_key = false";
            return Err(self.layers.bad("server.listen", what));
        }
        Ok(listen)
    }

    fn sources(
        &self,
        gradebook: &Gradebook,
        folder: &Path,
        profile: ProfileName,
    ) -> Result<Sources, SettingsError> {
        let Gradebook { file, keys_file, .. } = gradebook;
        if file.is_empty() {
            let what = "the class file must be set, here or with GRADES__GRADEBOOK__FILE";
            return Err(self.layers.bad("gradebook.file", what));
        }
        let keys = (!keys_file.is_empty()).then(|| folder.join(keys_file));
        Ok(Sources { class: folder.join(file), keys, strict: profile == ProfileName::Sealed })
    }

    /// Refuses one file for two purposes: one of them would be lost.
    fn check_files(&self, raw: &RawSettings) -> Result<(), SettingsError> {
        let Gradebook { file, keys_file, state_file, .. } = &raw.gradebook;
        let audit = &raw.audit.file;
        let head = if audit.is_empty() { String::new() } else { format!("{audit}.head") };
        let files = [
            ("gradebook.file", file),
            ("gradebook.keys_file", keys_file),
            ("gradebook.state_file", state_file),
            ("audit.file", audit),
            ("audit.file", &head),
        ];
        let named: Vec<_> = files.into_iter().filter(|(_, file)| !file.is_empty()).collect();
        for (at, (key, file)) in named.iter().enumerate() {
            if let Some((other, _)) = named.iter().take(at).find(|(_, other)| other == file) {
                return Err(self
                    .layers
                    .bad(key, &format!("is the file of {other}, too; name another")));
            }
        }
        Ok(())
    }

    fn verifier(&self, sealed: &Sealed) -> Result<RequestVerifier, SettingsError> {
        let Sealed { audience, clock_skew, .. } = sealed;
        let plain = |char: char| char.is_ascii_graphic();
        if !(1..=AUDIENCE_BYTES_MAX).contains(&audience.len()) || !audience.chars().all(plain) {
            let what = "must name course and term in 1 to 64 characters of ASCII without blanks, like \
                        nets-2026-autumn";
            return Err(self.layers.bad("sealed.audience", what));
        }
        if clock_skew.as_secs() == 0 || *clock_skew > MONTH {
            return Err(self.layers.bad("sealed.clock_skew", "must be 1 second to 30 days"));
        }
        let replays = |key, value| self.number(key, value, 1, 1_000_000_000);
        let limits = ReplayLimits {
            per_student: replays("sealed.replays_per_student", sealed.replays_per_student)?,
            total: replays("sealed.replays", sealed.replays)?,
        };
        Ok(RequestVerifier::new(audience.clone(), clock_skew.as_secs(), limits))
    }

    fn read_options(
        &self,
        gradebook: &Gradebook,
        profile: ProfileName,
    ) -> Result<ReadOptions, SettingsError> {
        let of_profile = if profile == ProfileName::Sealed { 5 } else { 1 };
        let bytes_max = gradebook.bytes_max.as_u64();
        Ok(ReadOptions {
            bytes_max: self.number("gradebook.bytes_max", bytes_max, 1, u64::from(u32::MAX))?,
            rows_max: self.number(
                "gradebook.rows_max",
                gradebook.rows_max,
                1,
                u64::from(u32::MAX),
            )?,
            policy: PrivacyPolicy {
                population_min: match gradebook.population_min {
                    0 => of_profile,
                    given => {
                        let max = u64::from(u32::MAX);
                        self.number("gradebook.population_min", given, 1, max)?
                    }
                },
            },
        })
    }

    fn unknown_student(&self, text: &str) -> Result<UnknownStudent, SettingsError> {
        let choices = [
            ("close", UnknownStudent::Close),
            ("error", UnknownStudent::Error),
            ("decoy", UnknownStudent::Decoy(DecoyKeys::new())),
        ];
        self.choice("lab.unknown_student", text, &choices)
    }

    fn session_config(
        &self,
        lab: &Lab,
        limits: &Limits,
        times: &Times,
        profile: ProfileName,
    ) -> Result<SessionConfig, SettingsError> {
        let id_digits = self.number("lab.id_digits", lab.id_digits, 1, 18)?;
        let sealed = profile == ProfileName::Sealed;
        // A sealed request is an ID of at most 64 bytes, a blank, and a token.
        let line_min = if sealed { 512 } else { 32 };
        let line_bytes =
            self.number("limits.line_bytes", limits.line_bytes.as_u64(), line_min, 65_536)?;
        let requests = self.number("limits.batch_requests", limits.batch_requests, 1, 4096)?;
        let output_bytes = limits.output_bytes.as_u64();
        let output_bytes =
            self.number("limits.output_bytes", output_bytes, 4096, u64::from(u32::MAX))?;
        let rate: u32 = self.number(
            "limits.requests_per_second_per_source",
            limits.requests_per_second_per_source,
            0,
            u64::from(u32::MAX),
        )?;
        if lab.reveal_pause > MONTH {
            return Err(self.layers.bad("lab.reveal_pause", "must be at most 30 days"));
        }
        for (key, time) in times.each() {
            self.time(key, time)?;
        }
        Ok(SessionConfig {
            grammar: Grammar { id_digits, line_bytes, sealed },
            // The student report's wire has one answer to a connection.
            batch: BatchLimits {
                requests: if lab.reveal_key { 1 } else { requests },
                output_bytes,
            },
            timeouts: Timeouts {
                request: times.request,
                idle: times.idle,
                write: times.write,
                linger: times.linger,
            },
            rate: NonZeroU32::new(rate).map(|rate| Arc::new(RequestRate::per_second(rate))),
            reveal_pause: lab.reveal_key.then_some(lab.reveal_pause),
        })
    }

    fn connections(&self, limits: &Limits) -> Result<ConnectionLimits, SettingsError> {
        Ok(ConnectionLimits {
            total: self.number("limits.connections", limits.connections, 1, 1_000_000)?,
            per_source: self.number(
                "limits.connections_per_source",
                limits.connections_per_source,
                1,
                1_000_000,
            )?,
        })
    }

    fn audit(&self, audit: &Audit, folder: &Path) -> Result<Option<AuditOptions>, SettingsError> {
        let Audit { file, timeout } = audit;
        self.time("audit.timeout", *timeout)?;
        let options = || AuditOptions { path: folder.join(file), timeout: *timeout };
        Ok((!file.is_empty()).then(options))
    }

    fn style(&self, text: &str) -> Result<Style, SettingsError> {
        let choices = [
            ("lab", Style::Lab),
            ("log", Style::Log),
            ("json", Style::Json),
            ("quiet", Style::Quiet),
        ];
        self.choice("console.style", text, &choices)
    }

    /// A number within its range.
    fn number<N: TryFrom<u64>>(
        &self,
        key: &str,
        value: u64,
        min: u64,
        max: u64,
    ) -> Result<N, SettingsError> {
        let within = (min..=max).contains(&value).then(|| N::try_from(value).ok()).flatten();
        within.ok_or_else(|| self.layers.bad(key, &format!("must be {min} to {max}")))
    }

    /// A time that can be waited for.
    fn time(&self, key: &str, time: Duration) -> Result<(), SettingsError> {
        match time {
            Duration::ZERO => Err(self.layers.bad(key, "must be longer than nothing")),
            time if time > MONTH => Err(self.layers.bad(key, "must be at most 30 days")),
            _ => Ok(()),
        }
    }

    /// One of several words.
    fn choice<T: Clone>(
        &self,
        key: &str,
        text: &str,
        choices: &[(&str, T)],
    ) -> Result<T, SettingsError> {
        let chosen = choices.iter().find(|(word, _)| *word == text);
        chosen.map(|(_, value)| value.clone()).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.layers.bad(key, &format!("must be {}", words.join(" or ")))
        })
    }
}

impl Times {
    fn each(&self) -> [(&'static str, Duration); 5] {
        [
            ("timeouts.request", self.request),
            ("timeouts.idle", self.idle),
            ("timeouts.write", self.write),
            ("timeouts.drain", self.drain),
            ("timeouts.linger", self.linger),
        ]
    }
}

/// The longest audience, so that a request has room for it.
const AUDIENCE_BYTES_MAX: usize = 64;

/// The longest time that can be waited for.
const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    /// Settings from a file with these lines and a class file.
    fn read(lines: &str) -> Result<Settings, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("my.toml");
        let class =
            if lines.contains("[gradebook]") { "" } else { "[gradebook]\nfile = \"c.csv\"\n" };
        std::fs::write(&path, format!("{class}{lines}")).unwrap();
        Settings::read(Some(&path)).map_err(|error| {
            error.to_string().replace(&folder.path().display().to_string(), "FOLDER")
        })
    }

    #[track_caller]
    fn refused(lines: &str) -> String {
        match read(lines) {
            Ok(_) => panic!("was accepted"),
            Err(text) => text,
        }
    }

    #[test]
    fn the_defaults_are_valid_but_for_the_class_file() {
        let settings = read("").unwrap();
        assert_eq!(settings.listen, "127.0.0.1:50000".parse().unwrap());
        assert_eq!(settings.style, Style::Lab);
        assert!(settings.sources.class.ends_with("c.csv"));
        assert!(settings.sources.class.is_absolute(), "beside the settings file");
    }

    #[test]
    fn an_unknown_key_is_named_with_its_siblings() {
        assert_eq!(
            refused("[console]\nstile = \"lab\""),
            "FOLDER/my.toml: console.stile: no such setting; there are: console.style"
        );
        assert!(
            refused("[consle]\nstyle = \"lab\"")
                .contains("consle.style: no such setting; there are: audit.file")
        );
        assert!(
            refused("server = 3\n[gradebook]")
                .starts_with("FOLDER/my.toml: server: no such setting")
        );
    }

    #[test]
    fn a_wrong_value_is_named_with_its_key_and_a_remedy() {
        for (lines, text) in [
            ("[server]\nworkers = 0", "server.workers = 0: must be 1 to 1024; the default is 1"),
            (
                "[server]\nworkers = \"many\"",
                "server.workers = \"many\": is not an integer; the default is 1",
            ),
            (
                "[server]\nlisten = \"localhost\"",
                "server.listen = \"localhost\": is not an IP address and a port, like 127.0.0.1:50000 or [::1]:50000; the default is \"127.0.0.1:50000\"",
            ),
            (
                "[timeouts]\nidle = \"3 parsecs\"",
                "timeouts.idle = \"3 parsecs\": is not a duration; the default is \"10m\"",
            ),
            (
                "[gradebook]\nrows_max = 1.5",
                "gradebook.rows_max = 1.5: is not a whole number; the default is 1000000",
            ),
            (
                "[gradebook]\nfile = 3",
                "gradebook.file = 3: is not a text in quotes; the default is \"\"",
            ),
            (
                "[timeouts]\nidle = \"0s\"",
                "timeouts.idle = \"0s\": must be longer than nothing; the default is \"10m\"",
            ),
            (
                "[console]\nstyle = \"loud\"",
                "console.style = \"loud\": must be \"lab\" or \"log\" or \"json\" or \"quiet\"; the default is \"lab\"",
            ),
            (
                "[audit]\ntimeout = \"0s\"",
                "audit.timeout = \"0s\": must be longer than nothing; the default is \"1s\"",
            ),
        ] {
            assert_eq!(refused(lines), format!("FOLDER/my.toml: {text}"));
        }
        assert!(
            refused("[gradebook]\nwatch = true")
                .contains("gradebook.file = \"\": the class file must be set")
        );
        assert!(refused("[server").contains("unclosed table"));
    }

    #[test]
    fn a_value_as_long_as_a_key_is_not_shown() {
        let key = format!("{}=", "k".repeat(43));
        for setting in
            ["[console]\nstyle", "[server]\nworkers", "[timeouts]\nidle", "[lab]\nreveal_key"]
        {
            let text = refused(&format!("{setting} = \"{key}\""));
            assert!(!text.contains(&key) && text.contains(" = <44 bytes>: "), "{text}");
        }
        let text = refused(&format!("[server]\n{key}"));
        assert!(!text.contains(&key) && text.contains("line 4, column"), "{text}");
    }

    #[test]
    fn keys_are_revealed_on_loopback_only() {
        let reveal = |listen| format!("[server]\nlisten = \"{listen}\"\n[lab]\nreveal_key = true");
        let sealed = "[server]\nprofile = \"sealed\"\n[sealed]\naudience = \"a\"\n";
        let text = refused(&format!("{sealed}[lab]\nreveal_key = true"));
        assert!(text.contains("is for server.profile = \"lab\" only"), "{text}");
        assert!(read(&reveal("127.0.0.1:0")).is_ok());
        assert!(read(&reveal("[::1]:0")).is_ok());
        assert!(refused(&reveal("0.0.0.0:50000")).contains("works on loopback only"));
        assert!(refused(&reveal("192.0.2.1:50000")).contains("works on loopback only"));
    }

    #[test]
    fn requests_in_clear_are_for_this_machine_unless_that_is_allowed() {
        let listen = "[server]\nlisten = \"0.0.0.0:0\"\n";
        assert!(refused(listen).contains("or server.allow_clear_requests = true"));
        assert!(read(&format!("{listen}allow_clear_requests = true")).is_ok());
        let sealed = format!("{listen}profile = \"sealed\"\n[sealed]\naudience = \"nets-2026\"");
        assert!(read(&sealed).is_ok());
    }

    #[test]
    fn a_profile_has_its_own_defaults_and_needs() {
        let sealed = "[server]\nprofile = \"sealed\"\n";
        assert!(refused(sealed).contains("sealed.audience = \"\": must name course and term"));
        assert!(
            refused(&format!("{sealed}[sealed]\naudience = \"two words\"")).contains("audience")
        );
        let named = format!("{sealed}[sealed]\naudience = \"nets-2026\"\n");
        assert_eq!(read(&named).unwrap().read.policy.population_min, 5);
        assert_eq!(read("").unwrap().read.policy.population_min, 1);
        let explicit = format!("{named}[gradebook]\nfile = \"c.csv\"\npopulation_min = 3");
        assert_eq!(read(&explicit).unwrap().read.policy.population_min, 3);
        let short = format!("{named}[limits]\nline_bytes = 100");
        assert!(refused(&short).contains("must be 512 to 65536"));
        assert!(refused("[server]\nprofile = \"open\"").contains("must be \"lab\" or \"sealed\""));
    }

    #[test]
    fn a_file_has_one_purpose() {
        for lines in [
            "[gradebook]\nfile = \"a\"\nkeys_file = \"a\"",
            "[gradebook]\nfile = \"a\"\nstate_file = \"a\"",
            "[audit]\nfile = \"c.csv\"",
            "[gradebook]\nfile = \"a\"\nkeys_file = \"b.head\"\n[audit]\nfile = \"b\"",
        ] {
            assert!(refused(lines).contains("too; name another"), "{lines}");
        }
        assert!(read("[gradebook]\nfile = \"a\"\nkeys_file = \"b\"\nstate_file = \"c\"").is_ok());
    }

    #[test]
    fn sizes_and_durations_have_units() {
        let settings =
            read("[limits]\noutput_bytes = \"8KiB\"\n[timeouts]\nidle = \"1m 30s\"").unwrap();
        assert_eq!(settings.session_config.batch.output_bytes, 8192);
        assert_eq!(settings.session_config.timeouts.idle, Duration::from_secs(90));
    }
}
