//! One script of operations, run against upstream and against Provost; the transcripts are compared.
//!
//! Whatever differs is either a defect or stands in [`differences`] with its reason, and in
//! `docs/differences.md` for the user. An entry of that list that no longer applies fails its test, too.

#![expect(
    clippy::missing_panics_doc,
    reason = "a harness fails a test by panicking, everywhere"
)]

pub mod cases;
pub mod compare;
pub mod config_case;
pub mod desk;
pub mod differences;
pub mod ecosystem;
pub mod many;
pub mod page;
pub mod rig;
pub mod talk;
