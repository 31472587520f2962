//! `environment=`: which values are taken. What the taken ones come to is seen by a test that runs programs.

use crate::config_case::Case;

/// Values that are refused, or taken with an effect that the daemon does not tell.
const VALUES: &[(&str, &str)] = &[
    ("empty", ""),
    ("pair", "A=1"),
    ("trailing comma", "A=1,"),
    ("double comma", "A=1,,B=2"),
    ("blank between", "A=1 B=2"),
    ("no value", "A="),
    ("no equals", "A"),
    ("no key", "=1"),
    ("two equals", "A=a=b"),
    ("at sign", "A=a@b"),
    ("colon between", "A=1:B=2"),
    ("open quote", "A=\"1"),
    ("open single quote", "A='1"),
    ("backslash at the end", "A=1\\"),
    ("newline between", "A=1\n  B=2"),
    ("newline and comma", "A=1,\n  B=2"),
    ("unknown expansion", "A=\"%(nothing)s\""),
    ("lone percent", "A=\"100%\""),
    ("process number", "A=\"%(process_num)d\""),
];

/// The cases of this topic.
pub fn cases() -> Vec<Case> {
    VALUES
        .iter()
        .map(|(name, value)| {
            Case::program(
                &format!("environment {name}"),
                &format!("environment={value}"),
            )
        })
        .collect()
}
