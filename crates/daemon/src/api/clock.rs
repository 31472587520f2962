//! Times as people and HTTP read them.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use std::time::SystemTime;

/// Local time as the descriptions of processes show it: `Nov 22 05:01 PM`. Empty beyond the year 9999.
pub(super) fn short_local(secs: i64) -> String {
    local(secs, "%b %d %I:%M %p")
}

/// Now in local time as access lines show it: `22/Nov/2026:17:01:00 +0100`.
pub(super) fn access_local() -> String {
    local(Timestamp::now().as_second(), "%d/%b/%Y:%H:%M:%S %z")
}

/// A time as HTTP headers show it: `Thu, 01 Jan 2026 10:00:00 GMT`.
pub(super) fn http_date(time: SystemTime) -> String {
    let stamp = Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH);
    stamp.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Now in local time as messages show it: `Sun Nov  1 17:01:00 2026`.
pub(super) fn long_local() -> String {
    local(Timestamp::now().as_second(), "%a %b %e %H:%M:%S %Y")
}

/// A time that HTTP headers can show, without the part of a second that they do not.
pub(super) fn whole_seconds(time: SystemTime) -> Timestamp {
    let stamp = Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH);
    Timestamp::from_second(stamp.as_second()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A time from a header; what some browsers once wrote behind it, a semicolon and a length, is let go.
pub(super) fn read_http_date(text: &str) -> Option<Timestamp> {
    let date = text.split(';').next().unwrap_or_default().trim();
    rfc2822::DateTimeParser::new().parse_timestamp(date).ok()
}

fn local(secs: i64, format: &str) -> String {
    Timestamp::from_second(secs)
        .map(|stamp| {
            stamp
                .to_zoned(crate::zone::local())
                .strftime(format)
                .to_string()
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::process::Command;
    use std::time::Duration;

    /// Runs in a process of its own, because a time zone belongs to a process.
    #[test]
    #[ignore = "is started by the next test"]
    fn in_new_york() {
        assert_eq!(short_local(1_767_261_600), "Jan 01 05:00 AM");
        assert_eq!(short_local(1_782_900_000), "Jul 01 06:00 AM");
    }

    #[test]
    fn local_time_is_that_of_the_environment() {
        // By name, as containers set it, and by rule, which needs no files.
        for zone in ["America/New_York", "EST5EDT,M3.2.0,M11.1.0"] {
            if zone.contains('/') && !Path::new("/usr/share/zoneinfo").join(zone).exists() {
                continue;
            }
            let run = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "--ignored", "api::clock::tests::in_new_york"])
                .env("TZ", zone)
                .output()
                .unwrap();
            assert!(
                run.status.success(),
                "{zone}: {}",
                String::from_utf8_lossy(&run.stdout)
            );
        }
    }

    #[test]
    fn an_http_date_is_in_gmt() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_hours(490_906);
        assert_eq!(http_date(time), "Thu, 01 Jan 2026 10:00:00 GMT");
        let exact = time + Duration::from_millis(700);
        for text in [&http_date(exact), "Thu, 01 Jan 2026 10:00:00 GMT; length=5"] {
            assert_eq!(read_http_date(text), Some(whole_seconds(exact)), "{text}");
        }
        assert_eq!(read_http_date("yesterday"), None);
    }
}
