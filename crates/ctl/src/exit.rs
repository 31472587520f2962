//! Every exit code of the commands, each with its meaning. Upstream's numbers, because scripts test them.

/// All went well, or the shell was left.
pub(crate) const SUCCESS: i32 = 0;

/// Something went wrong that has no code of its own.
pub(crate) const GENERIC: i32 = 1;

/// `start` without a name, `start` of an unknown group.
pub(crate) const INVALID_ARGS: i32 = 2;

/// The command line or the configuration cannot be used.
pub(crate) const USAGE: i32 = 2;

/// The server does not have the `supervisor` namespace.
pub(crate) const UNIMPLEMENTED_FEATURE: i32 = 3;

/// The server refused the connection.
pub(crate) const INSUFFICIENT_PRIVILEGES: i32 = 4;

/// The server speaks another version of the interface.
pub(crate) const NOT_INSTALLED: i32 = 5;

/// A program is not running, could not be started, or the server's socket file is missing.
pub(crate) const NOT_RUNNING: i32 = 7;

/// `status`: something shown is STOPPED, EXITED, FATAL or UNKNOWN. Wins over [`STATUS_UNKNOWN`].
pub(crate) const STATUS_NOT_RUNNING: i32 = 3;

/// `status`: a name is unknown, or the server could not be asked.
pub(crate) const STATUS_UNKNOWN: i32 = 4;

/// Ctrl-C ended a command where nothing else was agreed: what shells report of SIGINT.
pub(crate) const INTERRUPTED: i32 = 130;
