//! Those of events and listeners.

use super::{Difference, entry};

/// Key, case, what ours contains, reason.
pub(super) const LIST: &[Difference] = &[
    entry(
        "overlapping subscriptions",
        "events overlapping",
        "poolserial:6 eventname:REMOTE_COMMUNICATION",
        "the same serial came twice",
    ),
    entry(
        "rejected events",
        "events refused elsewhere",
        "pool:other poolserial:0 eventname:SUPERVISOR",
        "a pool gets what it has asked for",
    ),
    entry(
        "events for which a pool has no room",
        "events overflow burst",
        "discarded 4 more events (event 4 was the last)",
        "a log full of one line hides the others",
    ),
    entry(
        "`RESULT 0`",
        "events answer empty",
        "lis: event was rejected",
        "an empty result is whole when its line is",
    ),
    entry(
        "a result of negative length",
        "events answer negative",
        "lis: bad result line: 'RESULT -1'",
        "upstream reads on for ever",
    ),
    entry(
        "control characters in the type of `sendRemoteCommEvent`",
        "events remote type with line end",
        "BAD_ARGUMENTS",
        "a client could forge lines of the event",
    ),
    entry(
        "short output of a program in capture mode",
        "events short output",
        "channel:stdout\\ntwo",
        "upstream keeps it until more comes",
    ),
];
