//! Another image in the place of a running daemon.

use crate::daemon::Daemon;
use crate::side::Side;

impl Daemon {
    /// Has it upgraded in place.
    ///
    /// # Panics
    /// When supervisorctl does not say that it was.
    pub fn upgrade(&self) {
        let said = self.ctl(Side::Ours, &["upgrade"]);
        assert!(
            said.stdout.starts_with("Upgraded supervisord"),
            "{} {}",
            said.stdout,
            said.stderr
        );
    }
}
