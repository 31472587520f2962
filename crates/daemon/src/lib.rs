//! The shell around the core: boot, the control loop, the logs thread, the api thread, workers, messages.

mod adopt;
pub mod api;
mod audit;
mod birth;
pub mod boot;
mod check;
mod children;
pub mod control;
mod demo;
mod done;
mod explain;
mod fcgi;
mod helper;
mod host;
mod life;
pub mod logs;
mod messages;
mod oom;
mod output;
mod perform;
mod prepare;
mod reload;
mod runs;
mod servers;
mod shell;
mod source;
mod spawn_order;
mod spool;
mod stdin;
mod take;
mod takeover;
mod tree;
mod workers;

pub use provost_os::stdio::arguments;
