//! The keys of a program's output channels.

use super::program::BASE;
use super::{Fallback, Kind, Names, OptionSpec, Sample};

/// The six keys of one output channel.
#[derive(Clone, Copy, Debug)]
pub struct ChannelOptions {
    /// `…_logfile`
    pub logfile: &'static OptionSpec,
    /// `…_logfile_maxbytes`
    pub maxbytes: &'static OptionSpec,
    /// `…_logfile_backups`
    pub backups: &'static OptionSpec,
    /// `…_capture_maxbytes`
    pub capture_maxbytes: &'static OptionSpec,
    /// `…_events_enabled`
    pub events_enabled: &'static OptionSpec,
    /// `…_syslog`
    pub syslog: &'static OptionSpec,
}

macro_rules! channel {
    ($name:literal, $words:literal, $constant:ident) => {
        #[doc = concat!("The keys of ", $words, ".")]
        pub const $constant: ChannelOptions = ChannelOptions {
            logfile: &OptionSpec {
                name: concat!($name, "_logfile"),
                kind: Kind::LogFile,
                default: Fallback::Text("AUTO"),
                names: Names::Process,
                sample: Sample::Comment("/a/path"),
                doc: concat!(
                    "Where ",
                    $words,
                    " of the program is written. `AUTO` makes up a file in `childlogdir` that lasts until the next \
                     start of supervisord, `NONE` writes nothing. Files that cannot be sought in, such as \
                     `/dev/stdout`, need the `_maxbytes` key set to 0. A literal percent sign is written `%%%%`, \
                     because this value is expanded twice."
                ),
                ..BASE
            },
            maxbytes: &OptionSpec {
                name: concat!($name, "_logfile_maxbytes"),
                kind: Kind::Bytes,
                default: Fallback::Text("50MB"),
                names: Names::Process,
                sample: Sample::Comment("1MB"),
                doc: concat!(
                    "How large the log of ",
                    $words,
                    " may grow before it is rotated. With 0 it is never rotated."
                ),
                ..BASE
            },
            backups: &OptionSpec {
                name: concat!($name, "_logfile_backups"),
                kind: Kind::Integer,
                default: Fallback::Text("10"),
                names: Names::Process,
                sample: Sample::Comment("10"),
                doc: concat!(
                    "How many rotated logs of ",
                    $words,
                    " are kept, as `.1`, `.2` and so on. With 0 the log is emptied instead."
                ),
                ..BASE
            },
            capture_maxbytes: &OptionSpec {
                name: concat!($name, "_capture_maxbytes"),
                kind: Kind::Bytes,
                default: Fallback::Text("0"),
                sample: Sample::Comment("1MB"),
                doc: concat!(
                    "How many bytes between the capture tokens in ",
                    $words,
                    " become a `PROCESS_COMMUNICATION` event; the last ones are kept. With 0 there is no capture."
                ),
                ..BASE
            },
            events_enabled: &OptionSpec {
                name: concat!($name, "_events_enabled"),
                kind: Kind::Boolean,
                default: Fallback::Text("false"),
                since: "3.0a7",
                sample: Sample::Comment("false"),
                doc: concat!("Whether everything on ", $words, " also becomes `PROCESS_LOG` events."),
                ..BASE
            },
            syslog: &OptionSpec {
                name: concat!($name, "_syslog"),
                kind: Kind::Boolean,
                default: Fallback::Text("false"),
                names: Names::Process,
                since: "4.0.0",
                sample: Sample::Comment("false"),
                doc: concat!(
                    "Whether each line on ",
                    $words,
                    " also goes to the system's log, with the name of the process before it."
                ),
                ..BASE
            },
        };
    };
}

channel!("stdout", "standard output", STDOUT);
channel!("stderr", "standard error", STDERR);
