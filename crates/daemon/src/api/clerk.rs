//! Looking at passwords and tokens, on a thread of its own: hashes that are costly on purpose, and files.
//!
//! One proof is looked at at a time, so that guessers cost one core at most, and only some wait. What was found right is
//! remembered under a keyed hash, because clients send their password with every request.

use super::auth;
use argon2::{Argon2, Params, PasswordHash, PasswordVerifier as _};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use provost_model::access::{AccessSpec, UserSpec, wipe};
use provost_os::wiping;
use sha2::{Digest as _, Sha256};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use tokio::sync::oneshot;

/// Proofs that wait to be looked at. One takes some 40 ms, so the last of them waits about as long as [`TIME`].
const WAITING: usize = 64;

/// How long a client waits for the look at its proof.
const TIME: Duration = Duration::from_secs(5);

/// Right passwords remembered.
const REMEMBERED: usize = 256;

/// Bytes of a file of passwords or tokens that are read: some ten thousand tokens.
const FILE: u64 = 1024 * 1024;

/// Memory that a hash may ask for, 1 GiB, and passes over it: far more than anybody recommends. A hash that wants more fits
/// nobody; it would end supervisord for want of memory, or hold every login up.
const HASH_KIB_MAX: u32 = 1 << 20;
const HASH_PASSES_MAX: u32 = 100;

/// What a client sent.
pub(super) enum Claim {
    /// A name and a password.
    Password {
        /// What the server section has.
        section: Option<(String, String)>,
        name: Vec<u8>,
        password: Vec<u8>,
    },
    /// A token.
    Token(Vec<u8>),
}

impl Drop for Claim {
    fn drop(&mut self) {
        match self {
            Self::Password { password, .. } => wipe(password),
            Self::Token(token) => wipe(token),
        }
    }
}

/// Whose a proof is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// The `username` of the server section.
    Section(String),
    /// A user.
    User {
        /// Which, in the order of the configuration.
        index: usize,
        /// What proved it.
        how: String,
    },
}

/// What came of a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Known(Known),
    Unknown,
    /// Too many others wait, or a file could not be read in time.
    Busy,
}

/// Asks the thread.
#[derive(Clone, Debug)]
pub(super) struct Clerk {
    sender: SyncSender<(Claim, oneshot::Sender<Verdict>)>,
}

impl Clerk {
    /// Starts the thread. It ends with the last handle.
    pub(super) fn start(access: Arc<AccessSpec>) -> io::Result<Self> {
        let mut desk = Desk {
            access,
            key: provost_os::random::secret()?,
            right: VecDeque::new(),
        };
        let (sender, claims): (_, Receiver<(Claim, oneshot::Sender<Verdict>)>) =
            sync_channel(WAITING);
        std::thread::Builder::new()
            .name("logins".to_owned())
            .spawn(move || {
                for (claim, answer) in claims {
                    // Whoever has left need not be looked at.
                    if !answer.is_closed() {
                        let _ = answer.send(desk.judge(&claim));
                        wiping::dead_stack();
                    }
                }
            })?;
        Ok(Self { sender })
    }

    pub(super) async fn ask(&self, claim: Claim) -> Verdict {
        let (answer, judged) = oneshot::channel();
        if self.sender.try_send((claim, answer)).is_err() {
            return Verdict::Busy;
        }
        match tokio::time::timeout(TIME, judged).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(_)) | Err(_) => Verdict::Busy,
        }
    }
}

struct Desk {
    access: Arc<AccessSpec>,
    key: [u8; 32],
    /// Keyed hashes of stored and given passwords that fit, the latest last.
    right: VecDeque<[u8; 32]>,
}

impl Desk {
    fn judge(&mut self, claim: &Claim) -> Verdict {
        let known = match claim {
            Claim::Password {
                section,
                name,
                password,
            } => self.by_password(section.as_ref(), name, password),
            Claim::Token(token) => self.by_token(token, Timestamp::now()),
        };
        known.map_or(Verdict::Unknown, Verdict::Known)
    }

