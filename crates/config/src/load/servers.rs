//! Server sections, and the plugin sections that name Python objects.

use super::reader::{Reader, Scope};
use super::report::Told;
use crate::datatypes as kinds;
use crate::diagnostic::Code;
use crate::options::{OptionSpec, inet, rpcinterface, unix};
use crate::paths;
use crate::python::strip;
use provost_model::Authority;
use provost_model::config::{RpcInterfaceSpec, ServerAddress, ServerSpec};

impl Reader<'_> {
    /// All servers: inet sections first, then UNIX ones, each kind in the order of the file.
    pub(crate) fn servers(&mut self) -> Vec<ServerSpec> {
        let mut servers = Vec::new();
        for (section, _) in self.sections_of(inet::SECTION.header) {
            servers.extend(self.inet_server(&section).ok());
        }
        for (section, _) in self.sections_of(unix::SECTION.header) {
            servers.extend(self.unix_server(&section).ok());
        }
        servers
    }

    fn inet_server(&mut self, section: &str) -> Result<ServerSpec, Told> {
        let scope = self.bare_scope(section);
        let credentials = self.credentials(&scope, &inet::USERNAME, &inet::PASSWORD);
        let address = match self.optional(&scope, &inet::PORT, kinds::inet_address) {
            Ok(Some((host, port))) => Ok(ServerAddress::Inet { host, port }),
            Ok(None) => Err(self.missing(
                &scope,
                &inet::PORT,
                &format!("section [{section}] has no port value"),
            )),
            Err(told) => Err(told),
        };
        let web_csrf = self.value(&scope, &inet::WEB_CSRF, kinds::boolean);
        let allowed_hosts = self.allowed_hosts(&scope, &inet::ALLOWED_HOSTS);
        Ok(ServerSpec {
            section: section.to_owned(),
            address: address?,
            credentials: credentials?,
            web_csrf: web_csrf?,
            allowed_hosts: allowed_hosts?,
        })
    }

    fn unix_server(&mut self, section: &str) -> Result<ServerSpec, Told> {
        let bare = self.bare_scope(section);
        let scope = self.scope(section);
        let host = self.host;
        let path = match self.text(&scope, &unix::FILE) {
            Ok(Some(file)) => Ok(paths::normalize(strip(&file.text), host)),
            Ok(None) => Err(self.missing(
                &scope,
                &unix::FILE,
                &format!("section [{section}] has no file value"),
            )),
            Err(told) => Err(told),
        };
        let credentials = self.credentials(&bare, &unix::USERNAME, &unix::PASSWORD);
        let owner = self.renamed(&bare, &unix::CHOWN, "Invalid sockchown value", |text| {
            kinds::owner(text, host)
        });
        let mode = self.renamed(&bare, &unix::CHMOD, "Invalid chmod value", kinds::octal);
        let mode = mode.and_then(|mode| mode.ok_or(Told));
        let address = ServerAddress::Unix {
            path: path?,
            mode: mode?,
            owner: owner?,
        };
        let web_csrf = self.value(&bare, &unix::WEB_CSRF, kinds::boolean);
        let allowed_hosts = self.allowed_hosts(&bare, &unix::ALLOWED_HOSTS);
        Ok(ServerSpec {
            section: section.to_owned(),
            address,
            credentials: credentials?,
            web_csrf: web_csrf?,
            allowed_hosts: allowed_hosts?,
        })
    }

    /// A value whose every failure has one sentence with upstream, followed by the text.
    pub(crate) fn renamed<T>(
        &mut self,
        scope: &Scope,
        spec: &OptionSpec,
        sentence: &str,
        convert: impl FnOnce(&str) -> Result<T, kinds::Bad>,
    ) -> Result<Option<T>, Told> {
        self.optional(scope, spec, |text| {
            convert(text).map_err(|bad| kinds::Bad {
                upstream: format!("{sentence} {text}"),
                ..bad
            })
        })
    }

    fn allowed_hosts(&mut self, scope: &Scope, spec: &OptionSpec) -> Result<Vec<Authority>, Told> {
        Ok(self
            .optional(scope, spec, kinds::hosts)?
            .unwrap_or_default())
    }

    /// User name and password; an empty user name means none.
    fn credentials(
        &mut self,
        scope: &Scope,
        username: &OptionSpec,
        password: &OptionSpec,
    ) -> Result<Option<(String, String)>, Told> {
        let username = self.text(scope, username);
        let password = self.text(scope, password);
        match (username?, password?) {
            (None, None) => Ok(None),
            (Some(username), Some(password)) => {
                Ok((!username.text.is_empty()).then_some((username.text, password.text)))
            }
            (username, password) => {
                let sentence = format!(
                    "Section [{}] contains incomplete authentication: If a username or a password is specified, both \
                     the username and password must be specified",
                    scope.section
                );
                let there = username.or(password).and_then(|got| got.place());
                let help = Some("add the other key, or remove this one".to_owned());
                Err(self.wrong(scope, Code::Contradiction, &sentence, there, help))
            }
        }
    }

    /// All `[rpcinterface:x]` sections that name a factory.
    pub(crate) fn rpcinterfaces(&mut self) -> Vec<RpcInterfaceSpec> {
        let sections = self.sections_of(rpcinterface::SECTION.header);
        sections
            .iter()
            .filter_map(|(section, namespace)| {
                // Those with a command are groups.
                let built_in = !self.is_helper(section);
                built_in.then(|| self.rpcinterface(section, namespace).ok())?
            })
            .collect()
    }

    fn rpcinterface(&mut self, section: &str, namespace: &str) -> Result<RpcInterfaceSpec, Told> {
        let (factory, settings) =
            self.plugin(section, &rpcinterface::FACTORY, rpcinterface::MAIN_FACTORY)?;
        Ok(RpcInterfaceSpec {
            namespace: namespace.to_owned(),
            factory,
            settings,
        })
    }

    /// The factory of a plugin section, which must be the built-in one, and its other keys.
    fn plugin(
        &mut self,
        section: &str,
        spec: &OptionSpec,
        built_in: &str,
    ) -> Result<(String, Vec<(String, String)>), Told> {
        let scope = self.bare_scope(section);
        let Some(factory) = self.text(&scope, spec)? else {
            let sentence = format!("section [{section}] does not specify a {}", spec.name);
            return Err(self.missing(&scope, spec, &sentence));
        };
        if factory.text != built_in {
            let sentence = format!("{} cannot be resolved within [{section}]", factory.text);
            let help = format!(
                "only the built-in `{built_in}` exists; Python code of third parties cannot be loaded"
            );
            return Err(self.wrong(&scope, Code::Plugin, &sentence, factory.place(), Some(help)));
        }
        let names: Vec<(String, String)> = match self.sections.section(section) {
            Some(known) => {
                let others = self
                    .sections
                    .keys(known)
                    .filter(|(key, _)| *key != spec.name);
                others
                    .map(|(key, value)| (key.to_owned(), value.text.clone()))
                    .collect()
            }
            None => Vec::new(),
        };
        let mut settings = Vec::new();
        for (key, text) in names {
            let value = self.sections.get(section, &key).cloned();
            let got = super::reader::Got { text, value };
            let expanded = self.expand(&scope, &format!("{section}.{key}"), got)?;
            settings.push((key, expanded.text));
        }
        Ok((factory.text, settings))
    }

    /// The built-in interface takes no settings. Upstream finds that out when it opens its servers, after all else.
    pub(crate) fn refuse_interface_settings(
        &mut self,
        interfaces: &[RpcInterfaceSpec],
        servers: &[ServerSpec],
    ) {
        if servers.is_empty() {
            return;
        }
        for interface in interfaces {
            let Some((key, _)) = interface.settings.first() else {
                continue;
            };
            let section = format!("{}{}", rpcinterface::SECTION.header, interface.namespace);
            let scope = self.bare_scope(&section);
            let place = self
                .sections
                .get(&section, key)
                .map(|value| value.key.clone());
            let sentence = format!("Could not make {} rpc interface", interface.namespace);
            let help = Some(format!("remove `{key}`: the interface has no settings"));
            self.wrong(&scope, Code::Plugin, &sentence, place, help);
        }
    }

    /// A `[ctlplugin:x]` section of supervisorctl.
    pub(crate) fn refuse_command_plugin(&mut self, section: &str, spec: &OptionSpec) {
        let scope = self.bare_scope(section);
        match self.text(&scope, spec) {
            Ok(Some(factory)) => {
                let sentence = format!("{} cannot be resolved within [{section}]", factory.text);
                let help = Some("only the built-in commands exist; Python code of third parties cannot be loaded".to_owned());
                self.wrong(&scope, Code::Plugin, &sentence, factory.place(), help);
            }
            Ok(None) => {
                let sentence = format!("section [{section}] does not specify a {}", spec.name);
                self.missing(&scope, spec, &sentence);
            }
            Err(Told) => {}
        }
    }
}
