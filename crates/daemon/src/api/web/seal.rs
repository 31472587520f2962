//! Tokens of pages with forms, and of the page that asks a person to confirm: only who has read such a page has one.

use crate::api::auth::hex;
use provost_os::random;
use sha1::{Digest as _, Sha1};
use std::io;
use std::time::{Duration, Instant};
use subtle::ConstantTimeEq as _;

/// How long a person may think.
const TIME: Duration = Duration::from_mins(10);

/// Makes tokens and knows them again. A token is for one action on one process, or for
/// [all that the forms of a page do](super::FORMS), and for some minutes.
pub(super) struct Seal {
    key: [u8; 32],
    since: Instant,
}

impl Seal {
    /// Fails when the system has no random bytes.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            key: random::secret()?,
            since: Instant::now(),
        })
    }

    /// A token: when it ends, in seconds since the seal was made, and a mark that only this seal can make.
    pub(super) fn token(&self, action: &str, name: Option<&str>) -> String {
        let end = (self.since.elapsed() + TIME).as_secs();
        format!("{end}-{}", self.mark(end, action, name))
    }

    /// Whether it is one of ours for this, and still good.
    pub(super) fn fits(&self, token: &str, action: &str, name: Option<&str>) -> bool {
        let Some((end, mark)) = token.split_once('-') else {
            return false;
        };
        let Ok(end) = end.parse::<u64>() else {
            return false;
        };
        let ours = self.mark(end, action, name);
        bool::from(ours.as_bytes().ct_eq(mark.as_bytes())) && self.since.elapsed().as_secs() < end
    }

    /// Hashed twice with the key, so that nobody can continue a hash that was seen.
    fn mark(&self, end: u64, action: &str, name: Option<&str>) -> String {
        let text = format!("{end} {} {action} {name:?}", action.len());
        let inner = Sha1::new()
            .chain_update(self.key)
            .chain_update(text)
            .finalize();
        hex(&Sha1::new()
            .chain_update(self.key)
            .chain_update(inner)
            .finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s04_a_token_is_for_one_action_one_process_one_daemon_and_some_minutes() {
        let seal = Seal::new().unwrap();
        let token = seal.token("stop", Some("a"));
        assert!(seal.fits(&token, "stop", Some("a")));
        for (action, name) in [
            ("start", Some("a")),
            ("stop", Some("b")),
            ("stop", None),
            ("", None),
        ] {
            assert!(!seal.fits(&token, action, name), "{action} {name:?}");
        }
        assert!(!Seal::new().unwrap().fits(&token, "stop", Some("a")));
        let (end, mark) = token.split_once('-').unwrap();
        let later = format!("{}-{mark}", end.parse::<u64>().unwrap() + 1);
        for forged in [
            later.as_str(),
            "",
            "-",
            "x",
            &format!("{end}-"),
            &format!("-{mark}"),
            &format!("{token}0"),
        ] {
            assert!(!seal.fits(forged, "stop", Some("a")), "{forged}");
        }
        let over = format!("0-{}", seal.mark(0, "stop", Some("a")));
        assert!(!seal.fits(&over, "stop", Some("a")));
    }
}