    fn by_password(
        &mut self,
        section: Option<&(String, String)>,
        name: &[u8],
        password: &[u8],
    ) -> Option<Known> {
        let access = Arc::clone(&self.access);
        let mut looked = false;
        if let Some((known, stored)) = section
            && bool::from(known.as_bytes().ct_eq(name))
        {
            looked |= auth::is_slow(stored);
            if self.fits(stored, password) {
                return Some(Known::Section(known.clone()));
            }
        }
        for (index, user) in access.users.iter().enumerate() {
            if !bool::from(user.name.as_bytes().ct_eq(name)) {
                continue;
            }
            let Some(stored) = stored_password(user) else {
                continue;
            };
            looked |= auth::is_slow(&stored);
            if self.fits(&stored, password) {
                let how = "password".to_owned();
                return Some(Known::User { index, how });
            }
        }
        if !looked {
            self.pretend(section, password);
        }
        None
    }

    /// Costs as much as a look at somebody's password, so that names that exist do not show.
    fn pretend(&mut self, section: Option<&(String, String)>, password: &[u8]) {
        let access = Arc::clone(&self.access);
        let of_section = section.map(|(_, stored)| stored.clone());
        let of_users = access.users.iter().filter_map(stored_password);
        let slow = of_section
            .into_iter()
            .chain(of_users)
            .find(|stored| auth::is_slow(stored));
        if let Some(stored) = slow {
            // Nobody asked for this user: it fits or not, the answer is no.
            let _ = argon2_fits(&stored, password);
        }
    }

    fn fits(&mut self, stored: &str, given: &[u8]) -> bool {
        if !auth::is_slow(stored) {
            return auth::password_fits(stored, given);
        }
        let mark = self.mark(stored, given);
        if self
            .right
            .iter()
            .any(|right| bool::from(right.ct_eq(&mark)))
        {
            return true;
        }
        let fits = argon2_fits(stored, given);
        if fits {
            self.right.push_back(mark);
            if self.right.len() > REMEMBERED {
                self.right.pop_front();
            }
        }
        fits
    }

    fn mark(&self, stored: &str, given: &[u8]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.key);
        hash.update(stored.len().to_le_bytes());
        hash.update(stored);
        hash.update(given);
        hash.finalize().into()
    }

    fn by_token(&self, token: &[u8], now: Timestamp) -> Option<Known> {
        let digest = auth::hex(&Sha256::digest(token));
        for (index, user) in self.access.users.iter().enumerate() {
            let Some(path) = &user.token_file else {
                continue;
            };
            let text = read(path).unwrap_or_default();
            let name = text.lines().find_map(|line| token_of(line, &digest, now));
            if let Some(name) = name {
                let how = format!("token {name}");
                return Some(Known::User { index, how });
            }
        }
        None
    }
}

/// A password as it stands in the configuration or in its file.
fn stored_password(user: &UserSpec) -> Option<String> {
    match (&user.password, &user.password_file) {
        (Some(secret), _) => Some(secret.0.clone()),
        (None, Some(path)) => {
            let text = read(path).ok()?;
            let line = text.lines().next()?.trim_end();
            // An empty file is no password, not an empty one.
            (!line.is_empty()).then(|| line.to_owned())
        }
        (None, None) => None,
    }
}

/// The beginning of a regular file.
fn read(path: &Path) -> io::Result<String> {
    // A pipe in its place would hold everybody up.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut text = String::new();
    File::open(path)?.take(FILE).read_to_string(&mut text)?;
    Ok(text)
}

pub(super) fn argon2_fits(stored: &str, given: &[u8]) -> bool {
    let hash = stored.strip_prefix(auth::ARGON2ID).unwrap_or(stored);
    PasswordHash::new(hash.trim()).is_ok_and(|hash| {
        let is_bearable = Params::try_from(&hash).is_ok_and(|params| {
            params.m_cost() <= HASH_KIB_MAX && params.t_cost() <= HASH_PASSES_MAX
        });
        is_bearable && Argon2::default().verify_password(given, &hash).is_ok()
    })
}

