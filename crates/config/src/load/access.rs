//! Users, roles and the audit log, and what server sections say about who may ask.

use super::reader::{Got, Reader, Scope};
use super::report::Told;
use crate::datatypes as kinds;
use crate::diagnostic::Code;
use crate::hints;
use crate::options::OptionSpec;
use crate::options::access::{self, audit, role, user};
use crate::paths;
use crate::python::strip;
use crate::sections::Value;
use provost_model::access::{
    AccessSpec, AuditSpec, AuthMode, Rights, Scope as Programs, Secret, ServerAccess, UserSpec,
    Verb,
};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Roles that need no section.
const BUILT_IN: &[&str] = &["viewer", "operator", "admin", "none"];

/// All roles by name.
pub(crate) type Roles = BTreeMap<String, Rights>;

impl Reader<'_> {
    /// All `[role:x]` sections, and the built-in roles.
    pub(crate) fn roles(&mut self) -> Roles {
        let mut roles = Roles::new();
        for name in BUILT_IN {
            roles.extend(Rights::of_role(name).map(|rights| ((*name).to_owned(), rights)));
        }
        for (section, name) in self.sections_of(role::SECTION.header) {
            let scope = self.scope(&section);
            let name = strip(&name).to_owned();
            if BUILT_IN.contains(&name.as_str()) {
                let sentence = format!("[{section}] cannot be: the role {name} is built in");
                let help = Some("give the role another name".to_owned());
                self.wrong(&scope, Code::Contradiction, &sentence, None, help);
            }
            if let Ok(rights) = self.role(&scope) {
                roles.insert(name, rights);
            }
        }
        roles
    }

    fn role(&mut self, scope: &Scope) -> Result<Rights, Told> {
        let Some(got) = self.text(scope, &role::ALLOW)? else {
            let sentence = format!("section [{}] has no allow value", scope.section);
            return Err(self.missing(scope, &role::ALLOW, &sentence));
        };
        let (mut rights, mut told) = (Rights::default(), None);
        for entry in kinds::list(&got.text) {
            if let Some(more) = Rights::of_entry(&entry) {
                rights.extend(&more);
            } else {
                let sentence = format!("`allow` cannot hold {entry}: there is no such right");
                let names = Verb::ALL.iter().map(|verb| verb.name());
                let help = hints::nearest(&entry, names).map_or_else(
                    || "the rights are listed in the reference of [role:x]".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                told = Some(self.wrong(scope, Code::BadValue, &sentence, got.place(), Some(help)));
            }
        }
        told.map_or(Ok(rights), Err)
    }

    /// What the named roles allow together.
    fn rights(
        &mut self,
        scope: &Scope,
        spec: &OptionSpec,
        roles: &Roles,
    ) -> Result<Option<Rights>, Told> {
        let Some(got) = self.text(scope, spec)? else {
            return Ok(None);
        };
        let (mut rights, mut told) = (Rights::default(), None);
        for name in kinds::list(&got.text) {
            if let Some(more) = roles.get(&name) {
                rights.extend(more);
            } else {
                let sentence = format!("`{}` names {name}, and there is no such role", spec.name);
                let near = hints::nearest(&name, roles.keys().map(String::as_str));
                let help = near.map_or_else(
                    || format!("add a section [role:{name}]"),
                    |near| format!("did you mean `{near}`?"),
                );
                told = Some(self.wrong(scope, Code::BadValue, &sentence, got.place(), Some(help)));
            }
        }
        told.map_or(Ok(Some(rights)), Err)
    }

    /// All `[user:x]` sections, and `[audit]`.
    pub(crate) fn access(&mut self, roles: &Roles) -> AccessSpec {
        let sections = self.sections_of(user::SECTION.header);
        let users = sections
            .iter()
            .filter_map(|(section, name)| self.user(section, name, roles).ok())
            .collect();
        AccessSpec {
            users,
            audit: self.audit().ok().flatten(),
        }
    }

    fn user(&mut self, section: &str, label: &str, roles: &Roles) -> Result<UserSpec, Told> {
        let scope = self.scope(section);
        let host = self.host;
        let name = strip(label).to_owned();
        let named = if name.is_empty() || name.contains(':') {
            let sentence = format!("[{section}] needs a name without a colon behind `user:`");
            let help = Some("name the user, as in [user:deploy]".to_owned());
            Err(self.wrong(&scope, Code::BadName, &sentence, None, help))
        } else {
            Ok(())
        };
        let rights = self.rights(&scope, &user::ROLE, roles);
        let programs = self.value(&scope, &user::PROGRAMS, |text| Ok(kinds::list(text)));
        let unix_user = self.optional(&scope, &user::UNIX_USER, |text| kinds::user(text, host));
        let unix_group = self.optional(&scope, &user::UNIX_GROUP, |text| kinds::group(text, host));
        let bare = self.bare_scope(section);
        let password = self.text(&bare, &user::PASSWORD);
        let password_file = self.file(&scope, &user::PASSWORD_FILE);
        let token_file = self.file(&scope, &user::TOKEN_FILE);
        let subject = self.text(&scope, &user::TLS_SUBJECT);
        let san = self.text(&scope, &user::TLS_SAN);
        named?;
        let (password, password_file) = (password?, password_file?);
        if let (Some(got), Some(_)) = (&password, &password_file) {
            let message = "`password_file` has no effect beside `password`".to_owned();
            let help = Some("take one of the two lines away".to_owned());
            self.report.warn(Code::NoEffect, message, got.place(), help);
        }
        Ok(UserSpec {
            name,
            rights: rights?.unwrap_or_default(),
            scope: Programs::of(&programs?),
            unix_user: unix_user?.map(|user| user.uid),
            unix_group: unix_group?,
            password: password.map(|got| Secret(got.text.into_owned())),
            password_file,
            token_file: token_file?,
            tls_subject: name_of(subject?),
            tls_san: name_of(san?),
        })
    }

    fn file(&mut self, scope: &Scope, spec: &OptionSpec) -> Result<Option<PathBuf>, Told> {
        let got = self.text(scope, spec)?;
        Ok(got.map(|got| paths::normalize(strip(&got.text), self.host)))
    }

    fn audit(&mut self) -> Result<Option<AuditSpec>, Told> {
        let section = audit::SECTION.header;
        if self.sections.section(section).is_none() {
            return Ok(None);
        }
        let scope = self.scope(section);
        let host = self.host;
        let file = match self.optional(&scope, &audit::FILE, |text| {
            kinds::path_in_directory(text, host)
        }) {
            Ok(Some(file)) => Ok(paths::normalize(&file, host)),
            Ok(None) => {
                Err(self.missing(&scope, &audit::FILE, "section [audit] has no file value"))
            }
            Err(told) => Err(told),
        };
        let reads = self.value(&scope, &audit::READS, kinds::boolean);
        let refuse = self.one_of(&scope, &audit::ON_FAILURE, &["continue", "refuse"]);
        Ok(Some(AuditSpec {
            file: file?,
            reads: reads?,
            refuse: refuse?.is_some_and(|word| word == "refuse"),
        }))
    }

    /// A value that is one of a few words.
    pub(crate) fn one_of(
        &mut self,
        scope: &Scope,
        spec: &OptionSpec,
        words: &[&'static str],
    ) -> Result<Option<&'static str>, Told> {
        let Some(got) = self.text(scope, spec)? else {
            return Ok(None);
        };
        let found = words.iter().copied().find(|word| *word == strip(&got.text));
        if found.is_some() {
            return Ok(found);
        }
        let sentence = format!(
            "`{}` expects one of {}, found `{}`",
            spec.name,
            words.join(", "),
            got.text
        );
        let help = Some("write one of these words".to_owned());
        Err(self.wrong(scope, Code::BadValue, &sentence, got.place(), help))
    }

    /// `auth` and `peer_default_role` of a unix server. `is_open` says that it has no `username`.
    pub(crate) fn server_access(
        &mut self,
        scope: &Scope,
        roles: &Roles,
        is_open: bool,
    ) -> Result<ServerAccess, Told> {
        let mode = self.one_of(scope, &access::AUTH, &["password", "peercred", "both"]);
        let peer_default = self.rights(scope, &access::PEER_DEFAULT_ROLE, roles);
        let has_users = !self.sections_of(user::SECTION.header).is_empty();
        let mode = match mode? {
            Some("peercred") => AuthMode::PeerCredentials,
            Some("both") => AuthMode::Both,
            None if has_users && is_open => AuthMode::PeerCredentials,
            _ => AuthMode::Password,
        };
        let peer_default = peer_default?;
        if peer_default.is_some() && mode == AuthMode::Password {
            let place = self
                .sections
                .get(&scope.section, access::PEER_DEFAULT_ROLE.name)
                .map(Value::key);
            let message = "`peer_default_role` has no effect without `auth=peercred` or `both`";
            self.report
                .warn(Code::NoEffect, message.to_owned(), place, None);
        }
        let fallback = if has_users {
            Rights::default()
        } else {
            Rights::all()
        };
        Ok(ServerAccess {
            mode,
            peer_default: Some(peer_default.unwrap_or(fallback)),
        })
    }
}

/// An empty name is none: it would fit certificates that say nothing.
fn name_of(got: Option<Got>) -> Option<String> {
    let name = got.map(|got| strip(&got.text).to_owned());
    name.filter(|name| !name.is_empty())
}
