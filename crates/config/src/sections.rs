//! All files of a configuration merged: sections, keys and values, each with its place.
//!
//! As with Python's parser that reads one file after the other: sections of one name are one section, later keys
//! replace earlier ones, and `[DEFAULT]` shows through in every section.

use crate::diagnostic::Place;
use crate::document::{Document, LineKind};
use crate::piece::Piece;
use crate::python::is_space;
pub(crate) use crate::value::Value;
use std::cell::Cell;
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The section whose keys every other section has, too.
pub(crate) const DEFAULT: &str = "DEFAULT";

/// What upstream replaces textually when there is an `[include]` section.
const HERE: &str = "%(here)s";

/// One section.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// Its name.
    pub(crate) name: String,
    /// Where its name stands first.
    pub(crate) header: Place,
    /// The included file that brought it; none for the main file.
    pub(crate) included_from: Option<PathBuf>,
    keys: Keys,
}

impl Section {
    /// The keys that stand in the section itself.
    pub(crate) fn own_keys(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.keys.order.iter().map(|(key, value)| (&**key, value))
    }
}

/// So many keys are looked through one by one: that is quicker than to look for one by its hash.
const FEW: usize = 24;

/// Keys in the order of their first appearance.
#[derive(Clone, Debug, Default)]
struct Keys {
    order: Vec<(Piece, Value)>,
    /// Where each stands, once there are more than a few.
    index: HashMap<String, usize>,
}

impl Keys {
    fn at(&self, key: &str) -> Option<usize> {
        if self.order.len() <= FEW {
            return self.order.iter().position(|(known, _)| known.is(key));
        }
        self.index.get(key).copied()
    }

    fn get(&self, key: &str) -> Option<&Value> {
        let (_, value) = self.order.get(self.at(key)?)?;
        Some(value)
    }

    /// Sets a key; gives it back with the value that it replaces.
    fn set(&mut self, key: Piece, value: Value) -> Option<(Piece, Value)> {
        if let Some(old) = self.get_mut(&key) {
            return Some((key, std::mem::replace(old, value)));
        }
        self.order.push((key, value));
        if self.order.len() > FEW {
            let known = self.index.len();
            let new = self.order.iter().enumerate().skip(known);
            self.index
                .extend(new.map(|(at, (key, _))| (key.to_string(), at)));
        }
        None
    }

    fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let at = self.at(key)?;
        let (_, value) = self.order.get_mut(at)?;
        Some(value)
    }
}

/// Something that is allowed and seldom meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Repeated {
    /// A section stands again.
    Section {
        name: String,
        first: Place,
        again: Place,
    },
    /// A key stands again in its section.
    Key {
        section: String,
        key: String,
        first: Place,
        again: Place,
    },
    /// An indented line that reads like something else.
    Continuation { of: String, line: Place },
    /// A comment inside quotes.
    Cut { key: String, at: Place },
}

/// All sections, in the order of their first appearance.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sections {
    order: Vec<Section>,
    index: HashMap<String, usize>,
    /// The one that was asked for last: it is the next one in nearly all cases.
    last: Cell<usize>,
    defaults: Keys,
    /// What to warn of, in order.
    pub(crate) repeated: Vec<Repeated>,
}