/// The name of a token, when a line is one of this digest that has not ended.
pub(super) fn token_of(line: &str, digest: &str, now: Timestamp) -> Option<String> {
    let line = line.trim();
    if line.starts_with(['#', ';']) {
        return None;
    }
    let mut words = line.split_whitespace();
    let (name, stored) = (words.next()?, words.next()?);
    let stored = stored.to_ascii_lowercase();
    if !bool::from(stored.as_bytes().ct_eq(digest.as_bytes())) {
        return None;
    }
    for word in words {
        // What is not understood may be a limit.
        let end = moment(word.strip_prefix("expires=")?)?;
        if now >= end {
            return None;
        }
    }
    Some(name.to_owned())
}

/// A time, or the beginning of a day in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let day: Date = text.parse().ok()?;
    Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use provost_model::access::{Rights, Scope, Secret};

    /// `argon2id` of `open sesame`, with little memory so that the test is quick.
    fn hashed() -> String {
        use argon2::{Algorithm, PasswordHasher as _, Version};
        let params = Params::new(64, 1, 1, None).unwrap();
        let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = hasher
            .hash_password_with_salt(b"open sesame", b"some salt, 16 b")
            .unwrap();
        format!("{}{hash}", auth::ARGON2ID)
    }

    fn user(name: &str, password: Option<String>) -> UserSpec {
        UserSpec {
            name: name.to_owned(),
            rights: Rights::all(),
            scope: Scope::everything(),
            unix_user: None,
            unix_group: None,
            password: password.map(Secret),
            password_file: None,
            token_file: None,
            tls_subject: None,
            tls_san: None,
        }
    }

    fn desk(users: Vec<UserSpec>) -> Desk {
        Desk {
            access: Arc::new(AccessSpec { users, audit: None }),
            key: [7; 32],
            right: VecDeque::new(),
        }
    }

    #[test]
    fn s09_passwords_of_every_form_fit_and_others_do_not() {
        let mut desk = desk(vec![
            user("a", Some(hashed())),
            user("b", Some("clear".to_owned())),
            user("c", None),
        ]);
        let mut known = |name: &str, password: &str| {
            let found = desk.by_password(None, name.as_bytes(), password.as_bytes());
            found.map(|known| match known {
                Known::User { index, .. } => index,
                Known::Section(_) => 99,
            })
        };
        for _ in 0..2 {
            assert_eq!(known("a", "open sesame"), Some(0));
            assert_eq!(known("a", "open sesam"), None);
            assert_eq!(known("b", "clear"), Some(1));
            assert_eq!(known("b", "open sesame"), None);
            assert_eq!(known("c", ""), None);
            assert_eq!(known("d", "open sesame"), None);
        }
    }

    #[test]
    fn a_hash_that_wants_all_memory_or_all_time_fits_nobody() {
        let good = hashed();
        assert!(argon2_fits(&good, b"open sesame"));
        for (cost, more) in [("m=64,", "m=4294967295,"), ("t=1,", "t=4294967295,")] {
            let bad = good.replace(cost, more);
            assert_ne!(bad, good);
            assert!(!argon2_fits(&bad, b"open sesame"));
        }
    }

    #[test]
    fn tokens_have_names_and_ends() {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let digest = "ab".repeat(32);
        let found = |line: &str| token_of(line, &digest, now);
        assert_eq!(found(&format!("ci {digest}")), Some("ci".to_owned()));
        assert_eq!(
            found(&format!("ci {} expires=2026-06-02", digest.to_uppercase())),
            Some("ci".to_owned())
        );
        for line in [
            format!("ci {digest} expires=2026-06-01"),
            format!("ci {digest} expires=2026-05-31T23:59:59Z"),
            format!("ci {digest} expires=never"),
            format!("ci {digest} until=2027"),
            format!("# {digest}"),
            format!("ci {}", "ac".repeat(32)),
            "ci".to_owned(),
            String::new(),
        ] {
            assert_eq!(found(&line), None, "{line}");
        }
    }
}
