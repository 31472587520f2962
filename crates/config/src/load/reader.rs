//! From a key to its value: looked up, expanded, converted, and every failure put into the report with its place.

use super::report::{Problem, Report, Told};
use crate::datatypes::{Bad, Cause};
use crate::diagnostic::{Code, Place};
use crate::hints;
use crate::host::Host;
use crate::options::{Fallback, OptionSpec};
use crate::percent::{self, FormatError};
use crate::python::repr;
use crate::sections::{Section, Sections, Value};
use crate::vars::{Var, Vars};
use std::borrow::Cow;
use std::sync::Arc;

/// What reading a configuration needs all the time.
pub(crate) struct Reader<'h> {
    pub(crate) host: &'h dyn Host,
    pub(crate) sections: Sections,
    pub(crate) report: Report,
    /// The main file, as it was named.
    pub(crate) config_path: String,
    /// Its directory, absolute.
    pub(crate) here: Arc<str>,
    /// The name of the machine.
    pub(crate) node: Arc<str>,
    /// `ENV_*`: the process environment, and `[supervisord] environment` once that has been read.
    pub(crate) env: Vars,
    /// `[supervisord] environment` could not be read, so names from it are missing without anybody's fault.
    pub(crate) env_incomplete: bool,
}

/// Where a value is looked up and which names it may use.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) section: Arc<str>,
    pub(crate) vars: Vars,
    /// Upstream's sentences end with the section and its file here.
    pub(crate) names_its_file: bool,
}

impl Scope {
    /// Makes a name known.
    pub(crate) fn name(mut self, name: &'static str, text: impl Into<Arc<str>>) -> Self {
        self.set(name, Var::Text(text.into()));
        self
    }

    /// Makes a name known, or changes it.
    pub(crate) fn set(&mut self, name: impl Into<Cow<'static, str>>, var: Var) {
        self.vars.insert(name.into(), var);
    }
}

/// A value and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    /// Expanded, unless it was asked for as written.
    pub(crate) text: Cow<'static, str>,
    /// Where it stands; none for a default.
    pub(crate) origin: Option<Origin>,
}

/// Where a value stands.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    key: Place,
    place: Place,
    /// The file has it as it is.
    is_as_written: bool,
}

impl From<&Value> for Origin {
    fn from(value: &Value) -> Self {
        // Texts of several lines, and those with `%(here)s` replaced, have other offsets than the file.
        let is_same = value.text.len() == value.place().span.len();
        Self {
            key: value.key(),
            place: value.place(),
            is_as_written: is_same && !value.text.contains('\n'),
        }
    }
}

impl<'h> Reader<'h> {
    pub(crate) fn new(host: &'h dyn Host, config_path: String, here: Arc<str>) -> Self {
        let env = host
            .env()
            .into_iter()
            .map(|(name, value)| (format!("ENV_{name}"), Var::Text(value.into())))
            .collect();
        Self {
            host,
            node: host.hostname().into(),
            sections: Sections::default(),
            report: Report::default(),
            config_path,
            here,
            env,
            env_incomplete: false,
        }
    }

    /// A scope that knows the environment only.
    pub(crate) fn bare_scope(&self, section: &str) -> Scope {
        Scope {
            section: section.into(),
            vars: self.env.clone(),
            names_its_file: false,
        }
    }

    /// What upstream puts behind its sentences.
    fn suffix(&self, scope: &Scope) -> String {
        if !scope.names_its_file {
            return String::new();
        }
        let section = self.sections.section(&scope.section);
        let included_from = section.and_then(|section| section.included_from.as_ref());
        let file = included_from.map_or(Cow::Borrowed(self.config_path.as_str()), |path| {
            path.to_string_lossy()
        });
        format!(
            " in section {} (file: {})",
            repr(&scope.section),
            repr(&file)
        )
    }

    /// A scope that knows `here`, too.
    pub(crate) fn scope(&self, section: &str) -> Scope {
        self.bare_scope(section)
            .name("here", Arc::clone(&self.here))
    }

    /// The names of all sections with this beginning, and what follows it.
    pub(crate) fn sections_of(&self, prefix: &str) -> Vec<(String, String)> {
        let matching = |section: &Section| {
            section
                .name
                .strip_prefix(prefix)
                .map(|rest| (section.name.clone(), rest.to_owned()))
        };
        self.sections.iter().filter_map(matching).collect()
    }

