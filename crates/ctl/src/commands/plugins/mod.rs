//! The commands of packages that are built in: there when a `[ctlplugin:x]` section names their factory.
//!
//! To add a plugin, write its file, its line in [`commands_of`], and its factory in the configuration.

mod cache;
mod laforge;
mod patterns;
mod quick;
mod serialrestart;
mod wildcards;

use super::{Command, find};
use provost_config::{Plugin, PluginSpec};

/// The plugins of the configuration, in its order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plugins(Vec<PluginSpec>);

impl Plugins {
    /// Those of these sections.
    pub(crate) fn new(sections: Vec<PluginSpec>) -> Self {
        Self(sections)
    }

    /// The command of this name, built in or of a plugin. What is built in comes first, then the first section.
    pub(crate) fn command(&self, name: &str) -> Option<&'static Command> {
        let others = self.0.iter().flat_map(|spec| commands_of(spec.plugin));
        find(name).or_else(|| others.copied().find(|command| command.name == name))
    }

    /// For each section its name and its commands.
    pub(crate) fn blocks(&self) -> Vec<(String, Vec<&'static str>)> {
        let block = |spec: &PluginSpec| {
            let commands = commands_of(spec.plugin).iter();
            let names = commands.map(|command| command.name).collect();
            (spec.name.clone(), names)
        };
        self.0.iter().map(block).collect()
    }

    /// The first section with something that `pick` wants.
    fn first<T>(&self, pick: impl Fn(Plugin) -> Option<T>) -> Option<T> {
        self.0.iter().find_map(|spec| pick(spec.plugin))
    }
}

/// The commands of a plugin, sorted by name.
fn commands_of(plugin: Plugin) -> &'static [&'static Command] {
    match plugin {
        Plugin::Cache => cache::COMMANDS,
        Plugin::Quick { .. } => quick::COMMANDS,
        Plugin::Laforge => laforge::COMMANDS,
        Plugin::Wildcards { .. } => wildcards::COMMANDS,
        Plugin::SerialRestart => serialrestart::COMMANDS,
    }
}
