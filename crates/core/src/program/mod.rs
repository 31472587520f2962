//! One process: its states, its restarts, its end.

mod adopt;
mod end;
#[cfg(test)]
mod end_tests;
pub(crate) mod machine;
mod past;
pub(crate) mod restart;
mod stop;
mod table;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use machine::Process;
pub(crate) use table::Processes;