impl Sections {
    /// All sections but `[DEFAULT]`.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Section> {
        self.order.iter()
    }

    /// The section with this name.
    pub(crate) fn section(&self, name: &str) -> Option<&Section> {
        let last = self.order.get(self.last.get());
        if let Some(last) = last.filter(|last| last.name == name) {
            return Some(last);
        }
        let at = *self.index.get(name)?;
        self.last.set(at);
        self.order.get(at)
    }

    /// A value of a section, or of `[DEFAULT]`.
    pub(crate) fn get(&self, section: &str, key: &str) -> Option<&Value> {
        self.section(section)
            .and_then(|section| section.keys.get(key))
            .or_else(|| self.defaults.get(key))
    }

    /// The keys of a section, then those of `[DEFAULT]` that it lacks.
    pub(crate) fn keys<'a>(
        &'a self,
        section: &'a Section,
    ) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let own = section.keys.order.iter();
        let inherited = self
            .defaults
            .order
            .iter()
            .filter(|(key, _)| section.keys.get(key).is_none());
        own.chain(inherited).map(|(key, value)| (&**key, value))
    }

    /// Merges a file. `included_from` is its path when it is not the main file.
    pub(crate) fn merge(
        &mut self,
        text: &Arc<String>,
        document: &Document,
        source: usize,
        included_from: Option<&Path>,
    ) {
        let mut at = Cursor {
            section: None,
            key: None,
        };
        let part = |span: &Range<usize>| text.get(span.clone()).unwrap_or_default();
        let place = |span: &Range<usize>| Place {
            source,
            span: span.clone(),
        };
        for line in &document.lines {
            match &line.kind {
                LineKind::Section { name } => {
                    self.finish(&mut at);
                    self.close(at.section);
                    at.section = Some(self.open(part(name), place(name), included_from));
                }
                LineKind::Option { key, value } => {
                    self.finish(&mut at);
                    let name = lower(text, key);
                    let value = Value::new(Piece::of(text, value.clone()), source, key, value);
                    at.key = Some((name, value));
                }
                LineKind::Continuation { text: span } => {
                    if let Some((key, value)) = &mut at.key {
                        value.text.push(&format!("\n{}", part(span)));
                        value.ends_at(span.end);
                        let section = at.section.and_then(|home| self.name_of(home));
                        if &**key != "environment" && reads_like_more(part(span), section) {
                            self.repeated.push(Repeated::Continuation {
                                of: key.to_string(),
                                line: place(span),
                            });
                        }
                    }
                }
                LineKind::Blank => {
                    if let Some((_, value)) = &mut at.key {
                        value.text.push("\n");
                    }
                }
                LineKind::Comment | LineKind::Homeless | LineKind::Malformed => {}
            }
            if let (Some(comment), Some((key, value))) = (line.comment, &at.key)
                && matches!(
                    line.kind,
                    LineKind::Option { .. } | LineKind::Continuation { .. }
                )
                && has_open_quote(&value.text)
                && has_open_quote(part(&(comment..line.span.end)))
            {
                let rest = comment..line.span.end;
                let shown = comment..comment + part(&rest).trim_end_matches(is_space).len();
                self.repeated.push(Repeated::Cut {
                    key: key.to_string(),
                    at: place(&shown),
                });
            }
        }
        self.finish(&mut at);
        self.close(at.section);
    }

    /// Puts a section together from keys and values that stand, one a line, in a source that is no file.
    pub(crate) fn put(&mut self, name: &str, pairs: &[(String, String)], source: usize) {
        let header = Place { source, span: 0..0 };
        let home = self.open(name, header, None);
        let mut start = 0;
        for (key, text) in pairs {
            let behind = start + key.len();
            let end = behind + 1 + text.len();
            let value = Value::new(
                text.clone().into(),
                source,
                &(start..behind),
                &(behind + 1..end),
            );
            if let Some(keys) = self.keys_of(home) {
                keys.set(key.clone().into(), value);
            }
            start = end + 1;
        }
    }

    fn open(&mut self, name: &str, header: Place, included_from: Option<&Path>) -> Home {
        if name == DEFAULT {
            return Home::Defaults;
        }
        if let Some(&at) = self.index.get(name) {
            if let Some(known) = self.order.get(at) {
                self.repeated.push(Repeated::Section {
                    name: name.to_owned(),
                    first: known.header.clone(),
                    again: header,
                });
            }
            return Home::Section(at);
        }
        let at = self.order.len();
        self.index.insert(name.to_owned(), at);
        self.order.push(Section {
            name: name.to_owned(),
            header,
            included_from: included_from.map(Path::to_owned),
            keys: Keys::default(),
        });
        Home::Section(at)
    }

    /// There are thousands of sections, and few get keys again: room for more is given back.
    fn close(&mut self, home: Option<Home>) {
        if let Some(keys) = home.and_then(|home| self.keys_of(home)) {
            keys.order.shrink_to_fit();
        }
    }

    fn keys_of(&mut self, home: Home) -> Option<&mut Keys> {
        match home {
            Home::Defaults => Some(&mut self.defaults),
            Home::Section(at) => self.order.get_mut(at).map(|section| &mut section.keys),
        }
    }

    fn name_of(&self, home: Home) -> Option<&str> {
        match home {
            Home::Defaults => Some(DEFAULT),
            Home::Section(at) => self.order.get(at).map(|section| section.name.as_str()),
        }
    }

    /// Stores the value that was being read.
    fn finish(&mut self, at: &mut Cursor) {
        let (Some((key, mut value)), Some(home)) = (at.key.take(), at.section) else {
            return;
        };
        value
            .text
            .truncate(value.text.trim_end_matches(is_space).len());
        let again = value.key();
        let Some(keys) = self.keys_of(home) else {
            return;
        };
        if let Some((key, old)) = keys.set(key, value) {
            let section = self.name_of(home).unwrap_or_default().to_owned();
            self.repeated.push(Repeated::Key {
                section,
                key: key.to_string(),
                first: old.key(),
                again,
            });
        }
    }

    /// Replaces `%(here)s` in every value of every section. What comes from `[DEFAULT]` is replaced where it shows
    /// through: the section gets a value of its own, as with upstream.
    pub(crate) fn replace_here(&mut self, here: &str) {
        let inherited: Vec<(Piece, Value)> = self
            .defaults
            .order
            .iter()
            .filter(|(_, value)| value.text.contains(HERE))
            .cloned()
            .collect();
        for section in &mut self.order {
            for (key, value) in &inherited {
                if section.keys.get(key).is_none() {
                    section.keys.set(key.clone(), value.clone());
                }
            }
            for (_, value) in &mut section.keys.order {
                if value.text.contains(HERE) {
                    value.text = value.text.replace(HERE, here).into();
                }
            }
        }
    }
}

