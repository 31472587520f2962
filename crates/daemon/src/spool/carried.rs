//! An open spool on its way from one image of supervisord to the next: the lock is never let go.

use super::file::{SpoolFile, Tell};
use super::{Clerk, Job, Known, Report, Spools, start};
use crate::handover::Kept;
use crate::logs::Logger;
use provost_model::{SpoolId, Ticket};
use provost_wire::spool::Mark;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

/// How long one thread may take to answer. Nothing is read or written for it.
const ANSWER_MAX: Duration = Duration::from_millis(500);

/// A spool in use.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CarriedSpool {
    #[serde(with = "provost_model::saved::path")]
    path: PathBuf,
    spool: SpoolId,
    pool: Arc<str>,
    maxbytes: u64,
    failing: bool,
    /// None when it could not be opened.
    open: Option<Position>,
    /// Its thread broke down: it is opened anew.
    #[serde(default)]
    lost: bool,
}

/// The open file, and where in it we are.
#[derive(Debug, Serialize, Deserialize)]
struct Position {
    file: Kept,
    /// The generation of the mark, and its place.
    mark: (u64, u64),
    end: u64,
    cursor: u64,
    number: u64,
    unread: u64,
    held: Vec<(u64, u64)>,
    refused: bool,
}

impl Position {
    fn of(file: SpoolFile) -> Self {
        Self {
            file: Kept::new(file.file),
            mark: (file.mark.generation, file.mark.place),
            end: file.end,
            cursor: file.cursor,
            number: file.number,
            unread: file.unread,
            held: file.held.into(),
            refused: file.refused,
        }
    }

    fn open(self, path: &Path, maxbytes: u64, tell: Tell) -> io::Result<SpoolFile> {
        let (generation, place) = self.mark;
        Ok(SpoolFile {
            file: self.file.take()?.into(),
            path: path.to_path_buf(),
            maxbytes,
            tell,
            mark: Mark { generation, place },
            end: self.end,
            cursor: self.cursor,
            number: self.number,
            unread: self.unread,
            held: self.held.into(),
            refused: self.refused,
        })
    }
}

/// A spool whose thread broke down.
#[derive(Debug)]
pub(crate) struct LostSpool {
    pub(crate) path: PathBuf,
    /// Orders that nobody will answer any more.
    pub(crate) orders: Vec<Ticket>,
    /// Its pool is there, so that it is opened anew.
    pub(crate) is_in_use: bool,
}

impl CarriedSpool {
    /// One whose thread broke down.
    fn lost(path: &Path, known: Known) -> Self {
        Self {
            path: path.to_path_buf(),
            spool: known.spool,
            pool: known.pool,
            maxbytes: known.maxbytes,
            failing: false,
            open: None,
            lost: true,
        }
    }
}

impl Spools {
    /// Ends all threads when they have done what was ordered, and takes over what they have open; also those that do
    /// not answer.
    pub(crate) fn hand_over(mut self) -> (Vec<CarriedSpool>, Vec<LostSpool>) {
        let mut carried = Vec::new();
        let mut lost = Vec::new();
        for (path, lane) in self.lanes {
            let (told, answer) = channel();
            // One that has panicked takes no word any more.
            let asked = lane.send(Job::HandOver(told)).ok();
            if let Some(spool) = asked.and_then(|()| answer.recv_timeout(ANSWER_MAX).ok()) {
                carried.extend(spool);
                continue;
            }
            let known = self.known.remove(&path);
            let known = known.filter(|known| self.paths.contains_key(&known.spool));
            let orders = self.orders.iter();
            let orders = orders.filter(|(_, of)| **of == path).map(|(one, _)| *one);
            lost.push(LostSpool {
                orders: orders.collect(),
                is_in_use: known.is_some(),
                path: path.clone(),
            });
            carried.extend(known.map(|known| CarriedSpool::lost(&path, known)));
        }
        (carried, lost)
    }

    /// Goes on with a spool where an earlier image of ours left off.
    pub(crate) fn resume(
        &mut self,
        carried: CarriedSpool,
        logger: &Logger,
        report: Report,
    ) -> io::Result<()> {
        let mut clerk = Clerk::new(carried.path.clone(), logger.clone());
        clerk.failing = carried.failing;
        clerk.lost = carried.lost;
        let known = Known {
            spool: carried.spool,
            pool: carried.pool,
            maxbytes: carried.maxbytes,
        };
        if let Some(position) = carried.open {
            let tell = clerk.teller(&known);
            clerk.open = Some(position.open(&carried.path, carried.maxbytes, tell)?);
        }
        self.known.insert(carried.path.clone(), known.clone());
        clerk.known = Some(known);
        let lane = start(clerk, report)?;
        self.paths.insert(carried.spool, carried.path.clone());
        self.lanes.insert(carried.path, lane);
        Ok(())
    }
}

impl Clerk {
    /// What is in use, for another image.
    pub(super) fn into_carried(self) -> Option<CarriedSpool> {
        let known = self.known?;
        Some(CarriedSpool {
            path: self.path,
            spool: known.spool,
            pool: known.pool,
            maxbytes: known.maxbytes,
            failing: self.failing,
            open: self.open.map(Position::of),
            lost: self.lost,
        })
    }
}
