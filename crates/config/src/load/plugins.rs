//! The sections that name a factory, and what is said where it is none of ours.

use super::reader::{Got, Reader};
use super::report::{Problem, Told};
use crate::config::{Plugin, PluginSpec};
use crate::datatypes as kinds;
use crate::diagnostic::Code;
use crate::hints;
use crate::options::{OptionSpec, plugin, rpcinterface};
use crate::sections::Value;

/// Looks at a process that `supervisor_quick` takes when the file does not say: a minute.
const RETRIES: u32 = 600;

/// A factory, and the other keys of its section.
pub(crate) type Factory = (Got, Vec<(String, String)>);

impl Reader<'_> {
    /// The factory of a plugin section, one of those that are `known`, and its other keys. As upstream, which resolves
    /// the factory before it looks at them.
    pub(crate) fn plugin(
        &mut self,
        section: &str,
        spec: &OptionSpec,
        known: &[&str],
    ) -> Result<Factory, Told> {
        let scope = self.bare_scope(section);
        let Some(factory) = self.text(&scope, spec)? else {
            let sentence = format!("section [{section}] does not specify a {}", spec.name);
            return Err(self.missing(&scope, spec, &sentence));
        };
        if !known.contains(&&*factory.text) {
            return Err(self.no_python(section, &factory, known));
        }
        let names: Vec<(String, String)> = match self.sections.section(section) {
            Some(known) => {
                let others = self
                    .sections
                    .keys(known)
                    .filter(|(key, _)| *key != spec.name);
                others
                    .map(|(key, value)| (key.to_owned(), value.text.to_string()))
                    .collect()
            }
            None => Vec::new(),
        };
        let mut settings = Vec::new();
        for (key, text) in names {
            let origin = self.sections.get(section, &key).map(Into::into);
            let got = Got {
                text: text.into(),
                origin,
            };
            let expanded = self.expand(&scope, &format!("{section}.{key}"), got)?;
            settings.push((key, expanded.text.into_owned()));
        }
        Ok((factory, settings))
    }

    /// Reports a factory that is not built in.
    pub(crate) fn no_python(&mut self, section: &str, factory: &Got, known: &[&str]) -> Told {
        let list: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        let near = near(&factory.text, known);
        let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
        let way_out = if section.starts_with(rpcinterface::SECTION.header) {
            "a line `command=` in place of the factory starts a helper in any language"
        } else {
            "a helper in any language is started by `command=` in an [rpcinterface:x] section, and any program can \
             call its methods"
        };
        self.report.error(Problem {
            code: Code::Plugin,
            upstream: format!("{} cannot be resolved within [{section}]", factory.text),
            message: format!(
                "`{}` is not built in, and no Python is loaded that could have it",
                factory.text
            ),
            place: factory.place(),
            help: Some(format!("{near}built in are {}; {way_out}", list.join(", "))),
        })
    }

    /// All `[ctlplugin:x]` sections.
    pub(crate) fn command_plugins(&mut self) -> Vec<PluginSpec> {
        let sections = self.sections_of(plugin::SECTION.header);
        let mut plugins = Vec::new();
        for (section, name) in sections {
            if let Ok(plugin) = self.command_plugin(&section) {
                plugins.push(PluginSpec { name, plugin });
            }
        }
        plugins
    }

    /// What the factory of a section makes.
    fn command_plugin(&mut self, section: &str) -> Result<Plugin, Told> {
        let (factory, settings) = self.plugin(section, &plugin::FACTORY, plugin::FACTORIES)?;
        let (made, known): (_, &[&str]) = match &*factory.text {
            plugin::CACHE_FACTORY => (Plugin::Cache, &[]),
            plugin::LAFORGE_FACTORY => (Plugin::Laforge, &[]),
            plugin::QUICK_FACTORY => {
                let retries = self.setting(section, &settings, "retries", |number| {
                    u32::try_from(number).ok().filter(|&number| number > 0)
                })?;
                let retries = retries.unwrap_or(RETRIES);
                (Plugin::Quick { retries }, &["retries"])
            }
            plugin::WILDCARDS_FACTORY | plugin::WILDCARDS_ALIAS => {
                let number = self.setting(section, &settings, MATCH_GROUP, Some)?;
                let match_group = number.is_some_and(|number| number != 0);
                (Plugin::Wildcards { match_group }, &[MATCH_GROUP])
            }
            plugin::SERIALRESTART_FACTORY | plugin::SERIALRESTART_ALIAS => {
                // The package reads it and matches groups all the same.
                self.setting(section, &settings, MATCH_GROUP, Some)?;
                (Plugin::SerialRestart, &[])
            }
            _ => return Err(self.no_python(section, &factory, plugin::FACTORIES)),
        };
        for (key, _) in settings
            .iter()
            .filter(|(key, _)| !known.contains(&key.as_str()))
        {
            let place = self.sections.get(section, key);
            let place = place.map(Value::key);
            let message = format!("`{key}` has no effect in [{section}]");
            self.report.warn(Code::NoEffect, message, place, None);
        }
        Ok(made)
    }

    /// A setting that is a whole number.
    fn setting<T>(
        &mut self,
        section: &str,
        settings: &[(String, String)],
        name: &str,
        convert: impl FnOnce(i64) -> Option<T>,
    ) -> Result<Option<T>, Told> {
        let Some((_, text)) = settings.iter().find(|(key, _)| key == name) else {
            return Ok(None);
        };
        if let Some(value) = kinds::integer(text).ok().and_then(convert) {
            return Ok(Some(value));
        }
        let scope = self.bare_scope(section);
        let place = self.sections.get(section, name);
        let place = place.map(Value::place);
        let sentence = format!("{name} in [{section}] is not a number that can be used: {text}");
        Err(self.wrong(&scope, Code::BadValue, &sentence, place, None))
    }
}

/// The setting of the plugins that compare names with patterns.
const MATCH_GROUP: &str = "match_group";

/// The factory that was meant: one that differs by a few letters, or that has the same function in another module.
fn near<'a>(factory: &str, known: &[&'a str]) -> Option<&'a str> {
    let function = |name: &str| name.rsplit([':', '.']).next().map(str::to_owned);
    let same = |candidate: &&&str| function(candidate) == function(factory);
    let near = hints::nearest(factory, known.iter().copied());
    near.or_else(|| known.iter().find(same).copied())
}
