//! The shell around the core: boot, the control loop, the logs thread, the api thread, workers, messages.

pub mod api;
pub mod control;
pub mod logs;
pub mod messages;
