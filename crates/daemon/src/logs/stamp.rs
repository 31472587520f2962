//! The stamp of a main log line: local time to the millisecond.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use provost_model::Level;
use std::fmt::Write;
use std::time::SystemTime;

/// Formats stamps; keeps the text of the last second, because lines come in bursts.
pub(super) struct Stamper {
    zone: TimeZone,
    second: i64,
    text: String,
}

impl Stamper {
    /// Stamps in the system's time zone (`TZ`, else `/etc/localtime`, else UTC).
    pub(super) fn local() -> Self {
        Self::in_zone(crate::zone::local())
    }

    fn in_zone(zone: TimeZone) -> Self {
        Self {
            zone,
            second: i64::MIN,
            text: String::new(),
        }
    }

    /// `2026-01-01 10:00:00`; a time that no calendar holds is shown as the epoch.
    pub(super) fn second(&mut self, when: SystemTime) -> &str {
        let stamp = Timestamp::try_from(when).unwrap_or(Timestamp::UNIX_EPOCH);
        if self.text.is_empty() || stamp.as_second() != self.second {
            self.second = stamp.as_second();
            self.text = stamp
                .to_zoned(self.zone.clone())
                .strftime("%Y-%m-%d %H:%M:%S")
                .to_string();
        }
        &self.text
    }

    /// A whole line: `2026-01-01 10:00:00,020 INFO text`, ended by a newline.
    pub(super) fn line(&mut self, level: Level, when: SystemTime, text: &str) -> String {
        let stamp = Timestamp::try_from(when).unwrap_or(Timestamp::UNIX_EPOCH);
        let millis = stamp.subsec_millisecond().unsigned_abs();
        let mut line = String::with_capacity(text.len() + 32);
        line.push_str(self.second(when));
        // Writing to a String cannot fail.
        let _ = writeln!(line, ",{millis:03} {} {text}", level.tag());
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_line_has_upstreams_form() {
        let mut stamper = Stamper::in_zone(TimeZone::UTC);
        let when = UNIX_EPOCH + Duration::new(1_767_261_600, 20_999_000);
        assert_eq!(
            stamper.line(Level::Info, when, "text"),
            "2026-01-01 10:00:00,020 INFO text\n"
        );
        let later = when + Duration::from_millis(980);
        assert_eq!(
            stamper.line(Level::Critical, later, "a\nb"),
            "2026-01-01 10:00:01,000 CRIT a\nb\n"
        );
    }

    #[test]
    fn local_time_is_shown() {
        let zone = TimeZone::posix("XXX-2").expect("a zone two hours east");
        let mut stamper = Stamper::in_zone(zone);
        assert_eq!(stamper.second(UNIX_EPOCH), "1970-01-01 02:00:00");
    }
}
