//! `cargo xtask gen [--check]`: pages that follow from the tables in the code.
//!
//! Nobody edits them by hand. With `--check` nothing is written, and a page that is not what the tables say fails.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use provost_config::cli::{supervisorctl_help, supervisord_help};
use provost_config::reference;

use crate::oracle;

/// Says that a page is made, and from what.
const MARK: &str = "<!-- Made by `cargo xtask gen`; edit the table in the code instead. -->\n\n";

struct Page {
    path: &'static str,
    text: String,
}

/// Writes the pages, or compares them. Answers whether all is well.
pub(crate) fn run(check: bool) -> bool {
    let mut well = true;
    for page in pages() {
        let path = oracle::root().join(page.path);
        let done = if check {
            compare(&path, &page)
        } else {
            write(&path, &page)
        };
        if let Err(problem) = done {
            eprintln!("error: {problem}");
            well = false;
        }
    }
    if well {
        println!(
            "gen: all pages are {}",
            if check { "up to date" } else { "written" }
        );
    }
    well
}

fn compare(path: &Path, page: &Page) -> Result<(), String> {
    match fs::read_to_string(path) {
        Ok(text) if text == page.text => Ok(()),
        Ok(_) => Err(format!(
            "{} is not what the tables say; run `cargo xtask gen`",
            page.path
        )),
        Err(error) => Err(format!(
            "cannot read {}: {error}; run `cargo xtask gen`",
            page.path
        )),
    }
}

fn write(path: &Path, page: &Page) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("cannot write {}: {error}", page.path);
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(failed)?;
    }
    fs::write(path, &page.text).map_err(failed)
}

fn pages() -> Vec<Page> {
    vec![
        Page {
            path: "docs/reference/configuration.md",
            text: format!("{MARK}{}", reference::markdown()),
        },
        Page {
            path: "docs/reference/xml-rpc.md",
            text: format!("{MARK}{}", provost_wire::methods::reference()),
        },
        Page {
            path: "docs/reference/json.md",
            text: format!("{MARK}{}", provost_wire::rest::reference()),
        },
        Page {
            path: "docs/reference/openapi.json",
            text: provost_wire::rest::openapi(),
        },
        Page {
            path: "docs/man/supervisord.1",
            text: command_page(
                "supervisord",
                "process control daemon",
                &supervisord_help(),
                SUPERVISORD,
            ),
        },
        Page {
            path: "docs/man/supervisorctl.1",
            text: command_page(
                "supervisorctl",
                "control a running supervisord",
                &supervisorctl_help(),
                &[
                    ("COMMANDS", &provost_ctl::commands_help()),
                    ("EXIT STATUS", CTL_STATUS),
                ],
            ),
        },
        Page {
            path: "docs/man/echo_supervisord_conf.1",
            text: command_page(
                "echo_supervisord_conf",
                "print a sample configuration",
                ECHO,
                &[],
            ),
        },
        Page {
            path: "docs/man/pidproxy.1",
            text: command_page(
                "pidproxy",
                "stand in for a program that writes a pid file",
                PIDPROXY,
                &[],
            ),
        },
        Page {
            path: "docs/man/supervisord.conf.5",
            text: format!(
                "{}{}",
                title("supervisord.conf", 5, "configuration of supervisord"),
                reference::roff()
            ),
        },
    ]
}

const SUPERVISORD: &[(&str, &str)] = &[
    (
        "SIGNALS",
        "TERM, INT, QUIT  stop all programs and end\n\
         HUP              read the configuration; when it is good, stop all and start anew\n\
         USR2             close and open all log files again\n",
    ),
    (
        "EXIT STATUS",
        "0  ended as asked; of the foreground command: the daemon is ready\n\
         2  the command line, the configuration or the system did not allow a start\n",
    ),
];

const CTL_STATUS: &str = "0  done\n\
     1  failed\n\
     2  bad arguments\n\
     3  status: a process is not running\n\
     4  status: no such process, or no connection\n\
     5  the server speaks another version of the interface\n\
     7  not running, or the socket does not exist\n";

const ECHO: &str = "echo_supervisord_conf\n\n\
     Prints a configuration that is accepted as it is. All keys stand in it with a comment;\n\
     what is not needed is commented out. Arguments are ignored.\n";

const PIDPROXY: &str = "pidproxy PIDFILE COMMAND [ARGUMENT...]\n\n\
     Starts COMMAND, which may leave pidproxy and write its process id into PIDFILE.\n\
     TERM, HUP, INT, USR1, USR2 and QUIT are passed on to the process named in PIDFILE.\n\
     Ends with 0 when COMMAND ends, or after passing on TERM, INT or QUIT.\n";

/// A page for a command: its help as it prints it, and further sections.
fn command_page(name: &str, what: &str, help: &str, sections: &[(&str, &str)]) -> String {
    let mut page = title(name, 1, what);
    section(&mut page, "SYNOPSIS AND OPTIONS", help);
    for (heading, text) in sections {
        section(&mut page, heading, text);
    }
    page
}

fn title(name: &str, section: u8, what: &str) -> String {
    let mut page =
        String::from(".\\\" Made by `cargo xtask gen`; edit the table in the code instead.\n");
    let _ = writeln!(page, ".TH {} {section} \"\" Provost", name.to_uppercase());
    let _ = writeln!(page, ".SH NAME\n{} \\- {}", escape(name), escape(what));
    page
}

fn section(page: &mut String, heading: &str, text: &str) {
    let _ = writeln!(page, ".SH {heading}\n.nf");
    for line in text.lines() {
        // A line that begins with a dot or a quote would be a request.
        let guard = if line.starts_with(['.', '\'']) {
            "\\&"
        } else {
            ""
        };
        let _ = writeln!(page, "{guard}{}", escape(line));
    }
    page.push_str(".fi\n");
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-")
}
