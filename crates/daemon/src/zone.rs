//! The machine's time zone, found as the C library finds it: `TZ`, else `/etc/localtime`, else UTC.
//!
//! Only the one file is read that says it. A database of all zones by name would cost more than all the rest of a start.

use jiff::tz::TimeZone;
use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

/// Where zones lie unless `TZDIR` says otherwise.
const ZONES: &str = "/usr/share/zoneinfo";

/// Where the zone of the machine lies.
const LOCAL: &str = "/etc/localtime";

/// The zone, as it was when it was first asked for.
pub(crate) fn local() -> TimeZone {
    static ZONE: OnceLock<TimeZone> = OnceLock::new();
    ZONE.get_or_init(|| find(|name| std::env::var_os(name)))
        .clone()
}

fn find(variable: impl Fn(&str) -> Option<OsString>) -> TimeZone {
    let Some(value) = variable("TZ") else {
        return file(Path::new(LOCAL)).unwrap_or(TimeZone::UTC);
    };
    let Some(text) = value.to_str() else {
        return TimeZone::UTC;
    };
    let name = text.strip_prefix(':').unwrap_or(text);
    let directory = variable("TZDIR").map_or_else(|| PathBuf::from(ZONES), PathBuf::from);
    let leads_out = Path::new(name)
        .components()
        .any(|component| component == Component::ParentDir);
    if name.is_empty() || leads_out {
        return TimeZone::UTC;
    }
    // An absolute path takes the place of the directory.
    file(&directory.join(name))
        .or_else(|| TimeZone::posix(name).ok())
        .unwrap_or(TimeZone::UTC)
}

fn file(path: &Path) -> Option<TimeZone> {
    let name = path.to_string_lossy();
    TimeZone::tzif(&name, &fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    /// Seconds east of UTC on the first of July 2026.
    fn offset(variables: &[(&str, &str)]) -> i32 {
        let zone = find(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        });
        let summer = Timestamp::from_second(1_782_900_000).unwrap();
        zone.to_offset(summer).seconds()
    }

    #[test]
    fn a_rule_needs_no_file() {
        assert_eq!(offset(&[("TZ", "EST5EDT,M3.2.0,M11.1.0")]), -4 * 3600);
        assert_eq!(offset(&[("TZ", ":XXX-2")]), 2 * 3600);
    }

    #[test]
    fn what_names_no_zone_is_utc() {
        for name in ["", ":", "Nowhere/At_All", "../../etc/localtime"] {
            assert_eq!(offset(&[("TZ", name)]), 0, "{name}");
        }
    }

    #[test]
    fn a_name_is_a_file_below_the_directory_or_a_path() {
        let Some(zone) = fs::read(Path::new(ZONES).join("America/New_York")).ok() else {
            return;
        };
        let directory = std::env::temp_dir().join(format!("provost-zone-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("Own"), zone).unwrap();
        let place = directory.to_str().unwrap();
        assert_eq!(offset(&[("TZ", "America/New_York")]), -4 * 3600);
        assert_eq!(offset(&[("TZ", "Own"), ("TZDIR", place)]), -4 * 3600);
        assert_eq!(offset(&[("TZ", &format!("{place}/Own"))]), -4 * 3600);
        fs::remove_dir_all(&directory).unwrap();
    }
}