    /// The value as written, or the default as if it had been.
    pub(crate) fn raw(&self, section: &str, spec: &OptionSpec) -> Option<Got> {
        match self.sections.get(section, spec.name) {
            Some(value) => Some(Got {
                text: value.text.to_string().into(),
                origin: Some(value.into()),
            }),
            None => match spec.default {
                Fallback::Text(text) => Some(Got {
                    text: text.into(),
                    origin: None,
                }),
                Fallback::Found(_) | Fallback::Required => None,
            },
        }
    }

    /// The value expanded; nothing when neither it nor a default is there.
    pub(crate) fn text(&mut self, scope: &Scope, spec: &OptionSpec) -> Result<Option<Got>, Told> {
        let Some(got) = self.raw(&scope.section, spec) else {
            return Ok(None);
        };
        if !got.text.contains('%') {
            return Ok(Some(got));
        }
        let label = format!("{}.{}", scope.section, spec.name);
        self.expand(scope, &label, got).map(Some)
    }

    /// The value converted; nothing when neither it nor a default is there.
    pub(crate) fn optional<T>(
        &mut self,
        scope: &Scope,
        spec: &OptionSpec,
        convert: impl FnOnce(&str) -> Result<T, Bad>,
    ) -> Result<Option<T>, Told> {
        let written = self.sections.get(&scope.section, spec.name);
        let text = match (written, spec.default) {
            (Some(value), _) => &*value.text,
            (None, Fallback::Text(text)) => text,
            (None, Fallback::Found(_) | Fallback::Required) => return Ok(None),
        };
        if text.contains('%') {
            let Some(got) = self.text(scope, spec)? else {
                return Ok(None);
            };
            return self.convert(scope, spec, &got, convert).map(Some);
        }
        match convert(text) {
            Ok(value) => Ok(Some(value)),
            Err(bad) => {
                let got = self.raw(&scope.section, spec).ok_or(Told)?;
                Err(self.refuse(scope, spec, &got, bad))
            }
        }
    }

    /// The value converted, of a key that has a default.
    pub(crate) fn value<T>(
        &mut self,
        scope: &Scope,
        spec: &OptionSpec,
        convert: impl FnOnce(&str) -> Result<T, Bad>,
    ) -> Result<T, Told> {
        match self.optional(scope, spec, convert)? {
            Some(value) => Ok(value),
            None => Err(self.missing(
                scope,
                spec,
                &format!("{} has no {}", scope.section, spec.name),
            )),
        }
    }

    /// Expands a text under the name by which upstream's sentences call it.
    pub(crate) fn expand(&mut self, scope: &Scope, label: &str, got: Got) -> Result<Got, Told> {
        if !got.text.contains('%') {
            return Ok(got);
        }
        match percent::format(&got.text, &scope.vars) {
            Ok(text) => Ok(Got {
                text: text.into(),
                ..got
            }),
            Err(FormatError::Unknown(name)) => Err(self.unknown_name(scope, label, &got, &name)),
            Err(FormatError::Malformed(why)) => {
                let upstream = format!(
                    "Format string {} for {} is badly formatted: {why}{}",
                    repr(&got.text),
                    repr(label),
                    self.suffix(scope)
                );
                Err(self.report.error(Problem {
                    code: Code::BadFormat,
                    upstream,
                    message: format!("`{}` is badly formatted: {why}", got.text),
                    place: got.place(),
                    help: Some("write a literal percent sign as `%%`".to_owned()),
                }))
            }
        }
    }