/// A key as it is compared.
fn lower(text: &Arc<String>, key: &Range<usize>) -> Piece {
    let written = Piece::of(text, key.clone());
    let is_lower = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    if written.bytes().all(is_lower) {
        return written;
    }
    written.to_lowercase().into()
}

/// Whose keys they are.
#[derive(Clone, Copy)]
enum Home {
    Defaults,
    /// The section in this place.
    Section(usize),
}

/// What is being read.
struct Cursor {
    section: Option<Home>,
    key: Option<(Piece, Value)>,
}

/// Whether a continuation line looks like a header or like a key that the section has.
fn reads_like_more(text: &str, section: Option<&str>) -> bool {
    if let Some(name) = text
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map(|(name, _)| name)
    {
        return crate::options::section(name).is_some();
    }
    let Some((key, _)) = text.split_once(['=', ':']) else {
        return false;
    };
    let spec = section.and_then(crate::options::section);
    spec.is_some_and(|spec| {
        spec.option(&key.trim_end_matches(is_space).to_lowercase())
            .is_some()
    })
}

/// Whether a quote is open at the end.
fn has_open_quote(text: &str) -> bool {
    text.matches('"').count() % 2 == 1 || text.matches('\'').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Sections {
        let mut sections = Sections::default();
        for (source, text) in texts.iter().enumerate() {
            let from = (source > 0).then(|| PathBuf::from(format!("{source}.conf")));
            let text = Arc::new((*text).to_owned());
            sections.merge(&text, &Document::parse(&text), source, from.as_deref());
        }
        sections
    }

    fn text<'a>(sections: &'a Sections, section: &str, key: &str) -> Option<&'a str> {
        sections.get(section, key).map(|value| &*value.text)
    }

    #[test]
    fn values_go_on_over_indented_lines_and_keep_blank_ones_inside() {
        let sections = read(&["[a]\nX = 1\n  2 ; c\n\n  ; only a comment\n  3\n\n\n[b]\n"]);
        assert_eq!(text(&sections, "a", "x"), Some("1\n2\n\n3"));
    }

    #[test]
    fn sections_of_one_name_merge_and_the_later_key_wins() {
        let sections = read(&["[a]\nx=1\ny=1\n[b]\n[a]\nx=2", "[a]\ny=3\n[c]\n"]);
        assert_eq!(text(&sections, "a", "x"), Some("2"));
        assert_eq!(text(&sections, "a", "y"), Some("3"));
        let names: Vec<_> = sections
            .iter()
            .map(|section| section.name.as_str())
            .collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!(sections.section("a").unwrap().included_from, None);
        assert_eq!(
            sections.section("c").unwrap().included_from,
            Some(PathBuf::from("1.conf"))
        );
        assert_eq!(sections.repeated.len(), 4);
    }

    #[test]
    fn defaults_show_through_in_every_section() {
        let sections = read(&["[DEFAULT]\nx=1\nz=0\n[a]\ny=2\nx=3\n[b]\n"]);
        assert_eq!(text(&sections, "a", "x"), Some("3"));
        assert_eq!(text(&sections, "b", "x"), Some("1"));
        let keys: Vec<_> = sections
            .keys(sections.section("a").unwrap())
            .map(|(key, _)| key)
            .collect();
        assert_eq!(keys, ["y", "x", "z"]);
    }

    #[test]
    fn here_is_replaced_file_by_file() {
        let mut sections = read(&["[DEFAULT]\nd=%(here)s/d\n[a]\nx=%(here)s"]);
        sections.replace_here("/main");
        let more = Arc::new("[b]\ny=%%(here)s".to_owned());
        sections.merge(
            &more,
            &Document::parse(&more),
            1,
            Some(Path::new("/sub/b.conf")),
        );
        sections.replace_here("/sub");
        assert_eq!(text(&sections, "a", "x"), Some("/main"));
        assert_eq!(text(&sections, "a", "d"), Some("/main/d"));
        assert_eq!(text(&sections, "b", "d"), Some("/sub/d"));
        assert_eq!(text(&sections, "b", "y"), Some("%/sub"));
    }

    #[test]
    fn what_is_seldom_meant_is_noticed() {
        let sections =
            read(&["[program:a]\ncommand=sh -c 'a ; b'\n  autostart=false\n  [program:b]\n"]);
        assert!(matches!(&sections.repeated[0], Repeated::Cut { key, .. } if key == "command"));
        assert!(
            matches!(&sections.repeated[1], Repeated::Continuation { of, .. } if of == "command")
        );
        assert!(matches!(
            &sections.repeated[2],
            Repeated::Continuation { .. }
        ));
        let fine = read(&[
            "[program:a]\nenvironment=\n  USER=\"x\",\n  HOME=\"y\" ; it's home\ncommand=cat ; don't\n",
        ]);
        assert_eq!(fine.repeated, []);
    }
}
