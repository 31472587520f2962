//! What supervisorctl takes from the file. It reads the main file only.

use super::reader::{Got, Reader};
use super::report::{Problem, Told};
use crate::config::{CtlConfig, CtlTls};
use crate::datatypes as kinds;
use crate::diagnostic::{Code, Failure};
use crate::host::Host;
use crate::options::{supervisorctl as keys, supervisord};
use crate::paths;
use crate::python::{repr, strip};
use std::path::{Path, PathBuf};

/// Reads and checks `[supervisorctl]`.
///
/// Unlike supervisord, it expands a `~` at the beginning of the path for `%(here)s`.
pub fn load_supervisorctl(path: &Path, host: &dyn Host) -> Result<CtlConfig, Failure> {
    let shown = path.to_string_lossy().into_owned();
    let normal = paths::normalize(&shown, host)
        .to_string_lossy()
        .into_owned();
    let mut reader = Reader::new(host, shown, paths::dirname(&normal).into());
    let made = read(&mut reader, path);
    reader.report.finish(made).map(|(config, _)| config)
}

/// Where the supervisord of a file has its pid file; none if the file does not say.
///
/// Only the main file is read, as for the rest of supervisorctl.
pub fn load_pidfile(path: &Path, host: &dyn Host) -> Result<Option<PathBuf>, Failure> {
    let shown = path.to_string_lossy().into_owned();
    let normal = paths::normalize(&shown, host)
        .to_string_lossy()
        .into_owned();
    let mut reader = Reader::new(host, shown, paths::dirname(&normal).into());
    let made = read_pidfile(&mut reader, path);
    reader.report.finish(made).map(|(pidfile, _)| pidfile)
}

fn read_pidfile(reader: &mut Reader<'_>, path: &Path) -> Result<Option<PathBuf>, Told> {
    reader.read_main(path)?;
    let (section, key) = (supervisord::SECTION.header, &supervisord::PIDFILE);
    if reader.sections.get(section, key.name).is_none() {
        return Ok(None);
    }
    let scope = reader.scope(section);
    let got = reader.text(&scope, key)?;
    Ok(got.map(|got| paths::normalize(&got.text, reader.host)))
}

fn read(reader: &mut Reader<'_>, path: &Path) -> Result<CtlConfig, Told> {
    reader.read_main(path)?;
    let name = keys::SECTION.header;
    if reader.sections.section(name).is_none() {
        return Err(reader.report.error(Problem {
            code: Code::MissingSection,
            upstream: ".ini file does not include supervisorctl section".to_owned(),
            message: "there is no [supervisorctl] section in the main file".to_owned(),
            place: None,
            help: Some("add a line `[supervisorctl]` and a `serverurl` below it".to_owned()),
        }));
    }
    let scope = reader.scope(name);
    let bare = reader.bare_scope(name);
    let host = reader.host;
    let serverurl = reader.value(&scope, &keys::SERVERURL, |url| {
        Ok(match url.strip_prefix("unix://") {
            Some(path) => format!("unix://{}", paths::normalize(path, host).display()),
            None => url.to_owned(),
        })
    });
    let text = |got: Option<Got>| got.map(|got| got.text.into_owned());
    let prompt = reader.value(&bare, &keys::PROMPT, |prompt| Ok(prompt.to_owned()));
    let username = reader.text(&bare, &keys::USERNAME).map(text);
    let password = reader.text(&bare, &keys::PASSWORD).map(text);
    let password_file = reader.text(&scope, &keys::PASSWORD_FILE).map(text);
    let daemon_uid = reader
        .sections
        .get(supervisord::SECTION.header, supervisord::USER.name)
        .and_then(|value| kinds::user(&value.text, host).ok());
    let history_file = reader.text(&scope, &keys::HISTORY_FILE).map(text);
    let tls = tls(reader, name);
    let plugins = reader.command_plugins();
    let history_file = history_file?.filter(|path| !path.is_empty());
    Ok(CtlConfig {
        serverurl: serverurl?,
        username: username?,
        password: password?,
        password_file: password_file?
            .filter(|path| !path.is_empty())
            .map(|path| paths::normalize(&path, host)),
        daemon_uid: daemon_uid.map(|user| user.uid),
        prompt: prompt?,
        history_file: history_file.map(|path| paths::normalize(&path, host)),
        tls: tls?,
        plugins,
    })
}

/// Whom to believe, and who we are.
fn tls(reader: &mut Reader<'_>, section: &str) -> Result<CtlTls, Told> {
    let scope = reader.scope(section);
    let fingerprint = reader.optional(&scope, &keys::TLS_FINGERPRINT, fingerprint);
    let mut file = |spec| {
        let got = reader.text(&scope, spec)?;
        let got = got.filter(|got| !strip(&got.text).is_empty());
        Ok(got.map(|got| (paths::normalize(strip(&got.text), reader.host), got)))
    };
    let (authorities, own) = (file(&keys::TLS_CA), file(&keys::TLS_CERT));
    let key = file(&keys::TLS_KEY);
    let (path_of, own, key) = (|(path, _): (PathBuf, Got)| path, own?, key?);
    let own = match (own, key) {
        (Some(own), Some(key)) => Some((path_of(own), path_of(key))),
        (None, None) => None,
        (Some((_, got)), None) | (None, Some((_, got))) => {
            let sentence =
                format!("[{section}] has one of `tls_cert` and `tls_key` without the other");
            let help = Some("add the other line, or remove this one".to_owned());
            return Err(reader.wrong(&scope, Code::Contradiction, &sentence, got.place(), help));
        }
    };
    Ok(CtlTls {
        authorities: authorities?.map(path_of),
        fingerprint: fingerprint?,
        own,
    })
}

fn fingerprint(text: &str) -> Result<[u8; 32], kinds::Bad> {
    let bad = || {
        kinds::Bad::new(
            format!("not a fingerprint: {}", repr(text)),
            "`sha256:` and 64 hexadecimal digits",
        )
    };
    let text = strip(text).to_ascii_lowercase();
    let digits = text.strip_prefix("sha256:").ok_or_else(bad)?;
    let digits: Option<Vec<u32>> = digits
        .chars()
        .filter(|&char| char != ':')
        .map(|char| char.to_digit(16))
        .collect();
    let digits = digits.ok_or_else(bad)?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |&[high, low]: &[u32; 2]| u8::try_from(high * 16 + low).unwrap_or_default();
    let bytes: Vec<u8> = pairs.iter().map(byte).collect();
    match <[u8; 32]>::try_from(bytes) {
        Ok(bytes) if rest.is_empty() => Ok(bytes),
        _ => Err(bad()),
    }
}
