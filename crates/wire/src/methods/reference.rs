//! The reference page of the XML-RPC interface, out of the table.

use super::{Method, cache, daemon, laforge, process, system, twiddler};
use std::fmt::Write as _;

const HEAD: &str = "# XML-RPC reference\n\n\
<!-- Generated from the table of methods. Edit crates/wire/src/methods and run `cargo xtask gen`. -->\n\n\
Calls go by HTTP POST to `/RPC2` of any server that the configuration opens. A parameter with a default may be left \
out. Every method may answer `INCORRECT_PARAMETERS`; every `supervisor` method but `sendRemoteCommEvent` answers \
`SHUTDOWN_STATE` while supervisord stops or restarts.\n\n\
The namespace `supervisor` exists where the configuration has its `[rpcinterface:supervisor]` section, and under other \
names where it has sections of other names. So do `twiddler`, `cache` and `laforge`, which stand here under the names \
 that the sections of their packages have; [Extensions](../extensions.md) tells how to get them. A section with a \
 `command` makes a namespace whose methods a [helper](../helpers.md) announces; `system.listMethods` names them, too.\n";

/// The page, in Markdown.
pub fn reference() -> String {
    let mut out = HEAD.to_owned();
    section(
        &mut out,
        "supervisor",
        "supervisord itself",
        daemon::METHODS,
    );
    section(&mut out, "supervisor", "processes", process::METHODS);
    section(
        &mut out,
        "twiddler",
        "programs come and go",
        twiddler::METHODS,
    );
    section(&mut out, "cache", "values by key", cache::METHODS);
    section(&mut out, "laforge", "signals", laforge::METHODS);
    section(&mut out, "system", "the interface", system::SYSTEM);
    section(
        &mut out,
        "provost",
        "what Supervisor does not have",
        system::OWN,
    );
    out
}

fn section(out: &mut String, namespace: &str, about: &str, methods: &[Method]) {
    // Writing into a String cannot fail.
    let _ = write!(out, "\n## `{namespace}`: {about}\n");
    for method in methods {
        entry(out, namespace, method);
    }
}

fn entry(out: &mut String, namespace: &str, method: &Method) {
    let params: Vec<String> = method
        .params
        .iter()
        .map(|param| {
            let default = param
                .default
                .map(|text| format!("={text}"))
                .unwrap_or_default();
            format!("{} {}{default}", param.kind.name(), param.name)
        })
        .collect();
    let _ = write!(
        out,
        "\n### {namespace}.{}\n\n`{namespace}.{}({})` → {}\n\n{}\n\n",
        method.name,
        method.name,
        params.join(", "),
        method.result.name(),
        method.summary
    );
    for param in method.params {
        let _ = writeln!(out, "- `{}`: {}", param.name, cell(param.text));
    }
    let _ = writeln!(out, "- Result: {}", cell(method.result_text));
    let _ = writeln!(out, "- Right: `{}`", method.verb.name());
    if !method.faults.is_empty() {
        let faults: Vec<String> = method
            .faults
            .iter()
            .map(|fault| format!("{} `{}`", fault.code(), fault.name()))
            .collect();
        let _ = writeln!(out, "- Faults: {}", faults.join(", "));
    }
    if !method.aliases.is_empty() {
        let aliases: Vec<String> = method
            .aliases
            .iter()
            .map(|alias| format!("`{namespace}.{alias}`"))
            .collect();
        let _ = writeln!(out, "- Also called: {}", aliases.join(", "));
    }
}

/// Text whose asterisks and brackets Markdown would take for its own.
fn cell(text: &str) -> String {
    text.replace('*', "\\*")
        .replace('[', "\\[")
        .replace(']', "\\]")
}
