//! The table of methods: one entry each, from which dispatch, `system.methodHelp`, `system.methodSignature`,
//! `system.listMethods` and the reference page follow.
//!
//! A method exists only as an entry of a table; no name reaches anything else. Decoding yields an [`Invocation`]: what
//! the core is to be asked, or what the edge can answer without it.

mod args;
mod cache;
mod daemon;
mod invocation;
mod laforge;
mod process;
mod reference;
mod system;
mod twiddler;

pub use reference::reference;

use crate::xmlrpc::{Call, Value};
use args::Args;
use provost_model::access::Verb;
use provost_model::config::Interface;
use provost_model::{Channel, Fault, FaultCode, Request};

/// What `getAPIVersion` answers; unchanged since Supervisor 3.0.
pub const API_VERSION: &str = "3.0";

/// What `getSupervisorVersion` answers: the release of Supervisor that this daemon is compatible with.
pub const SUPERVISOR_VERSION: &str = "4.3.0";

/// Calls that one `system.multicall` may hold.
pub const MAX_MULTICALL: usize = 10_000;

/// A type on the wire, by the name that `system.methodSignature` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `string`.
    Str,
    /// `int`.
    Int,
    /// `int` by the other name that one package gives it.
    Integer,
    /// `string` or `int`.
    StrOrInt,
    /// `boolean`.
    Bool,
    /// `array`.
    Array,
    /// `struct`.
    Struct,
}

impl Kind {
    /// The name in signatures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Str => "string",
            Self::Int => "int",
            Self::Integer => "integer",
            Self::StrOrInt => "string|int",
            Self::Bool => "boolean",
            Self::Array => "array",
            Self::Struct => "struct",
        }
    }
}

/// A parameter of a method.
#[derive(Debug)]
pub struct Param {
    /// Its name in the documentation; parameters are passed by position.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What it is.
    pub text: &'static str,
    /// What a caller who leaves it out gets; none when it must be given.
    pub default: Option<&'static str>,
}

/// A method.
#[derive(Debug)]
pub struct Method {
    /// Its name after the dot.
    pub name: &'static str,
    /// The right that its caller needs.
    pub verb: Verb,
    /// Older names that do the same.
    pub aliases: &'static [&'static str],
    /// What it does.
    pub summary: &'static str,
    /// Its parameters in order; the ones with a default come last.
    pub params: &'static [Param],
    /// The type of its result.
    pub result: Kind,
    /// What the result is.
    pub result_text: &'static str,
    /// The faults it may answer, besides wrong parameters and `SHUTDOWN_STATE`.
    pub faults: &'static [FaultCode],
    decode: fn(&Args<'_>) -> Result<Invocation, Fault>,
}

impl Method {
    /// Its documentation, in the form that upstream's tools take signatures from.
    pub fn help(&self) -> String {
        let mut out = format!(" {}\n\n", self.summary);
        for param in self.params {
            out.push_str(&format_tag("param", param.kind, param.name, param.text));
        }
        out.push_str(&format_tag(
            "return",
            self.result,
            "result",
            self.result_text,
        ));
        out
    }

    /// The type of the result, then the types of the parameters.
    pub fn signature(&self) -> Vec<&'static str> {
        let params = self.params.iter().map(|param| param.kind.name());
        std::iter::once(self.result.name()).chain(params).collect()
    }

    /// Turns parameters into what is to be done.
    fn decode(&self, namespace: &str, params: &[Value]) -> Result<Invocation, Fault> {
        let needed = self
            .params
            .iter()
            .filter(|param| param.default.is_none())
            .count();
        if params.len() < needed || params.len() > self.params.len() {
            return Err(Fault::bare(FaultCode::IncorrectParameters));
        }
        (self.decode)(&Args::new(namespace, self.params, params))
    }
}

fn format_tag(tag: &str, kind: Kind, name: &str, text: &str) -> String {
    format!("@{tag} {} {name}  {text}\n", kind.name())
}

/// A piece of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Bytes from the start, or from the end when negative.
    pub offset: i64,
    /// Bytes; 0 means all there are.
    pub length: i64,
}

/// What a call asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Invocation {
    /// A request to the core.
    Core(Request),
    /// A text, unless the daemon is stopping.
    Tell(&'static str),
    /// A refusal, unless the daemon is stopping, which would be one before it.
    Refuse(Fault),
    /// [`API_VERSION`], unless the daemon is stopping.
    ApiVersion,
    /// [`SUPERVISOR_VERSION`], unless the daemon is stopping.
    SupervisorVersion,
    /// The daemon's pid, unless it is stopping.
    Pid,
    /// Part of the main log, unless the daemon is stopping.
    ReadMainLog(Range),
    /// Part of a process' log.
    ReadLog {
        /// Which process.
        name: String,
        /// Which of its logs.
        channel: Channel,
        /// Which part.
        range: Range,
    },
    /// The end of a process' log.
    TailLog {
        /// Which process.
        name: String,
        /// Which of its logs.
        channel: Channel,
        /// From where, and how much at most.
        range: Range,
    },
    /// The version of this daemon's own.
    OwnVersion,
    /// How the logs of processes stand: for the edge.
    Logs,
    /// Every name.
    ListMethods,
    /// The documentation of a method.
    MethodHelp(String),
    /// The types of a method.
    MethodSignature(String),
    /// Many calls, to be run in order. An entry that is no call carries its fault.
    Multicall(Vec<Result<Call, Fault>>),
}

