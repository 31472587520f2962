//! Server sections, and the interfaces that they offer.

use super::access::Roles;
use super::reader::{Got, Reader, Scope};
use super::report::Told;
use crate::datatypes as kinds;
use crate::diagnostic::Code;
use crate::options::{OptionSpec, inet, rpcinterface, unix};
use crate::paths;
use crate::python::{repr, strip};
use crate::sections::Value;
use provost_model::Authority;
use provost_model::access::ServerAccess;
use provost_model::config::{Interface, RpcInterfaceSpec, ServerAddress, ServerSpec};
use std::ops::RangeInclusive;

/// The setting of `supervisor_twiddler`: the methods that may be called.
const WHITELIST: &str = "whitelist";

/// Bytes that a request may be limited to: the smallest calls must pass, and no client may take the memory.
const BODY_BYTES: RangeInclusive<i64> = (1 << 10)..=(64 << 20);

fn body_size(text: &str) -> Result<usize, kinds::Bad> {
    let size = kinds::byte_size(text)?;
    usize::try_from(size)
        .ok()
        .filter(|_| BODY_BYTES.contains(&size))
        .ok_or_else(|| {
            let upstream = format!("not between 1KB and 64MB: {}", repr(text));
            kinds::Bad::new(upstream, "a size from 1KB to 64MB")
        })
}

impl Reader<'_> {
    /// All servers: inet sections first, then UNIX ones, each kind in the order of the file.
    pub(crate) fn servers(&mut self, roles: &Roles) -> Vec<ServerSpec> {
        let mut servers = Vec::new();
        for (section, _) in self.sections_of(inet::SECTION.header) {
            servers.extend(self.inet_server(&section).ok());
        }
        for (section, _) in self.sections_of(unix::SECTION.header) {
            servers.extend(self.unix_server(&section, roles).ok());
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
        let max_request_body = self.value(&scope, &inet::MAX_REQUEST_BODY, body_size);
        let tls = self.tls(section);
        Ok(ServerSpec {
            section: section.to_owned(),
            address: address?,
            credentials: credentials?,
            web_csrf: web_csrf?,
            allowed_hosts: allowed_hosts?,
            max_request_body: max_request_body?,
            strict: false,
            access: ServerAccess::default(),
            tls: tls?,
        })
    }

    fn unix_server(&mut self, section: &str, roles: &Roles) -> Result<ServerSpec, Told> {
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
        let is_open = matches!(credentials, Ok(None));
        let access = self.server_access(&bare, roles, is_open);
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
        let max_request_body = self.value(&bare, &unix::MAX_REQUEST_BODY, body_size);
        Ok(ServerSpec {
            section: section.to_owned(),
            address,
            credentials: credentials?,
            web_csrf: web_csrf?,
            allowed_hosts: allowed_hosts?,
            max_request_body: max_request_body?,
            strict: false,
            access: access?,
            tls: None,
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
            (Some(username), Some(password)) => Ok((!username.text.is_empty())
                .then_some((username.text.into_owned(), password.text.into_owned()))),
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
        let known = rpcinterface::FACTORIES;
        let (factory, settings) = self.plugin(section, &rpcinterface::FACTORY, known)?;
        let interface = self.interface(section, &factory, &settings)?;
        Ok(RpcInterfaceSpec {
            namespace: namespace.to_owned(),
            interface,
            factory: factory.text.into_owned(),
            settings,
        })
    }

    /// What a factory with these settings makes.
    fn interface(
        &mut self,
        section: &str,
        factory: &Got,
        settings: &[(String, String)],
    ) -> Result<Interface, Told> {
        match &*factory.text {
            rpcinterface::MAIN_FACTORY => Ok(Interface::Main),
            rpcinterface::TWIDDLER_FACTORY => {
                let listed = settings.iter().find(|(key, _)| key == WHITELIST);
                let whitelist = listed.map_or_else(Vec::new, |(_, text)| kinds::list(text));
                Ok(Interface::Twiddler { whitelist })
            }
            rpcinterface::CACHE_FACTORY => Ok(Interface::Cache),
            rpcinterface::LAFORGE_FACTORY => Ok(Interface::Laforge),
            _ => Err(self.no_python(section, factory, rpcinterface::FACTORIES)),
        }
    }

    /// Settings that a factory does not take. Upstream finds that out when it opens its servers, after all else. Some
    /// factories take any, and do nothing with them.
    pub(crate) fn refuse_interface_settings(
        &mut self,
        interfaces: &[RpcInterfaceSpec],
        servers: &[ServerSpec],
    ) {
        if servers.is_empty() {
            return;
        }
        for interface in interfaces {
            let strange = |(key, _): &&(String, String)| match interface.interface {
                Interface::Twiddler { .. } => key != WHITELIST,
                Interface::Main | Interface::Cache | Interface::Laforge => true,
            };
            let Some((key, _)) = interface.settings.iter().find(strange) else {
                continue;
            };
            let section = format!("{}{}", rpcinterface::SECTION.header, interface.namespace);
            let scope = self.bare_scope(&section);
            let place = self.sections.get(&section, key).map(Value::key);
            if matches!(interface.interface, Interface::Cache | Interface::Laforge) {
                let message = format!("`{key}` has no effect: the interface has no settings");
                self.report.warn(Code::NoEffect, message, place, None);
                continue;
            }
            let sentence = format!("Could not make {} rpc interface", interface.namespace);
            let help = Some(format!("remove `{key}`: the interface has no such setting"));
            self.wrong(&scope, Code::Plugin, &sentence, place, help);
        }
    }
}
