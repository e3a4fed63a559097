//! `keys slips`: a slip of paper for each student, with the key and what to do with it.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;

use fernet_batch::StudentKeys;
use grade_actors::{Profile, SealedProfile};
use zeroize::Zeroizing;

use super::count;
use super::keys::{KeysError, check_output, read_keys};
use crate::files::load::load;
use crate::files::private_file::create_new;
use crate::process::complain;
use crate::redact::escape;
use crate::server_address::{DEFAULT_PORT, ServerAddress};
use crate::settings::Settings;

/// Writes a slip for each of these students, or for all if none are named.
pub(crate) fn write(
    settings: &Settings,
    ids: &[String],
    server: Option<&str>,
    output: Option<&Path>,
) -> Result<String, KeysError> {
    let class = load(&settings.sources, &settings.read_limits)?.class;
    let (path, keys) = read_keys(settings)?;
    let output = output.map_or_else(|| path.with_file_name("slips.txt"), Path::to_path_buf);
    check_output(&output)?;
    if let Some(id) = ids.iter().find(|id| keys.keys(id).is_none()) {
        return Err(KeysError::unknown_student(&path, id));
    }
    let server = address_for_students(settings, server)?;
    let audience = match &settings.profile {
        Profile::Sealed(SealedProfile { audience, .. }) => Some(audience.as_str()),
        Profile::Lab(_) => None,
    };
    let wanted: HashSet<_> = ids.iter().map(String::as_str).collect();
    let mut slips = Vec::new();
    for (id, name, _) in class.rows() {
        let is_wanted = wanted.is_empty() || wanted.contains(id);
        if let Some(keys) = keys.keys(id).filter(|_| is_wanted) {
            slips.push(Slip { id, name, keys, server: &server, audience });
        }
    }
    // A text that grows leaves copies of keys behind, so all of it is reserved.
    let bytes = slips.iter().map(Slip::bytes_max).sum();
    let mut text = Zeroizing::new(String::with_capacity(bytes));
    for slip in &slips {
        slip.write(&mut text);
    }
    create_new(&output, text.as_bytes()).map_err(|error| KeysError::write(&output, error))?;
    let slips = count(slips.len(), "slip");
    Ok(format!("{}: {slips}; print the file, cut it, and delete it", output.display()))
}

/// The address that students connect to: the one that is given, or else that of the settings.
fn address_for_students(settings: &Settings, given: Option<&str>) -> Result<String, KeysError> {
    let port = settings.listen.first().map_or(DEFAULT_PORT, SocketAddr::port);
    let address = match (given, settings.listen.first()) {
        (Some(text), _) => ServerAddress::parse(text, port),
        (None, Some(address)) => ServerAddress::parse(&address.to_string(), port),
        (None, None) => None,
    };
    let address = address.ok_or(KeysError::BadServer)?;
    match address.ip() {
        Some(ip) if ip.is_unspecified() => Err(KeysError::NoServer(address.to_string())),
        Some(ip) if ip.is_loopback() && given.is_none() => {
            complain(&format!(
                "warning: the slips name {address}, which is this machine alone; give the address that \
                 students use with --server HOST:PORT"
            ));
            Ok(address.to_string())
        }
        _ => Ok(address.to_string()),
    }
}

/// What a slip says.
struct Slip<'a> {
    id: &'a str,
    name: &'a str,
    keys: &'a StudentKeys,
    server: &'a str,
    audience: Option<&'a str>,
}

impl Slip<'_> {
    /// An upper bound of the slip's length.
    fn bytes_max(&self) -> usize {
        const FIXED_BYTES: usize = 512;
        let repeated = self.id.len() + self.server.len() + self.audience.map_or(0, str::len);
        FIXED_BYTES + 2 * repeated + escape(self.name).len()
    }

    fn write(&self, text: &mut String) {
        let key = self.keys.current();
        let course = self.audience.map_or_else(String::new, |name| format!(" for {name}"));
        let sealed = self.audience.map_or_else(String::new, |name| format!(" --sealed {name}"));
        for part in [
            escape(self.name).as_ref(),
            "  (",
            self.id,
            ")\n\nYour key",
            &course,
            ", which nobody else may know:\n\n    ",
            &key.expose_text(),
            "\n\nWrite it to a file that only you can read (me.key, chmod 600). Its fingerprint,\nwhich \
             grade-client --key-file me.key --fingerprint prints, is ",
            &key.fingerprint(),
            ".\nThen ask for your grades:\n\n    grade-client --server ",
            self.server,
            &sealed,
            " --id ",
            self.id,
            " --key-file me.key GG\n\n8< ",
            "- ".repeat(38).trim_end(),
            "\n\n",
        ] {
            text.push_str(part);
        }
    }
}
