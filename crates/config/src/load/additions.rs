//! Keys of processes that Supervisor does not know.

use super::reader::{Reader, Scope};
use super::report::Told;
use crate::datatypes as kinds;
use crate::options::additions as keys;
use provost_model::spec::{Confinement, LogfileFull};

/// What they say.
#[derive(Clone, Copy)]
pub(super) struct Additions {
    pub(super) stop_cont: bool,
    pub(super) stop_tree: bool,
    pub(super) sigpipe_default: bool,
    pub(super) logfile_full: LogfileFull,
    pub(super) confinement: Confinement,
}

impl Reader<'_> {
    pub(super) fn additions(&mut self, scope: &Scope) -> Result<Additions, Told> {
        let stop_cont = self.value(scope, &keys::STOP_CONT, kinds::boolean);
        let stop_tree = self.value(scope, &keys::STOP_TREE, kinds::boolean);
        let sigpipe = self.value(scope, &keys::SIGPIPE, kinds::sigpipe);
        let full = self.value(scope, &keys::LOGFILE_FULL, kinds::logfile_full);
        let login_env = self.value(scope, &keys::SET_LOGIN_ENV, kinds::boolean);
        let no_new = self.value(scope, &keys::NO_NEW_PRIVILEGES, kinds::boolean);
        let capabilities = self.optional(scope, &keys::CAPABILITIES, kinds::capabilities);
        Ok(Additions {
            stop_cont: stop_cont?,
            stop_tree: stop_tree?,
            sigpipe_default: sigpipe?,
            logfile_full: full?,
            confinement: Confinement {
                login_env: login_env?,
                no_new_privileges: no_new?,
                capabilities: capabilities?,
            },
        })
    }
}
