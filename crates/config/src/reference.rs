//! The configuration reference in Markdown and the man page in roff, both from the table of options.

use crate::diagnostic::Code;
use crate::options::{Fallback, OptionSpec, SECTIONS, SectionSpec};
use std::fmt::Write as _;

/// The page of the book: every section and key, the expansions of each, and the codes of diagnostics.
pub fn markdown() -> String {
    let mut out = String::from(
        "# Configuration reference\n\nEvery section and key of the configuration file. This page is made from the table \
         that the program itself reads.\n",
    );
    for section in SECTIONS {
        markdown_section(&mut out, section);
    }
    out.push_str("\n## Codes of errors and warnings\n\n| code | meaning |\n|---|---|\n");
    for code in Code::ALL {
        line(
            &mut out,
            &format!("| `{code}` | {} |", cell(code.explanation().trim())),
        );
    }
    out
}

fn markdown_section(out: &mut String, section: &SectionSpec) {
    line(
        out,
        &format!("\n## `[{}]`\n\n{}", section.title(), section.doc),
    );
    for option in section.options {
        let flag = option.flag.map_or_else(String::new, |flag| {
            let short = flag
                .short
                .map_or_else(String::new, |short| format!("`-{short}`, "));
            format!("- **On the command line:** {short}`--{}`\n", flag.long)
        });
        let since = if option.since.starts_with("Provost") {
            option.since.to_owned()
        } else {
            format!("Supervisor {}", option.since)
        };
        line(
            out,
            &format!(
                "\n### `{}`\n\n{}\n\n- **Type:** {}\n- **Default:** {}\n- **Names:** {}\n{flag}- **A change counts:** {}\n\
                 - **Since:** {since}",
                option.name,
                option.doc,
                option.kind.describe(),
                default(option, "`"),
                option.names.describe(),
                option.change.describe(),
            ),
        );
    }
}

fn default(option: &OptionSpec, quote: &str) -> String {
    match option.default {
        Fallback::Text("") => "empty".to_owned(),
        Fallback::Text(text) => format!("{quote}{text}{quote}"),
        Fallback::Found(words) => words.to_owned(),
        Fallback::Required => "none: the key must be there".to_owned(),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// The sections of a man page that list all sections and keys, in roff's `man` macros.
pub fn roff() -> String {
    let mut out = String::from(".SH CONFIGURATION\n");
    for section in SECTIONS {
        let _ = write!(
            out,
            ".SS [{}]\n{}\n",
            roff_text(&section.title()),
            roff_text(section.doc)
        );
        for option in section.options {
            let _ = write!(
                out,
                ".TP\n.B {}\n{}\nDefault: {}.\n",
                roff_text(option.name),
                roff_text(option.doc),
                roff_text(&default(option, ""))
            );
        }
    }
    out
}

/// A text that roff takes as it is: backslashes, hyphens and leading dots have meanings there.
fn roff_text(text: &str) -> String {
    let escaped = text
        .replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('`', "");
    if escaped.starts_with(['.', '\'']) {
        format!("\\&{escaped}")
    } else {
        escaped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_entry() {
        let (page, manual) = (markdown(), roff());
        for section in SECTIONS {
            assert!(page.contains(&format!("## `[{}]`", section.title())));
            for option in section.options {
                assert!(page.contains(&format!("### `{}`", option.name)));
                assert!(manual.contains(&format!(".B {}\n", roff_text(option.name))));
            }
        }
        assert!(
            page.contains("| `C009` | A value is not of the kind that its key takes. |"),
            "{page}"
        );
    }

    #[test]
    fn one_entry_reads_like_this() {
        let page = markdown();
        let from = page.find("### `minfds`").unwrap();
        let entry = page[from..].split("\n\n###").next().unwrap();
        assert_eq!(
            entry,
            "### `minfds`\n\nHow many file descriptors supervisord must be able to open. It raises its soft limit to this \
             number at start and refuses to start when the hard limit is lower. Programs inherit the limit.\n\n\
             - **Type:** integer\n- **Default:** `1024`\n- **Names:** `here`, `ENV_X`\n- **On the command line:** `-a`, \
             `--minfds`\n- **A change counts:** after a restart of supervisord (`reload`)\n- **Since:** Supervisor 3.0"
        );
    }
}
