//! From raw settings to validated ones: ranges, choices, and combinations that exclude each other.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use class_files::{Format, ReadLimits};
use fernet_batch::DecoyKeys;
use grade_actors::{LabProfile, Profile, Proxies, SealedProfile};
use gradebook::UnknownStudent;
use gradebook::sealed::ReplayLimits;
use ipnet::IpNet;

use super::checks::MONTH;
use super::layers::{Layers, SettingsError};
use super::raw::{RawAudit, RawGradebook, RawLab, RawSealed, RawSettings};
use super::validated::{Settings, exposure_text};
use crate::audit::AuditOptions;
use crate::events::ConsoleStyle;
use crate::files::load::{Sources, reading_threads};

/// How long to wait between a token and its key, so that they arrive in two reads.
const REVEAL_PAUSE: Duration = Duration::from_millis(50);
/// The most restarts after failures within a minute.
const RESTARTS_MAX: usize = 5;
/// The longest audience, so that a sealed request has room for it.
const AUDIENCE_BYTES_MAX: usize = 64;
/// Validates raw settings.
pub(super) struct Validator<'a> {
    pub(super) layers: &'a Layers,
    /// The folder that relative paths start from.
    folder: &'a Path,
}

impl<'a> Validator<'a> {
    pub(super) fn new(layers: &'a Layers, folder: &'a Path) -> Self {
        Self { layers, folder }
    }

    pub(super) fn settings(&self, raw: &RawSettings) -> Result<Settings, SettingsError> {
        let RawSettings { server, gradebook, limits, timeouts, http, .. } = raw;
        let profile = self.profile(raw)?;
        let listen = self.listen(server.listen.texts(), &profile)?;
        let proxies = self.proxies(server.proxies.texts())?;
        if proxies.is_everybody() {
            return Err(self.layers.invalid(
                "server.proxies",
                "names every address, so that anyone could name another client; name the proxies",
            ));
        }
        let is_sealed = profile.is_sealed();
        let http_settings = self.http(http, &profile, &proxies, &listen)?;
        self.check_files(raw)?;
        let shrink_percent_max = gradebook.shrink_percent_max;
        let console = self.console_style(&raw.console.style)?;
        let mut warnings = self.layers.warnings().to_vec();
        if console == ConsoleStyle::Lab && profile.is_sealed() {
            warnings.push(
                "console.style = \"lab\" prints the name and the marks of every student, into a \
                 journal too; use \"log\" or \"json\""
                    .to_owned(),
            );
        }
        Ok(Settings {
            file: None,
            listen,
            proxies,
            http: http_settings,
            public_url: self.public_url(&http.public_url, is_sealed)?,
            workers: self.layers.number("server.workers", server.workers, 1, 1024)?,
            sources: self.sources(gradebook, &profile)?,
            read_limits: self.read_limits(gradebook)?,
            policy: self.policy(gradebook, &profile)?,
            history: self.history(raw)?,
            watch: gradebook.watch,
            shrink_percent_max: self.layers.number(
                "gradebook.shrink_percent_max",
                shrink_percent_max,
                0,
                100,
            )?,
            session: self.session_limits(limits, timeouts, &profile)?,
            connections: self.connections(limits)?,
            restarts_max: RESTARTS_MAX,
            drain: timeouts.drain,
            audit: self.audit(&raw.audit)?,
            console,
            warnings,
            profile,
        })
    }

    fn profile(&self, raw: &RawSettings) -> Result<Profile, SettingsError> {
        // Checked in every profile, so that a wrong value is not found only after a change of profile.
        let id_digits = self.layers.number("lab.id_digits", raw.lab.id_digits, 1, 18)?;
        let names = [("lab", false), ("sealed", true)];
        let sealed = self.layers.choice("server.profile", &raw.server.profile, &names)?;
        if !sealed {
            return self
                .lab_profile(&raw.lab, id_digits, raw.server.allow_clear_requests)
                .map(Profile::Lab);
        }
        if raw.lab.reveal_key {
            let what = "is for server.profile = \"lab\" only";
            return Err(self.layers.invalid("lab.reveal_key", what));
        }
        self.sealed_profile(&raw.sealed).map(Profile::Sealed)
    }

    fn lab_profile(
        &self,
        lab: &RawLab,
        id_digits: u8,
        allow_remote: bool,
    ) -> Result<LabProfile, SettingsError> {
        let key = "lab.unknown_student";
        let choices = [("close", 0), ("error", 1), ("decoy", 2)];
        let unknown_student = match self.layers.choice(key, &lab.unknown_student, &choices)? {
            0 => UnknownStudent::Close,
            1 => UnknownStudent::Error,
            _ => {
                let keys = DecoyKeys::new();
                let keys = keys.map_err(|error| self.layers.invalid(key, &error.to_string()))?;
                UnknownStudent::Decoy(keys)
            }
        };
        Ok(LabProfile {
            id_digits,
            unknown_student,
            reveal_pause: lab.reveal_key.then_some(REVEAL_PAUSE),
            allow_remote,
        })
    }

