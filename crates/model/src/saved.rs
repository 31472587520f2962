//! How what JSON cannot hold is saved: bytes, paths that are no UTF-8, words of the program text.
//!
//! A running supervisord hands its state to the program that takes its place, perhaps one of another version. The rules
//! for every type that derives `Serialize` and `Deserialize` here and in `core`:
//!
//! - Fields and variants are only added. No name is used again for something else, and none gets another type.
//! - What is not known is ignored, so that a version before can read what a version after has written.
//! - A field that the first version (0.1.0) has must be there, unless it is an `Option`: a state without it is damaged. A
//!   field that is added later is marked `#[serde(default)]`, and its default means what was so before there was the field.
//! - A new meaning that a version before would get wrong raises the number of the format (`core/saved/`).
//!
//! Files in `fixtures/snapshots/` are states of versions that were released; each later version loads them.

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserializer, Serializer};
use std::fmt;

/// Writes a text as it is, and all else as a list of one string of hexadecimal digits: what is large is mostly text.
fn write<S: Serializer>(raw: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    // Each other control character would take six bytes.
    let is_odd = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\n' | b'\r' | b'\t');
    match std::str::from_utf8(raw) {
        Ok(text) if !raw.iter().any(is_odd) => serializer.serialize_str(text),
        Ok(_) | Err(_) => serializer.collect_seq([hex(raw)]),
    }
}

fn hex(raw: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| {
        DIGITS
            .get(usize::from(value))
            .map_or('0', |&digit| char::from(digit))
    };
    let mut text = String::with_capacity(raw.len().saturating_mul(2));
    for byte in raw {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |&[high, low]: &[u8; 2]| Some(digit(high)? << 4 | digit(low)?);
    let raw = pairs.iter().map(byte).collect::<Option<Vec<u8>>>()?;
    rest.is_empty().then_some(raw)
}

struct Text;

impl<'de> Visitor<'de> for Text {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or a list of one string of hexadecimal digits")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
        Ok(text.as_bytes().to_vec())
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Vec<u8>, E> {
        Ok(text.into_bytes())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u8>, A::Error> {
        let digits: Option<String> = list.next_element()?;
        let raw = digits.as_deref().and_then(unhex);
        raw.ok_or_else(|| de::Error::custom("bytes that are no hexadecimal digits"))
    }
}

fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    deserializer.deserialize_any(Text)
}

/// For byte strings.
pub mod bytes {
    use super::{read, write};
    use serde::{Deserializer, Serializer};

    /// Writes them.
    pub fn serialize<T, S>(bytes: &T, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: AsRef<[u8]>,
        S: Serializer,
    {
        write(bytes.as_ref(), serializer)
    }

    /// Reads them.
    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: From<Vec<u8>>,
        D: Deserializer<'de>,
    {
        read(deserializer).map(T::from)
    }
}

/// For byte strings by name.
pub mod bytes_by_name {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    /// Writes them.
    pub fn serialize<S: Serializer>(
        map: &BTreeMap<String, Arc<[u8]>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Value<'a>(#[serde(with = "super::bytes")] &'a Arc<[u8]>);
        serializer.collect_map(map.iter().map(|(name, bytes)| (name, Value(bytes))))
    }

    /// Reads them.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<String, Arc<[u8]>>, D::Error> {
        #[derive(Deserialize)]
        struct Value(#[serde(with = "super::bytes")] Arc<[u8]>);
        let map = BTreeMap::<String, Value>::deserialize(deserializer)?;
        let bytes = map.into_iter().map(|(name, Value(bytes))| (name, bytes));
        Ok(bytes.collect())
    }
}

/// For paths.
pub mod path {
    use super::{read, write};
    use serde::{Deserializer, Serializer};
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    /// Writes it.
    pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        write(path.as_os_str().as_bytes(), serializer)
    }

    /// Reads it.
    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: From<PathBuf>,
        D: Deserializer<'de>,
    {
        let raw = read(deserializer)?;
        Ok(T::from(PathBuf::from(OsString::from_vec(raw))))
    }
}

/// For paths that may be missing.
pub mod maybe_path {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::path::{Path, PathBuf};

