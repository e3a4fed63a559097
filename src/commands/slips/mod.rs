//! `keys slips`: what each student needs on a slip of paper: the key, and how to read marks with it.
//!
//! Files are new and for their owner alone. A slip names an address only if students can reach it.

mod mail_merge;
mod sheet;
mod slip;
mod text;

use std::collections::HashSet;
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use grade_actors::{Profile, SealedProfile};
use zeroize::Zeroizing;

use super::count;
use super::keys::{KeysError, check_output, read_keys};
use crate::files::load::load;
use crate::files::private_file::create_new;
use crate::server_address::{DEFAULT_PORT, ServerAddress};
use crate::settings::Settings;
use slip::{PageOnSlip, Place, Slip};

/// The port of an address without one that begins with https.
const HTTPS_PORT: u16 = 443;

/// How slips are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SlipFormat {
    /// Plain text.
    #[default]
    Text,
    /// A sheet to print from a browser, with a QR code for each student.
    Sheet,
    /// A table for mail merge.
    MailMerge,
}

/// What to write, and where.
pub(crate) struct SlipOptions<'a> {
    /// The students; all if none are named.
    pub(crate) ids: &'a [String],
    /// Where students connect to, as the user gave it.
    pub(crate) server: Option<&'a str>,
    pub(crate) format: SlipFormat,
    /// The file, which must be new.
    pub(crate) output: Option<&'a Path>,
    /// A folder for a file of each student, instead of one file.
    pub(crate) per_student: Option<&'a Path>,
}

impl SlipFormat {
    fn extension(self) -> &'static str {
        match self {
            Self::Text => "txt",
            Self::Sheet => "html",
            Self::MailMerge => "csv",
        }
    }

    fn write(self, place: &Place, slips: &[Slip<'_>]) -> Result<Zeroizing<String>, KeysError> {
        match self {
            Self::Text => Ok(text::write(place, slips)),
            Self::Sheet => sheet::write(place, slips),
            Self::MailMerge => mail_merge::write(place, slips),
        }
    }
}

/// Writes a slip for each of these students.
pub(crate) fn write(settings: &Settings, options: &SlipOptions<'_>) -> Result<String, KeysError> {
    let place = place(settings, options)?;
    let class = load(&settings.sources, &settings.read_limits)?.class;
    let (path, keys) = read_keys(settings)?;
    if let Some(id) = options.ids.iter().find(|id| keys.keys(id).is_none()) {
        return Err(KeysError::unknown_student(&path, id));
    }
    let wanted: HashSet<_> = options.ids.iter().map(String::as_str).collect();
    let mut slips = Vec::new();
    for (id, name, _) in class.rows() {
        let is_wanted = wanted.is_empty() || wanted.contains(id);
        if let Some(keys) = keys.keys(id).filter(|_| is_wanted) {
            slips.push(Slip { id, name, key: keys.current() });
        }
    }
    let format = options.format;
    if let Some(folder) = options.per_student {
        return write_each(folder, format, &place, &slips);
    }
    let default = path.with_file_name(format!("slips.{}", format.extension()));
    let output = options.output.map_or(default, Path::to_path_buf);
    check_output(&output)?;
    let text = format.write(&place, &slips)?;
    create_new(&output, text.as_bytes()).map_err(|error| KeysError::write(&output, error))?;
    let slips = count(slips.len(), "slip");
    let output = output.display();
    Ok(match format {
        SlipFormat::MailMerge => {
            format!("{output}: {slips}; merge the table into your letters, and delete it")
        }
        _ => format!("{output}: {slips}; print the file, cut it, and delete it"),
    })
}

/// Writes a file for each student into a folder, or none if one of them exists.
fn write_each(
    folder: &Path,
    format: SlipFormat,
    place: &Place,
    slips: &[Slip<'_>],
) -> Result<String, KeysError> {
    check_output(folder)?;
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(KeysError::write(folder, error));
        }
        _ => {}
    }
    let path = |slip: &Slip<'_>| folder.join(format!("{}.{}", slip.id, format.extension()));
    let taken: Option<PathBuf> =
        slips.iter().map(path).find(|path| path.symlink_metadata().is_ok());
    if let Some(taken) = taken {
        return Err(KeysError::write(&taken, ErrorKind::AlreadyExists.into()));
    }
    for slip in slips {
        let text = format.write(place, std::slice::from_ref(slip))?;
        let path = path(slip);
        create_new(&path, text.as_bytes()).map_err(|error| KeysError::write(&path, error))?;
    }
    let files = count(slips.len(), "file");
    Ok(format!(
        "{}: {files}, one for each student; hand them out, and delete them",
        folder.display()
    ))
}

/// What all slips have in common.
fn place(settings: &Settings, options: &SlipOptions<'_>) -> Result<Place, KeysError> {
    let audience = match &settings.profile {
        Profile::Sealed(SealedProfile { audience, .. }) => Some(audience.clone()),
        Profile::Lab(_) => None,
    };
    let page = match (&settings.public_url, settings.page()) {
        (Some(url), Ok(page)) => {
            let address = ServerAddress::parse(url.authority(), HTTPS_PORT);
            let is_reachable = address.is_some_and(|address| address.is_reachable());
            if !is_reachable && options.format == SlipFormat::Sheet {
                return Err(KeysError::PublicUrl(url.to_string()));
            }
            is_reachable.then(|| PageOnSlip { url: url.to_string(), hash: page.hash().to_owned() })
        }
        _ => None,
    };
    let server = match server_for_students(settings, options.server) {
        // Students who use the page need no other address.
        Err(KeysError::NoServer(_)) if options.server.is_none() && page.is_some() => None,
        server => Some(server?),
    };
    Ok(Place { server, audience, page })
}

/// The address that students connect to: the one that is given, or else that of the settings.
fn server_for_students(settings: &Settings, given: Option<&str>) -> Result<String, KeysError> {
    let address = match (given, settings.listen.first()) {
        (Some(text), _) => ServerAddress::parse(text, DEFAULT_PORT),
        (None, Some(address)) => ServerAddress::parse(&address.to_string(), DEFAULT_PORT),
        (None, None) => None,
    };
    let address = address.ok_or(KeysError::BadServer)?;
    if address.is_reachable() {
        Ok(address.to_string())
    } else {
        Err(KeysError::NoServer(address.to_string()))
    }
}
