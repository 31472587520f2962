//! Diagnostics as text with carets, and as JSON.

use crate::diagnostic::{Diagnostic, Severity, Sources};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

/// All problems for a terminal, without colours, each with its line and a caret, an empty line between them.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let renderer = Renderer::plain().decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for diagnostic in diagnostics {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&renderer.render(&[report(diagnostic, sources)]));
        out.push('\n');
    }
    out
}

fn report<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Group<'a> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = level
        .primary_title(visible(&diagnostic.message))
        .id(diagnostic.code.text())
        .elements(None::<Snippet<'_, Annotation<'_>>>);
    let source = diagnostic
        .place
        .as_ref()
        .and_then(|place| Some((sources.get(place.source)?, place)));
    if let Some((source, place)) = source {
        let snippet = Snippet::source(source.text.as_str())
            .path(source.path.to_string_lossy().into_owned())
            .annotation(AnnotationKind::Primary.span(place.span.clone()));
        group = group.element(snippet);
    }
    match &diagnostic.help {
        Some(help) => group.element(Level::HELP.message(visible(help))),
        None => group,
    }
}

/// A message with control characters shown as escapes: a value comes from the file and must not drive the terminal.
fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            if c.is_control() {
                c.escape_default().collect::<Vec<_>>()
            } else {
                vec![c]
            }
        })
        .collect()
}

/// All problems as a JSON array, with a line feed at its end.
///
/// Members: `severity`, `code`, `message`; `file`, `line` and `column` (null without a place); `help` (or null).
pub fn to_json(diagnostics: &[Diagnostic]) -> String {
    let position = |number: usize| {
        if number == 0 {
            Value::Null
        } else {
            json!(number)
        }
    };
    let all: Vec<Value> = diagnostics
        .iter()
        .map(|diagnostic| {
            json!({
                "severity": diagnostic.severity.to_string(),
                "code": diagnostic.code.text(),
                "message": diagnostic.message,
                "file": diagnostic.file.as_ref().map(|file| file.to_string_lossy()),
                "line": position(diagnostic.line),
                "column": position(diagnostic.column),
                "help": diagnostic.help,
            })
        })
        .collect();
    format!("{:#}\n", Value::Array(all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Overrides;
    use crate::testing::World;
    use std::path::Path;

    #[test]
    fn a_problem_is_shown_with_its_line_a_caret_and_advice() {
        let text = "[supervisord]\n[program:web]\ncommand=run %(ENV_HOEM)s\nstopwaitsecs=10s\nstartsec=1\n";
        let world = World::new()
            .env("HOME", "/home/me")
            .file("/site/web.conf", text);
        let failure =
            crate::load(Path::new("web.conf"), &Overrides::default(), &world).unwrap_err();
        let expected = "\
error[C007]: `%(ENV_HOEM)s` is not known here
 --> web.conf:3:13
  |
3 | command=run %(ENV_HOEM)s
  |             ^^^^^^^^^^^
  |
  = help: did you mean `%(ENV_HOME)s`?

error[C009]: `stopwaitsecs` expects a whole number, found `10s`
 --> web.conf:4:14
  |
4 | stopwaitsecs=10s
  |              ^^^
  |
  = help: write `stopwaitsecs=10`

warning[C101]: [program:web] has no key `startsec`; it is ignored
 --> web.conf:5:1
  |
5 | startsec=1
  | ^^^^^^^^
  |
  = help: did you mean `startsecs`?
";
        assert_eq!(render(&failure.diagnostics, &failure.sources), expected);
        let parsed: Value = serde_json::from_str(&to_json(&failure.diagnostics)).unwrap();
        assert_eq!(
            parsed[1],
            json!({
                "severity": "error", "code": "C009", "message": "`stopwaitsecs` expects a whole number, found `10s`",
                "file": "web.conf", "line": 4, "column": 14, "help": "write `stopwaitsecs=10`",
            })
        );
    }

    #[test]
    fn a_problem_without_a_place_is_a_line() {
        let failure =
            crate::load(Path::new("no.conf"), &Overrides::default(), &World::new()).unwrap_err();
        assert_eq!(
            render(&failure.diagnostics, &failure.sources),
            "error[C001]: could not find config file no.conf\n |\n = help: name an existing file with -c\n"
        );
        assert!(to_json(&failure.diagnostics).contains("\"line\": null"));
    }
}