    fn unknown_name(&mut self, scope: &Scope, label: &str, got: &Got, name: &str) -> Told {
        if self.env_incomplete && name.starts_with("ENV_") {
            return Told;
        }
        let known: Vec<&str> = scope.vars.names().into_iter().collect();
        let upstream = format!(
            "Format string {} for {} contains names ({}) which cannot be expanded. Available names: {}{}",
            repr(&got.text),
            repr(label),
            repr(name),
            known.join(", "),
            self.suffix(scope)
        );
        let help = match hints::nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `%({near})s`?"),
            None if name.starts_with("ENV_") => {
                format!(
                    "the environment that supervisord was started in has no `{}`",
                    name.trim_start_matches("ENV_")
                )
            }
            None => {
                let own: Vec<_> = known
                    .iter()
                    .filter(|name| !name.starts_with("ENV_"))
                    .map(|n| format!("`{n}`"))
                    .collect();
                format!(
                    "known here: {}, and `ENV_X` for each environment variable X",
                    own.join(", ")
                )
            }
        };
        self.report.error(Problem {
            code: Code::UnknownName,
            upstream,
            message: format!("`%({name})s` is not known here"),
            place: got.part(&format!("%({name})")),
            help: Some(help),
        })
    }

    /// Converts a text.
    pub(crate) fn convert<T>(
        &mut self,
        scope: &Scope,
        spec: &OptionSpec,
        got: &Got,
        convert: impl FnOnce(&str) -> Result<T, Bad>,
    ) -> Result<T, Told> {
        convert(&got.text).map_err(|bad| self.refuse(scope, spec, got, bad))
    }

    /// Reports a text that is not of its kind.
    pub(crate) fn refuse(&mut self, scope: &Scope, spec: &OptionSpec, got: &Got, bad: Bad) -> Told {
        let code = match bad.cause {
            Cause::Form => Code::BadValue,
            Cause::Directory => Code::MissingDirectory,
            Cause::Account => Code::UnknownUser,
        };
        let help = match bad.cause {
            Cause::Directory => "create the directory, or name another".to_owned(),
            Cause::Account => {
                "name one that `getent passwd` or `getent group` lists, or create it".to_owned()
            }
            Cause::Form => way_out(spec, bad.try_this),
        };
        let place = got.place().or_else(|| self.header(&scope.section));
        self.report.error(Problem {
            code,
            upstream: format!("{}{}", bad.upstream, self.suffix(scope)),
            message: format!(
                "`{}` expects {}, found `{}`",
                spec.name, bad.wants, got.text
            ),
            place,
            help: Some(help),
        })
    }

    /// Reports a key that must be there.
    pub(crate) fn missing(&mut self, scope: &Scope, spec: &OptionSpec, upstream: &str) -> Told {
        let help = hints::nearest(
            spec.name,
            self.sections
                .section(&scope.section)
                .into_iter()
                .flat_map(|section| section.own_keys().map(|(key, _)| key)),
        )
        .map(|near| format!("is `{near}` meant to be `{}`?", spec.name));
        let place = self.header(&scope.section);
        self.report.error(Problem {
            code: Code::MissingKey,
            upstream: format!("{upstream}{}", self.suffix(scope)),
            message: format!("[{}] needs the key `{}`", scope.section, spec.name),
            place,
            help: help.or_else(|| Some(format!("add a line `{}=…`", spec.name))),
        })
    }

    /// Reports anything else that is wrong with a value. The message is upstream's sentence.
    pub(crate) fn wrong(
        &mut self,
        scope: &Scope,
        code: Code,
        sentence: &str,
        place: Option<Place>,
        help: Option<String>,
    ) -> Told {
        let place = place.or_else(|| self.header(&scope.section));
        self.report.error(Problem {
            code,
            upstream: format!("{sentence}{}", self.suffix(scope)),
            message: sentence.to_owned(),
            place,
            help,
        })
    }

    /// Where a section begins.
    pub(crate) fn header(&self, section: &str) -> Option<Place> {
        self.sections
            .section(section)
            .map(|section| section.header.clone())
    }
}

/// What to write in place of a value that is not of its kind.
fn way_out(spec: &OptionSpec, guess: Option<String>) -> String {
    let key = spec.name;
    match (guess, spec.default) {
        (Some(value), _) => format!("write `{key}={value}`"),
        (None, Fallback::Text("") | Fallback::Found(_)) => {
            format!("mend the value, or take the line away: `{key}` need not be set")
        }
        (None, Fallback::Text(default)) => {
            format!("the default is `{key}={default}`; it holds when the line is taken away")
        }
        (None, Fallback::Required) => format!("mend the value; `{key}` must be set"),
    }
}

impl Got {
    /// Where it stands; at the key when it is empty.
    pub(crate) fn place(&self) -> Option<Place> {
        let origin = self.origin.as_ref()?;
        Some(if origin.place.span.is_empty() {
            origin.key.clone()
        } else {
            origin.place.clone()
        })
    }

    /// Where a part of it stands, if the file has it as it is. The text is as written.
    fn part(&self, part: &str) -> Option<Place> {
        let origin = self.origin.as_ref()?;
        match self.text.find(part).filter(|_| origin.is_as_written) {
            Some(at) => {
                let start = origin.place.span.start + at;
                Some(Place {
                    source: origin.place.source,
                    span: start..start + part.len(),
                })
            }
            None => self.place(),
        }
    }
}
