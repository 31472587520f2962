//! The main file and what it includes.

use super::reader::{Got, Reader, Scope};
use super::report::{Problem, Told};
use crate::decode::{NotUtf8, decode};
use crate::diagnostic::{Code, Place};
use crate::document::{Document, LineKind};
use crate::glob::glob;
use crate::options::include;
use crate::paths;
use crate::vars::Var;
use std::path::Path;
use std::sync::Arc;

impl Reader<'_> {
    /// Reads the main file. Fails when there is nothing to go on with.
    pub(crate) fn read_main(&mut self, path: &Path) -> Result<(), Told> {
        let whole = |reader: &mut Self, sentence: &str, help: String| {
            let shown = path.display();
            reader.report.error(Problem {
                code: Code::Unreadable,
                upstream: format!("{sentence} {shown}"),
                message: format!("{sentence} {shown}"),
                place: None,
                help: Some(help),
            })
        };
        if !self.host.exists(path) {
            return Err(whole(
                self,
                "could not find config file",
                "name an existing file with -c".to_owned(),
            ));
        }
        match self.host.read_file(path) {
            Ok(bytes) => {
                self.take(path, bytes, None);
                Ok(())
            }
            Err(error) => Err(whole(self, "could not read config file", error.to_string())),
        }
    }

    /// Reads one file into the sections; what is wrong with it goes into the report.
    fn take(&mut self, path: &Path, bytes: Vec<u8>, included_from: Option<&Path>) {
        let shown = path.to_string_lossy().into_owned();
        let (text, decoded) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let lossy = String::from_utf8_lossy(error.as_bytes()).into_owned();
                (lossy, Some(decode(error.into_bytes())))
            }
        };
        let text = Arc::new(text);
        let source = self.report.sources.add(path, Arc::clone(&text));
        if let Some(decoded) = decoded
            && let Some(error) = decoded.error
        {
            self.not_text(&decoded.text, error, &shown, source);
        }
        let document = Document::parse(&text);
        self.syntax(&document, &text, &shown, source);
        self.sections.merge(&text, &document, source, included_from);
    }

    /// Reports bytes that are not UTF-8. What can be read is looked at all the same.
    fn not_text(&mut self, before: &str, error: NotUtf8, shown: &str, source: usize) {
        // Python decodes piece by piece and reads whole lines; a line without a section in the pieces before the
        // error stops it first.
        let whole_lines = before
            .get(..before.rfind('\n').map_or(0, |at| at + 1))
            .unwrap_or_default();
        let earlier = Document::parse(whole_lines)
            .upstream_error(whole_lines, shown)
            .filter(|sentence| sentence.starts_with("File contains no section headers"));
        let span = error.offset..error.offset + char::REPLACEMENT_CHARACTER.len_utf8();
        self.report.error(Problem {
            code: Code::Encoding,
            upstream: earlier.unwrap_or(error.upstream),
            message: "this is not UTF-8 text".to_owned(),
            place: Some(Place { source, span }),
            help: Some("save the file in UTF-8".to_owned()),
        });
    }

    /// Reports lines that are nothing.
    fn syntax(&mut self, document: &Document, text: &str, shown: &str, source: usize) {
        let Some(upstream) = document.upstream_error(text, shown) else {
            return;
        };
        let mut homeless = false;
        for line in &document.lines {
            let (code, message, help) = match line.kind {
                LineKind::Homeless if homeless => continue,
                LineKind::Homeless => {
                    homeless = true;
                    let help = if text.starts_with('\u{feff}') {
                        "the file begins with a byte order mark; save it without one"
                    } else {
                        "begin the file with a header such as `[supervisord]`"
                    };
                    (
                        Code::NoSectionHeader,
                        "this line stands before the first section header",
                        help,
                    )
                }
                LineKind::Malformed => (
                    Code::Syntax,
                    "this line is neither a section header nor `key=value`",
                    "begin a comment with `;`, and indent the lines that continue a value",
                ),
                LineKind::Blank
                | LineKind::Comment
                | LineKind::Section { .. }
                | LineKind::Option { .. }
                | LineKind::Continuation { .. } => continue,
            };
            let body = text.get(line.span.clone()).unwrap_or_default();
            let start = line.span.start + body.len() - body.trim_start().len();
            let end = line.span.start + body.trim_end().len();
            self.report.error(Problem {
                code,
                upstream: upstream.clone(),
                message: message.to_owned(),
                place: Some(Place {
                    source,
                    span: start..end.max(start),
                }),
                help: Some(help.to_owned()),
            });
        }
    }

    /// Reads the files that `[include]` names. Included files cannot include more.
    pub(crate) fn read_included(&mut self) {
        if self.sections.section("include").is_none() {
            return;
        }
        let here = self.here.clone();
        self.sections.replace_here(&here);
        let Ok((value, patterns)) = self.include_patterns() else {
            return;
        };
        for pattern in patterns
            .split(crate::python::is_space)
            .filter(|pattern| !pattern.is_empty())
        {
            let pattern = paths::join(&here, pattern);
            let mut found = glob(&pattern, self.host);
            found.sort();
            if found.is_empty() {
                let line = format!("No file matches via include \"{pattern}\"");
                self.report.warn(
                    Code::Include,
                    format!("no file matches `{pattern}`"),
                    value.place(),
                    Some(
                        "name an existing file; relative ones are looked up beside the main file"
                            .to_owned(),
                    ),
                );
                self.report.log_warning(line);
            }
            for path in found {
                self.include(&path, &value);
            }
        }
    }

    fn include_patterns(&mut self) -> Result<(Got, String), Told> {
        let scope: Scope = self
            .scope("include")
            .name("host_node_name", self.host.hostname());
        let Some(got) = self.raw("include", &include::FILES) else {
            let sentence = ".ini file has [include] section, but no files setting".to_owned();
            return Err(self.missing(&scope, &include::FILES, &sentence));
        };
        let expanded = self.expand(&scope, "include.files", got.clone())?;
        Ok((got, expanded.text.into_owned()))
    }

    /// Reads one included file. One that cannot be opened is passed over, as upstream does, but not in silence.
    fn include(&mut self, path: &Path, named_by: &Got) {
        let shown = path.to_string_lossy().into_owned();
        match self.host.read_file(path) {
            Ok(bytes) => {
                self.report
                    .log_info(format!("Included extra file \"{shown}\" during parsing"));
                self.take(path, bytes, Some(path));
                let directory = paths::absolute(paths::dirname(&shown), self.host);
                self.sections.replace_here(&directory);
            }
            Err(error) => {
                let message = format!("could not read `{shown}`: {error}");
                self.report
                    .warn(Code::Include, message, named_by.place(), None);
                self.report.log_warning(format!(
                    "Could not read included file \"{shown}\", it is left out: {error}"
                ));
            }
        }
    }

    /// Makes the variables of `[supervisord] environment` known as `ENV_*` from here on.
    pub(crate) fn learn_environment(&mut self, pairs: &[(String, String)]) {
        for (name, value) in pairs {
            self.env.insert(
                format!("ENV_{name}").into(),
                Var::Text(value.as_str().into()),
            );
        }
    }
}
