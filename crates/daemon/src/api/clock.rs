//! Times as people and HTTP read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
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

fn local(secs: i64, format: &str) -> String {
    Timestamp::from_second(secs)
        .map(|stamp| {
            stamp
                .to_zoned(TimeZone::system())
                .strftime(format)
                .to_string()
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_http_date_is_in_gmt() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_hours(490_906);
        assert_eq!(http_date(time), "Thu, 01 Jan 2026 10:00:00 GMT");
    }
}