    fn sealed_profile(&self, sealed: &RawSealed) -> Result<SealedProfile, SettingsError> {
        let RawSealed { audience, clock_skew, .. } = sealed;
        let is_plain = audience.chars().all(|char| char.is_ascii_graphic());
        if !(1..=AUDIENCE_BYTES_MAX).contains(&audience.len()) || !is_plain {
            let what = "must name course and term in 1 to 64 characters of ASCII without blanks, like \
                        nets-2026-autumn";
            return Err(self.layers.invalid("sealed.audience", what));
        }
        if clock_skew.as_secs() == 0 || *clock_skew > MONTH {
            return Err(self.layers.invalid("sealed.clock_skew", "must be 1 second to 30 days"));
        }
        let replays = |key, value| self.layers.number(key, value, 1, 1_000_000_000);
        let replays = ReplayLimits {
            per_student: replays("sealed.replays_per_student", sealed.replays_per_student)?,
            total: replays("sealed.replays", sealed.replays)?,
        };
        Ok(SealedProfile { audience: audience.clone(), clock_skew: *clock_skew, replays })
    }

    fn listen(
        &self,
        texts: &[String],
        profile: &Profile,
    ) -> Result<Vec<SocketAddr>, SettingsError> {
        let key = "server.listen";
        let mut addresses: Vec<SocketAddr> = Vec::new();
        for text in texts {
            let address = text.parse().map_err(|_| {
                let what = "is not an IP address and a port, like 127.0.0.1:50000 or [::1]:50000";
                self.layers.invalid(key, what)
            })?;
            if addresses.contains(&address) {
                return Err(self.layers.invalid(key, "names an address twice"));
            }
            addresses.push(address);
        }
        if addresses.is_empty() {
            return Err(self.layers.invalid(key, "must name an address"));
        }
        let mut ips = addresses.iter().map(SocketAddr::ip);
        ips.try_for_each(|ip| profile.check_exposure(ip))
            .map_err(|exposure| self.layers.invalid(key, exposure_text(exposure)))?;
        Ok(addresses)
    }

    fn proxies(&self, texts: &[String]) -> Result<Proxies, SettingsError> {
        let mut networks: Vec<IpNet> = Vec::new();
        for text in texts.iter().filter(|text| !text.is_empty()) {
            let network = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
            networks.push(network.map_err(|_| {
                let what = "is not a list of IP addresses and networks, like [\"192.0.2.7\", \
                            \"10.0.0.0/8\"]";
                self.layers.invalid("server.proxies", what)
            })?);
        }
        Ok(Proxies::new(networks))
    }

    /// A path that an empty text leaves unset.
    pub(super) fn path(&self, text: &str) -> Option<PathBuf> {
        (!text.is_empty()).then(|| self.folder.join(text))
    }

    fn sources(
        &self,
        gradebook: &RawGradebook,
        profile: &Profile,
    ) -> Result<Sources, SettingsError> {
        let class = self.path(&gradebook.file).ok_or_else(|| {
            let what = "must name the class file, here or with GRADES__GRADEBOOK__FILE";
            self.layers.invalid("gradebook.file", what)
        })?;
        let formats: Vec<_> = Format::names()
            .filter_map(|name| Format::named(name).map(|format| (name, format)))
            .collect();
        Ok(Sources {
            class,
            format: self.layers.choice("gradebook.format", &gradebook.format, &formats)?,
            course: self.path(&gradebook.course_file),
            keys: self.path(&gradebook.keys_file),
            strict: profile.is_sealed(),
            threads: reading_threads(),
        })
    }

    /// Rejects one file for two purposes: one of its contents would be lost.
    fn check_files(&self, raw: &RawSettings) -> Result<(), SettingsError> {
        let RawGradebook { file, course_file, keys_file, state_file, history, .. } = &raw.gradebook;
        let audit = &raw.audit.file;
        let head = if audit.is_empty() { String::new() } else { format!("{audit}.head") };
        let files = [
            ("gradebook.file", file),
            ("gradebook.course_file", course_file),
            ("gradebook.keys_file", keys_file),
            ("gradebook.state_file", state_file),
            ("gradebook.history", history),
            ("admin.socket", &raw.admin.socket),
            ("audit.file", audit),
            ("audit.file", &head),
            ("http.certificate", &raw.http.certificate),
        ];
        for (n, (key, file)) in files.iter().enumerate() {
            let same = files.iter().take(n).find(|(_, other)| other == file && !file.is_empty());
            if let Some((other, _)) = same {
                let what = format!("is the file of {other} too; name another file");
                return Err(self.layers.invalid(key, &what));
            }
        }
        Ok(())
    }

    fn read_limits(&self, gradebook: &RawGradebook) -> Result<ReadLimits, SettingsError> {
        let max = u64::from(u32::MAX);
        let bytes_max = gradebook.bytes_max.as_u64();
        Ok(ReadLimits {
            bytes_max: self.layers.number("gradebook.bytes_max", bytes_max, 1, max)?,
            rows_max: self.layers.number("gradebook.rows_max", gradebook.rows_max, 1, max)?,
        })
    }

    fn audit(&self, audit: &RawAudit) -> Result<Option<AuditOptions>, SettingsError> {
        self.layers.check_duration("audit.timeout", audit.timeout)?;
        Ok(self.path(&audit.file).map(|path| AuditOptions { path, timeout: audit.timeout }))
    }

    fn console_style(&self, text: &str) -> Result<ConsoleStyle, SettingsError> {
        let choices = [
            ("lab", ConsoleStyle::Lab),
            ("log", ConsoleStyle::Log),
            ("json", ConsoleStyle::Json),
            ("quiet", ConsoleStyle::Quiet),
        ];
        self.layers.choice("console.style", text, &choices)
    }
}
