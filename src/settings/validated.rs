//! All settings, validated and split into each part's slice.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use class_files::ReadLimits;
use grade_actors::{ConnectionLimits, Exposure, Profile, Proxies, SealedProfile, SessionLimits};
use grade_web::{Page, PublicUrl};
use gradebook::PrivacyPolicy;

use super::layers::SettingsError;
use crate::audit::AuditOptions;
use crate::command_line::CommandLine;
use crate::events::ConsoleStyle;
use crate::files::FileState;
use crate::files::certificate::CertificateFiles;
use crate::files::load::Sources;

/// All settings, validated.
pub struct Settings {
    /// The file of these settings, and the state in which it was read.
    pub file: Option<(PathBuf, FileState)>,
    /// Where to listen, at least one address.
    pub listen: Vec<SocketAddr>,
    /// The proxies whose word about a client's address is believed.
    pub proxies: Proxies,
    /// Where the page is served, if anywhere.
    pub http: Option<HttpSettings>,
    /// Where students reach the page.
    pub public_url: Option<PublicUrl>,
    /// The number of threads that sessions are spread over.
    pub workers: usize,
    /// Which requests are answered.
    pub profile: Profile,
    /// The class file, and the key file if there is one.
    pub sources: Sources,
    /// How large these files may be.
    pub read_limits: ReadLimits,
    /// Which statistics are released.
    pub policy: PrivacyPolicy,
    /// Where editions are kept, if they outlive the process.
    pub history: Option<HistorySettings>,
    /// Whether to watch the class file.
    pub watch: bool,
    /// The most students, in percent, that a new class file may lack.
    pub shrink_percent_max: u8,
    /// The limits of each session.
    pub session: SessionLimits,
    /// How many connections there may be.
    pub connections: ConnectionLimits,
    /// The most restarts after failures within a minute.
    pub restarts_max: usize,
    /// How long open sessions may take to end.
    pub drain: Duration,
    /// Where every request is recorded, if there is an audit log.
    pub audit: Option<AuditOptions>,
    /// What the console prints.
    pub console: ConsoleStyle,
    /// What the operator should know of these settings.
    pub warnings: Vec<String>,
}

/// Where editions are kept, and what publishes them.
pub struct HistorySettings {
    /// The folder of the history.
    pub(crate) folder: PathBuf,
    /// The key file, which a history requires.
    pub(crate) keys: PathBuf,
    /// The most editions whose content is kept, at least 1.
    pub(crate) editions_max: usize,
    /// The state file of an earlier version, which an empty history takes over.
    pub(crate) import: Option<PathBuf>,
    /// What publishes a class file that was saved.
    pub(crate) mode: PublishMode,
    /// The socket for the commands about editions.
    pub(crate) socket: PathBuf,
}

/// What publishes a class file that was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishMode {
    /// Reading it, unless it looks wrong.
    OnSave,
    /// The command `publish`.
    OnCommand,
}

/// How the page is served.
pub struct HttpSettings {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// The certificate; without one, the server speaks HTTP in clear.
    pub(crate) certificate: Option<CertificateFiles>,
}

impl Settings {
    /// Command lines of this program with these settings.
    pub fn command_line(&self) -> CommandLine {
        CommandLine { config: self.file.as_ref().map(|(path, _)| path.clone()) }
    }

    /// The number of listeners that take connections: one for sessions, and one for the page if it is
    /// served.
    pub(crate) fn listeners(&self) -> usize {
        1 + usize::from(self.http.is_some())
    }

    /// Where students reach the page.
    ///
    /// # Errors
    /// Returns an error if the settings do not say it.
    pub(crate) fn public_url(&self) -> Result<&PublicUrl, SettingsError> {
        self.public_url.as_ref().ok_or_else(|| {
            let what = "must name where students reach the page, like https://grades.example.org";
            SettingsError::unset("http.public_url", what)
        })
    }

    /// The page of these settings.
    ///
    /// # Errors
    /// Returns an error in the profile `lab`, which has no page.
    pub fn page(&self) -> Result<Page, SettingsError> {
        match &self.profile {
            Profile::Sealed(SealedProfile { audience, .. }) => {
                Ok(Page::new(audience, self.public_url.as_ref()))
            }
            Profile::Lab(_) => Err(SettingsError::without_page()),
        }
    }

    /// Where editions are kept.
    ///
    /// # Errors
    /// Returns an error if they are not kept.
    pub(crate) fn history(&self) -> Result<&HistorySettings, SettingsError> {
        self.history.as_ref().ok_or_else(|| {
            let what = "must name the folder in which the server keeps its editions";
            SettingsError::unset("gradebook.history", what)
        })
    }

    /// The key file.
    ///
    /// # Errors
    /// Returns an error if the keys stand in the class file.
    pub fn keys_file(self) -> Result<PathBuf, SettingsError> {
        self.sources.keys.ok_or_else(|| {
            let what = "the keys stand in the class file, which is never written; make a key file with \
                        keys issue, or name one with --keys";
            SettingsError::unset("gradebook.keys_file", what)
        })
    }
}

/// What is wrong with listening on an address, and what to do.
pub(crate) fn exposure_text(exposure: Exposure) -> &'static str {
    match exposure {
        Exposure::Keys => {
            "lab.reveal_key sends every key in clear, so it works on loopback only; listen on \
             127.0.0.1 or set lab.reveal_key = false"
        }
        Exposure::Requests => {
            "requests in clear from other machines show anyone on the way who asks; set \
             server.profile = \"sealed\", or server.allow_clear_requests = true"
        }
    }
}
