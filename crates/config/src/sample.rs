//! The sample configuration that `echo_supervisord_conf` prints.

use crate::options::{OptionSpec, SECTIONS, Sample, SectionSpec};
use std::fmt::Write as _;

/// How wide a line of the sample is.
const WIDTH: usize = 78;

/// The first words are upstream's title, by which its own tests know the sample.
const HEAD: &str = "\
Sample supervisor config file: a configuration for supervisord and supervisorctl, with every key.
Lines that begin with `;` are comments. Take the `;` away to set a key; the value shown is the default, or an example \
where there is none.
What stands behind a blank and a `;` is a comment, too, even inside quotes. Values are taken as they are: quotes are \
needed in `environment` only. `%(ENV_HOME)s` stands for the environment variable HOME, `%%` for a percent sign.
The paths below are in /tmp because every machine has it. Move them: files in /tmp may be deleted, and without the \
socket supervisorctl cannot reach supervisord.";

/// The whole text. It is accepted as it is, here and by upstream.
pub fn sample() -> String {
    let mut out = String::new();
    for paragraph in HEAD.lines() {
        comment(&mut out, paragraph);
    }
    for section in SECTIONS {
        out.push('\n');
        one_section(&mut out, section);
    }
    out
}

fn one_section(out: &mut String, section: &SectionSpec) {
    comment(out, section.doc);
    out.push('\n');
    let off = if section.active { "" } else { ";" };
    let _ = writeln!(out, "{off}[{}]", section.title());
    for option in section.options {
        one_option(out, section, option);
    }
}

fn one_option(out: &mut String, section: &SectionSpec, option: &OptionSpec) {
    let (off, value) = match option.sample {
        Sample::Active(value) if section.active => ("", value),
        Sample::Active(value) | Sample::Comment(value) => (";", value),
    };
    let sentence = option
        .doc
        .split_inclusive(". ")
        .next()
        .unwrap_or(option.doc)
        .trim_end();
    comment(out, sentence);
    let _ = writeln!(out, "{off}{}={value}", option.name);
}

/// Puts a paragraph into comment lines.
fn comment(out: &mut String, paragraph: &str) {
    let mut column = 0;
    for word in paragraph.split_whitespace() {
        if column > 0 && column + 1 + word.len() > WIDTH {
            out.push('\n');
            column = 0;
        }
        if column == 0 {
            out.push(';');
            column = 1;
        }
        out.push(' ');
        out.push_str(word);
        column += 1 + word.len();
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Overrides;
    use crate::diagnostic::Code;
    use crate::testing::World;
    use std::path::Path;

    #[test]
    fn the_sample_is_accepted_and_sets_what_upstreams_does() {
        let world = World::new().file("/site/s.conf", sample());
        let config = crate::load(Path::new("s.conf"), &Overrides::default(), &world).unwrap();
        assert_eq!(config.diagnostics, []);
        assert_eq!(config.servers.len(), 1);
        assert_eq!(config.rpcinterfaces.len(), 1);
        assert!(config.groups.is_empty());
        assert_eq!(
            config.supervisord.pidfile,
            Path::new("/tmp/supervisord.pid")
        );
        let client = crate::load_supervisorctl(Path::new("s.conf"), &world).unwrap();
        assert_eq!(client.serverurl, "unix:///tmp/supervisor.sock");
    }

    #[test]
    fn every_key_is_in_the_sample_and_no_line_is_long() {
        let text = sample();
        for section in SECTIONS {
            let title = format!("[{}]\n", section.title());
            let from = text.find(&title).unwrap();
            let rest = &text[from + title.len()..];
            let body = rest.split("\n[").next().unwrap();
            for option in section.options {
                assert!(
                    body.contains(&format!("{}=", option.name)),
                    "{title}{}",
                    option.name
                );
            }
        }
        let long: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("; ") && line.len() > WIDTH)
            .collect();
        assert_eq!(long, [""; 0]);
    }

    #[test]
    fn the_sample_is_accepted_with_every_key_uncommented() {
        let mut text =
            String::from("[program:progname1]\ncommand=cat\n[program:progname2]\ncommand=cat\n");
        for line in sample().lines() {
            let bare = line.strip_prefix(';').filter(|rest| !rest.starts_with(' '));
            // Certificates are read with the configuration; those of the sample are nowhere.
            let bare = bare.filter(|rest| !(rest.starts_with("tls_") && rest.contains("=/etc/")));
            text.push_str(bare.unwrap_or(line));
            text.push('\n');
        }
        // Accounts and directories that exist in the test's world.
        for (from, to) in [
            ("nobody:nogroup", "www:web"),
            ("nobody", "www"),
            ("=nogroup", "=web"),
            ("/a/path", "/tmp/x"),
        ] {
            text = text.replace(from, to);
        }
        let world = World::new().file("/site/s.conf", text);
        let config = crate::load(Path::new("s.conf"), &Overrides::default(), &world).unwrap();
        let unknown: Vec<_> = config
            .diagnostics
            .iter()
            .filter(|d| d.code == Code::UnknownKey)
            .collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
