//! Names that texts may use, and what they stand for.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Var {
    /// A text.
    Text(Arc<str>),
    /// A number.
    Int(i64),
}

impl Var {
    /// Its type in Python's words.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "str",
            Self::Int(_) => "int",
        }
    }
}

/// The names that may be used: those that all scopes have, which are many, and a few of a scope's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vars {
    common: Arc<BTreeMap<String, Var>>,
    own: Vec<(Cow<'static, str>, Var)>,
}

impl Vars {
    /// What a name stands for.
    pub(crate) fn get(&self, name: &str) -> Option<&Var> {
        let own = self.own.iter().find(|(known, _)| known == name);
        own.map(|(_, var)| var).or_else(|| self.common.get(name))
    }

    /// Makes a name known, or changes it.
    pub(crate) fn insert(&mut self, name: Cow<'static, str>, var: Var) {
        match self.own.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = var,
            None => self.own.push((name, var)),
        }
    }

    /// All names, sorted as messages list them.
    pub(crate) fn names(&self) -> BTreeSet<&str> {
        let own = self.own.iter().map(|(name, _)| name.as_ref());
        own.chain(self.common.keys().map(String::as_str)).collect()
    }
}

impl FromIterator<(String, Var)> for Vars {
    /// Names that all scopes have.
    fn from_iter<T: IntoIterator<Item = (String, Var)>>(names: T) -> Self {
        Self {
            common: Arc::new(names.into_iter().collect()),
            own: Vec::new(),
        }
    }
}
