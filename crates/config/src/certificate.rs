//! What a certificate says of itself: whose it is, and how long it holds.
//!
//! A small reader of DER, for these few fields only. Whether a certificate is to be believed is not decided here.

use std::net::{Ipv4Addr, Ipv6Addr};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT: u8 = 0x06;
const BOOLEAN: u8 = 0x01;
const OCTETS: u8 = 0x04;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// `[0]` and `[3]` of a certificate: the version, and the extensions.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
/// Kinds of alternative names.
const MAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const ADDRESS: u8 = 0x87;
/// `commonName`, 2.5.4.3, and `subjectAltName`, 2.5.29.17.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// What a certificate says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Certificate {
    /// The common name of its subject.
    pub subject: Option<String>,
    /// Its alternative names: hosts, mail addresses, URIs and addresses as text.
    pub names: Vec<String>,
    /// Seconds since 1970 from which on it holds.
    pub begins: i64,
    /// Seconds since 1970 up to which it holds.
    pub ends: i64,
}

/// Bytes that are read from the front.
#[derive(Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(bytes)
    }

    fn byte(&mut self) -> Option<u8> {
        self.bytes(1)?.first().copied()
    }

    /// The next element: its tag and what is in it.
    fn next(&mut self) -> Option<(u8, Der<'a>)> {
        let tag = self.byte()?;
        let first = self.byte()?;
        let length = if first < 0x80 {
            usize::from(first)
        } else {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 {
                return None;
            }
            let digits = self.bytes(count)?;
            digits
                .iter()
                .fold(0, |length, &digit| length << 8 | usize::from(digit))
        };
        Some((tag, Der(self.bytes(length)?)))
    }

    /// The next element, which must have this tag.
    fn take(&mut self, wanted: u8) -> Option<Der<'a>> {
        let (tag, content) = self.next()?;
        (tag == wanted).then_some(content)
    }

    fn is_at(&self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }
}

impl Certificate {
    /// Reads it; none when the bytes are no certificate.
    pub fn read(der: &[u8]) -> Option<Self> {
        let mut body = Der(der).take(SEQUENCE)?.take(SEQUENCE)?;
        if body.is_at(VERSION) {
            body.next()?;
        }
        // Serial number, algorithm, issuer.
        for _ in 0..3 {
            body.next()?;
        }
        let mut validity = body.take(SEQUENCE)?;
        let (begins, ends) = (moment(validity.next()?)?, moment(validity.next()?)?);
        let subject = common_name(body.take(SEQUENCE)?);
        let mut names = Vec::new();
        while let Some((tag, mut content)) = body.next() {
            if tag == EXTENSIONS {
                names = alternative_names(content.take(SEQUENCE)?).unwrap_or_default();
            }
        }
        Some(Self {
            subject,
            names,
            begins,
            ends,
        })
    }
}

/// The last common name, which is the most specific one.
fn common_name(mut name: Der<'_>) -> Option<String> {
    let mut found = None;
    while let Some(mut set) = name.take(SET) {
        while let Some(mut pair) = set.take(SEQUENCE) {
            let kind = pair.take(OBJECT)?;
            let (_, value) = pair.next()?;
            if kind.0 == COMMON_NAME {
                found = std::str::from_utf8(value.0).ok().map(ToOwned::to_owned);
            }
        }
    }
    found
}

fn alternative_names(mut extensions: Der<'_>) -> Option<Vec<String>> {
    let mut found = Vec::new();
    while let Some(mut extension) = extensions.take(SEQUENCE) {
        let kind = extension.take(OBJECT)?;
        if extension.is_at(BOOLEAN) {
            extension.next()?;
        }
        if kind.0 != ALTERNATIVE_NAME {
            continue;
        }
        let mut names = extension.take(OCTETS)?.take(SEQUENCE)?;
        while let Some((tag, Der(bytes))) = names.next() {
            let text = match tag {
                MAIL | DNS | URI => std::str::from_utf8(bytes).ok().map(ToOwned::to_owned),
                ADDRESS => address(bytes),
                _ => None,
            };
            found.extend(text);
        }
    }
    Some(found)
}

fn address(bytes: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(four).to_string());
    }
    let sixteen = <[u8; 16]>::try_from(bytes).ok()?;
    Some(Ipv6Addr::from(sixteen).to_string())
}

/// A time as seconds since 1970. Certificates have their times in UTC with seconds.
fn moment((tag, Der(text)): (u8, Der<'_>)) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = match tag {
        GENERALIZED_TIME => text.split_at_checked(4)?,
        UTC_TIME => text.split_at_checked(2)?,
        _ => return None,
    };
    let mut year: i64 = year.parse().ok()?;
    if tag == UTC_TIME {
        year += if year < 50 { 2000 } else { 1900 };
    }
    let part = |at: usize| rest.get(at..at + 2)?.parse::<i64>().ok();
    let (month, day) = (part(0)?, part(2)?);
    let (hour, minute, second) = (part(4)?, part(6)?, part(8)?);
    Some(days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second)
}

/// Days from 1970 to a day of the Gregorian calendar, with years that begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year
        - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_since_1970() {
        let of = |tag, text: &str| moment((tag, Der(text.as_bytes())));
        assert_eq!(of(UTC_TIME, "700101000000Z"), Some(0));
        assert_eq!(of(UTC_TIME, "261126071657Z"), Some(1_795_677_417));
        assert_eq!(of(GENERALIZED_TIME, "20000229235959Z"), Some(951_868_799));
        assert_eq!(of(UTC_TIME, "2611260716Z"), None);
        assert_eq!(of(UTC_TIME, "261126071657"), None);
    }

    #[test]
    fn what_is_no_certificate_is_none() {
        for bytes in [
            &b""[..],
            b"\x30",
            b"\x30\x84\xff\xff\xff\xff",
            b"\x30\x02\x30\x00",
            &[0x30; 64],
        ] {
            assert_eq!(Certificate::read(bytes), None);
        }
    }
}
