//! Names of capabilities.

use super::{Bad, list};
use crate::hints;
use crate::python::repr;

/// Their names, each at the place of its bit. The kernel has had no other since 5.9.
const NAMES: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// A list of capabilities as bits; `none` is the empty one.
pub(crate) fn capabilities(text: &str) -> Result<u64, Bad> {
    let mut bits = 0;
    let names = list(text);
    if names.len() == 1 && text.trim().eq_ignore_ascii_case("none") {
        return Ok(0);
    }
    for name in &names {
        let upper = name.to_uppercase();
        let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
        let Some(bit) = NAMES.iter().position(|known| *known == bare) else {
            let bad = Bad::new(
                format!("invalid 'capabilities' value {}", repr(name)),
                "names of capabilities as in capabilities(7), separated by commas, or `none`",
            );
            return Err(bad.or_try(hints::nearest(bare, NAMES).map(str::to_owned)));
        };
        bits |= 1 << bit;
    }
    if names.is_empty() {
        return Err(Bad::new(
            "invalid 'capabilities' value ''".to_owned(),
            "names of capabilities as in capabilities(7), separated by commas, or `none`",
        ));
    }
    Ok(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s19_names_become_bits() {
        for (text, bits) in [
            ("none", 0),
            ("NET_BIND_SERVICE", 1 << 10),
            ("cap_chown, checkpoint_restore", 1 | 1 << 40),
        ] {
            assert_eq!(capabilities(text).ok(), Some(bits), "{text}");
        }
        for text in ["", "all", "none, chown", "CAP_CAP_CHOWN", "10"] {
            assert!(capabilities(text).is_err(), "{text}");
        }
    }
}
