//! Passwords of the configuration: what is needed of them is kept, and no more.
//!
//! What a client sends has to be compared with them, which takes a digest only. Whoever reads our memory finds nothing to
//! log in with; a password that can be guessed can be guessed from it all the same, as from every digest.

use provost_config::{Config, Sources};
use provost_model::access::{AccessSpec, Secret};
use provost_model::config::ServerSpec;
use provost_os::{random, wiping};
use sha2::{Digest as _, Sha256};
use std::io;
use subtle::{Choice, ConstantTimeEq as _};

/// What marks a sealed password: a salt and a digest in hexadecimal digits follow. No line of a file begins so.
const MARK: &str = "\0sealed:";

/// What marks the forms in which a file can hold a password, other than in clear.
const DIGESTS: [&str; 2] = ["{SHA}", "{ARGON2ID}"];

/// Seals all passwords of a configuration that is about to be lived with, and forgets the text that it was read from.
pub(crate) fn config(config: &mut Config) -> io::Result<()> {
    config.sources = Sources::default();
    servers(&mut config.servers)?;
    users(&mut config.access)?;
    wiping::dead_stack();
    Ok(())
}

/// Seals the passwords of servers.
pub(crate) fn servers<'a>(servers: impl IntoIterator<Item = &'a mut ServerSpec>) -> io::Result<()> {
    for server in servers {
        if let Some((_, password)) = &mut server.credentials {
            seal(password)?;
        }
    }
    Ok(())
}

fn users(access: &mut AccessSpec) -> io::Result<()> {
    for user in &mut access.users {
        if let Some(Secret(password)) = &mut user.password {
            seal(password)?;
        }
    }
    Ok(())
}

fn seal(password: &mut String) -> io::Result<()> {
    if password.starts_with(MARK) || DIGESTS.iter().any(|mark| password.starts_with(mark)) {
        return Ok(());
    }
    let salt = hex(&random::secret::<16>()?);
    let digest = digest(&salt, password.as_bytes());
    // The clear text is wiped as all memory that is given back.
    *password = format!("{MARK}{salt}:{digest}");
    Ok(())
}

/// Whether a password is this sealed one; none when that one is not sealed.
pub(crate) fn fits(sealed: &str, given: &[u8]) -> Option<Choice> {
    let (salt, known) = sealed.strip_prefix(MARK)?.split_once(':')?;
    Some(digest(salt, given).as_bytes().ct_eq(known.as_bytes()))
}

fn digest(salt: &str, password: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(password);
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| {
        let digit = DIGITS.get(usize::from(value));
        digit.map_or('0', |&digit| char::from(digit))
    };
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(text: &str) -> String {
        let mut password = text.to_owned();
        seal(&mut password).unwrap();
        password
    }

    #[test]
    fn s10_a_sealed_password_fits_itself_only_and_is_not_in_it() {
        let once = sealed("open sesame");
        assert!(!once.contains("sesame"));
        assert_ne!(once, sealed("open sesame"), "two salts");
        let fits = |given: &str| fits(&once, given.as_bytes()).map(bool::from);
        assert_eq!(fits("open sesame"), Some(true));
        assert_eq!(fits("open sesam"), Some(false));
        assert_eq!(fits(""), Some(false));
        assert_eq!(fits(&once), Some(false));
        assert_eq!(sealed(&once), once, "once is enough");
    }

    #[test]
    fn what_is_a_digest_already_stays_as_it_is() {
        for stored in ["{SHA}abc", "{ARGON2ID}$argon2id$x"] {
            assert_eq!(sealed(stored), stored);
            assert!(fits(stored, b"x").is_none());
        }
        assert!(sealed("").starts_with(MARK));
    }
}