/// The methods that exist under the namespaces that are configured.
#[derive(Clone, Debug)]
pub struct Methods {
    namespaces: Vec<(String, Interface)>,
}

impl Methods {
    /// `namespaces` are the names of the `[rpcinterface:x]` sections and what each offers, usually just the main
    /// interface as `supervisor`. `system` and `provost` exist always.
    pub fn new(namespaces: Vec<(String, Interface)>) -> Self {
        Self { namespaces }
    }

    /// The entry behind `namespace.method`.
    pub fn find(&self, full_name: &str) -> Option<&'static Method> {
        let (namespace, name) = full_name.split_once('.')?;
        let named = |method: &&Method| method.name == name || method.aliases.contains(&name);
        match namespace {
            "system" => system::SYSTEM.iter().find(named),
            "provost" => system::OWN.iter().find(named),
            _ => methods_of(self.interface(namespace)?).find(named),
        }
    }

    fn interface(&self, namespace: &str) -> Option<&Interface> {
        let known = self.namespaces.iter().find(|(name, _)| name == namespace);
        known.map(|(_, interface)| interface)
    }

    /// Every name, aliases included, sorted.
    pub fn list(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut publish = |namespace: &str, method: &Method| {
            for name in std::iter::once(&method.name).chain(method.aliases) {
                names.push(format!("{namespace}.{name}"));
            }
        };
        for method in system::SYSTEM {
            publish("system", method);
        }
        for method in system::OWN {
            publish("provost", method);
        }
        for (namespace, interface) in &self.namespaces {
            for method in methods_of(interface) {
                publish(namespace, method);
            }
        }
        names.sort();
        names.dedup();
        names
    }

    /// Namespace and method of a name whose namespace is none of these, so that a helper may have it.
    pub fn foreign<'a>(&self, full_name: &'a str) -> Option<(&'a str, &'a str)> {
        let (namespace, name) = full_name.split_once('.')?;
        let ours = matches!(namespace, "system" | "provost")
            || self.namespaces.iter().any(|(known, _)| known == namespace);
        (!ours).then_some((namespace, name))
    }

    /// What a call asks for, or the fault that answers it.
    pub fn decode(&self, call: &Call) -> Result<Invocation, Fault> {
        let method = self
            .find(&call.method)
            .ok_or_else(|| Fault::bare(FaultCode::UnknownMethod))?;
        let (namespace, name) = call.method.split_once('.').unwrap_or_default();
        let invocation = method.decode(namespace, &call.params)?;
        Ok(match self.interface(namespace) {
            Some(Interface::Twiddler { whitelist }) if !is_listed(whitelist, name) => {
                Invocation::Refuse(Fault::about(FaultCode::NotInWhitelist, name))
            }
            _ => invocation,
        })
    }

    /// The parameters of a call as a record may show them.
    pub fn shown_args(&self, call: &Call) -> Vec<String> {
        let method = self.find(&call.method);
        let of_one = |(index, value): (usize, &Value)| {
            let param = method.and_then(|method| method.params.get(index));
            invocation::shown(param, value)
        };
        call.params.iter().enumerate().map(of_one).collect()
    }

    /// The answer to `system.methodHelp`.
    pub fn help(&self, name: &str) -> Result<Value, Fault> {
        let method = self
            .find(name)
            .ok_or_else(|| Fault::bare(FaultCode::SignatureUnsupported))?;
        Ok(Value::Str(method.help()))
    }

    /// The answer to `system.methodSignature`.
    pub fn signature(&self, name: &str) -> Result<Value, Fault> {
        let method = self
            .find(name)
            .ok_or_else(|| Fault::bare(FaultCode::SignatureUnsupported))?;
        Ok(Value::Array(
            method.signature().into_iter().map(Value::text).collect(),
        ))
    }
}

/// Whether a whitelist lets a method through; an empty one lets everything.
fn is_listed(whitelist: &[String], name: &str) -> bool {
    whitelist.is_empty() || whitelist.iter().any(|listed| listed == name)
}

/// The methods of an interface.
fn methods_of(interface: &Interface) -> impl Iterator<Item = &'static Method> {
    let (first, second): (&[Method], &[Method]) = match interface {
        Interface::Main => (daemon::METHODS, process::METHODS),
        Interface::Twiddler { .. } => (twiddler::METHODS, &[]),
        Interface::Cache => (cache::METHODS, &[]),
        Interface::Laforge => (laforge::METHODS, &[]),
    };
    first.iter().chain(second)
}

#[cfg(test)]
mod plugin_tests;
#[cfg(test)]
mod tests;