    /// Writes it.
    pub fn serialize<T, S>(path: &Option<T>, serializer: S) -> Result<S::Ok, S::Error>
    where
        T: AsRef<Path>,
        S: Serializer,
    {
        #[derive(Serialize)]
        struct Borrowed<'a>(#[serde(with = "super::path")] &'a Path);
        let path = path.as_ref().map(|path| Borrowed(path.as_ref()));
        path.serialize(serializer)
    }

    /// Reads it.
    pub fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: From<PathBuf>,
        D: Deserializer<'de>,
    {
        #[derive(Deserialize)]
        struct One(#[serde(with = "super::path")] PathBuf);
        let path = Option::<One>::deserialize(deserializer)?;
        Ok(path.map(|One(path)| T::from(path)))
    }
}

/// For paths of logs, of which a missing one is the empty text.
pub mod log_path {
    use serde::{Deserializer, Serializer};
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    /// Writes it.
    pub fn serialize<S: Serializer>(
        path: &Option<Arc<Path>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        super::path::serialize(path.as_deref().unwrap_or(Path::new("")), serializer)
    }

    /// Reads it.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<Path>>, D::Error> {
        let path: PathBuf = super::path::deserialize(deserializer)?;
        let path = Some(path).filter(|path| !path.as_os_str().is_empty());
        Ok(path.map(Arc::from))
    }
}

/// The state of a listener as clients and operators read it. Of a word that is in the program text a type of its own
/// name is made, since it cannot be borrowed from what is read.
pub type ListenerWord = &'static str;

/// For states of listeners.
pub mod listener_word {
    use super::ListenerWord;
    use serde::de::{self, Deserialize};
    use serde::{Deserializer, Serializer};

    /// All that there are; the first stands for a listener that does not run.
    const ALL: &[ListenerWord] = &["", "ACKNOWLEDGED", "READY", "BUSY", "UNKNOWN"];

    /// Writes it.
    pub fn serialize<S: Serializer>(word: &ListenerWord, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(word)
    }

    /// Reads it.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ListenerWord, D::Error> {
        let word = String::deserialize(deserializer)?;
        let known = ALL.iter().find(|known| **known == word);
        known
            .copied()
            .ok_or_else(|| de::Error::custom(format!("no listener is {word:?}")))
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    use std::path::PathBuf;
    use std::sync::Arc;

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct All {
        #[serde(with = "super::bytes")]
        bytes: Vec<u8>,
        #[serde(with = "super::bytes")]
        shared: Arc<[u8]>,
        #[serde(with = "super::path")]
        path: PathBuf,
        #[serde(with = "super::maybe_path")]
        maybe: Option<PathBuf>,
        #[serde(with = "super::listener_word")]
        word: super::ListenerWord,
    }

    fn of(bytes: &[u8]) -> All {
        let path = PathBuf::from(OsString::from_vec(bytes.to_vec()));
        All {
            bytes: bytes.to_vec(),
            shared: Arc::from(bytes),
            maybe: Some(path.clone()),
            path,
            word: "READY",
        }
    }

    #[test]
    fn all_bytes_survive_and_texts_stay_readable() {
        let every: Vec<u8> = (0..=255).collect();
        let pieces = [
            &b""[..],
            b"/var/log",
            b"a\"b\\\n",
            b"\0",
            b"\xff",
            "é\u{1F600}".as_bytes(),
        ];
        for bytes in pieces.into_iter().chain([&*every]) {
            let text = serde_json::to_string(&of(bytes)).unwrap();
            let read: All = serde_json::from_str(&text).unwrap();
            assert_eq!(read, of(bytes), "{text}");
        }
        let text = serde_json::to_string(&of(b"/var/log")).unwrap();
        assert!(text.contains(r#""path":"/var/log""#), "{text}");
        let text = serde_json::to_string(&of(b"a\xff")).unwrap();
        assert!(text.contains(r#""path":["61ff"]"#), "{text}");
    }

    #[test]
    fn what_is_no_bytes_is_refused() {
        let good = serde_json::to_string(&of(b"\xff")).unwrap();
        assert!(serde_json::from_str::<All>(&good).is_ok());
        for (from, to) in [
            (r#"["ff"]"#, "[]"),
            (r#"["ff"]"#, r#"["f"]"#),
            (r#"["ff"]"#, r#"["FG"]"#),
            (r#"["ff"]"#, "7"),
            ("READY", "ready"),
        ] {
            let bad = good.replace(from, to);
            assert!(serde_json::from_str::<All>(&bad).is_err(), "{bad}");
        }
    }
}
