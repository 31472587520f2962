//! The whole state as something that can be written down and read again.
//!
//! A running supervisord hands this state to the program that takes its place, and can go back to it after a mistake.
//! [`Core`] implements `Serialize` and `Deserialize`; the edge chooses the format, which is JSON. The rules by which the
//! format may grow are in `provost_model::saved`.
//!
//! Specifications are needed in three places, and are written once, in a table (`tables.rs`). What follows from other
//! parts of the state, as indices do, is not written but made again. What is read comes from outside: it is looked at
//! (`check.rs`) before anybody works with it, and whoever has a [`Core`] has one that was found sound. Whether it is the
//! one that was written is told by [`Core::digest`].

mod check;
mod digest;
mod rebuild;
mod tables;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod unsound_tests;

use crate::deadlines::Deadlines;
use crate::group::{GroupId, Groups};
use crate::helper::Helpers;
use crate::job::{Jobs, Tickets};
use crate::lifecycle::{Phase, RestartLoad};
use crate::listener::bus::Bus;
use crate::listener::pool::Pool;
use crate::program::Processes;
use crate::sockets::Sockets;
use crate::store::Stores;
use crate::supervisor::Core;
use crate::turn::{Happening, Runs};
use provost_model::access::Scope;
use provost_model::{GroupSpec, Orphan, Resting, SpoolId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use tables::Tables;

pub(crate) use check::{Sound, ensure};
pub(crate) use tables::no_spec;

/// The number of the format. A program reads what has this number or a smaller one.
///
/// It grows when something gets a meaning that a program before would get wrong, and only then.
const FORMAT: u32 = 1;

/// What is saved of a [`Core`], field by field.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Core")]
struct Fields {
    identifier: Arc<str>,
    /// In the tables.
    #[serde(skip)]
    latest: Vec<Arc<GroupSpec>>,
    phase: Phase,
    restart_load: Option<RestartLoad>,
    /// In the tables.
    #[serde(skip)]
    groups: Groups,
    pools: BTreeMap<GroupId, Pool>,
    bus: Bus,
    helpers: Helpers,
    procs: Processes,
    last_proc: u32,
    runs: Runs,
    sockets: Sockets,
    deadlines: Deadlines,
    jobs: Jobs,
    tickets: Tickets,
    happened: VecDeque<Happening>,
    stirred: BTreeSet<GroupId>,
    reach: Option<Arc<Scope>>,
    stores: Stores,
    last_spool: u64,
    /// Follows from the pools.
    #[serde(skip)]
    spools: BTreeMap<SpoolId, GroupId>,
    saving: BTreeSet<SpoolId>,
    orphans: Vec<Orphan>,
    #[serde(default)]
    resting: Vec<Resting>,
}

#[derive(Serialize)]
struct Written<'a> {
    format: u32,
    /// The version that wrote it, for people.
    version: &'a str,
    tables: Tables,
    #[serde(serialize_with = "write_fields")]
    core: &'a Core,
}

#[derive(Deserialize)]
struct Read {
    /// Comes first, so that a later format is refused before it is misunderstood.
    #[serde(rename = "format", deserialize_with = "read_format")]
    _format: (),
    tables: Tables,
    #[serde(deserialize_with = "Fields::deserialize")]
    core: Core,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "this is how it is called"
)]
fn write_fields<S: Serializer>(core: &&Core, serializer: S) -> Result<S::Ok, S::Error> {
    Fields::serialize(core, serializer)
}

fn read_format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    let format = u32::deserialize(deserializer)?;
    if format <= FORMAT {
        return Ok(());
    }
    let text = format!("the state has format {format}, and this program reads {FORMAT} and before");
    Err(de::Error::custom(text))
}

impl Serialize for Core {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = Written {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION"),
            tables: Tables::of(self),
            core: self,
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Core {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Read {
            tables, mut core, ..
        } = Read::deserialize(deserializer)?;
        tables
            .put_into(&mut core)
            .and_then(|()| core.rebuild())
            .and_then(|()| core.check())
            .map_err(de::Error::custom)?;
        Ok(core)
    }
}
