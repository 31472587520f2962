//! The reference page of the JSON interface, out of the table.

use super::openapi::{common, names};
use super::schema::{Definitions, Schema};
use super::shapes::{Failure, Refusal};
use super::{BYTES, Content, ENDPOINTS, Endpoint, Kind, Param, status};
use serde_json::Value;
use std::fmt::Write as _;

const HEAD: &str = "# JSON reference\n\n\
Every server that the configuration opens has these addresses, beside those of XML-RPC and of the pages. Answers are JSON \
unless something else is said, and members that have nothing to say are `null`. What goes wrong is told by the status \
and by `{\"error\": {\"code\": …, \"message\": …}}`. Bodies are JSON with `Content-Type: application/json`. Names in paths are \
written with percent signs where they hold what a path cannot hold. The same as OpenAPI 3.1 is at `/api/v1/openapi.json`, \
and in [openapi.json](openapi.json).\n\n\
Who may do what is told in [Authorization](../authorization.md): programs out of scope do not exist for the caller. \
Requests of pages of other sites that would change something, or whose answers go on for long, are refused, as everywhere \
([Web interface](../web.md#who-may-act)).\n\n\
```sh\n\
curl --unix-socket /run/supervisor.sock http://localhost/api/v1/processes\n\
curl -u user:secret -X POST http://127.0.0.1:9001/api/v1/processes/web/web_00/restart\n\
curl -N -u user:secret http://127.0.0.1:9001/api/v1/events\n\
```\n";

/// The page, in Markdown.
pub fn reference() -> String {
    let mut out = HEAD.to_owned();
    let mut definitions = Definitions::new();
    out.push_str("\n## Addresses\n");
    for endpoint in ENDPOINTS {
        entry(&mut out, endpoint, &mut definitions);
    }
    Failure::schema(&mut definitions);
    Refusal::schema(&mut definitions);
    out.push_str("\n## Shapes\n");
    for (name, schema) in &definitions {
        members(&mut out, name, schema);
    }
    out
}

// Writing into a String cannot fail, here and below.
fn entry(out: &mut String, endpoint: &Endpoint, definitions: &mut Definitions) {
    let Endpoint {
        method,
        path,
        summary,
        text,
        ..
    } = endpoint;
    let _ = write!(out, "\n### {} {path}\n\n{summary}\n\n", method.name());
    if !text.is_empty() {
        let _ = write!(out, "{text}\n\n");
    }
    for name in names(path) {
        let _ = writeln!(out, "- `{name}` in the path");
    }
    for param in endpoint.params {
        let _ = writeln!(out, "- `{}` {}: {}", param.name, kind(param), param.text);
    }
    if let Some(shape) = endpoint.body {
        (shape.schema)(definitions);
        let _ = writeln!(out, "- Body: {}", link(shape.name));
    }
    match endpoint.answer {
        Content::Json(shape) => {
            (shape.schema)(definitions);
            let _ = writeln!(out, "- Answer: {}", link(shape.name));
        }
        Content::Text(kind) => {
            let _ = writeln!(out, "- Answer: `{kind}`");
        }
        Content::File => {
            let _ = writeln!(out, "- Answer: `{BYTES}`");
        }
        Content::Events(kinds) => {
            for kind in kinds {
                (kind.shape.schema)(definitions);
                let _ = writeln!(
                    out,
                    "- Event `{}`, {}: {}",
                    kind.name,
                    link(kind.shape.name),
                    kind.text
                );
            }
        }
    }
    let _ = writeln!(out, "- Right: `{}`", endpoint.verb.name());
    let faults = endpoint.faults.iter();
    let faults = faults.map(|fault| (status(*fault), fault.name()));
    let all = common(endpoint).into_iter().chain(faults);
    let all: Vec<String> = all
        .map(|(status, code)| match code {
            "CANT_REREAD" => format!("{status} `{code}` ({})", link("Refusal")),
            _ => format!("{status} `{code}`"),
        })
        .collect();
    let _ = writeln!(out, "- Errors: {}", all.join(", "));
}

fn kind(param: &Param) -> String {
    let kind = match param.kind {
        Kind::Text => "text".to_owned(),
        Kind::Int | Kind::Natural => "number".to_owned(),
        Kind::Flag => "flag".to_owned(),
        Kind::OneOf(words) => words.join(" or "),
    };
    match param.default {
        Some(default) => format!("({kind}, {default} unless given)"),
        None => format!("({kind})"),
    }
}

fn link(name: &str) -> String {
    format!("[{name}](#{})", name.to_lowercase())
}

fn members(out: &mut String, name: &str, schema: &Value) {
    let text = |schema: &Value| {
        let text = schema.get("description").and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let _ = write!(
        out,
        "\n### {name}\n\n{}\n\n| member | | |\n|---|---|---|\n",
        text(schema)
    );
    let found = schema.get("properties").and_then(Value::as_object);
    for (member, schema) in found.into_iter().flatten() {
        let text = text(schema).replace('|', "\\|");
        let _ = writeln!(out, "| `{member}` | {} | {text} |", type_of(schema));
    }
}

/// The kind of a member in a few words.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        return link(name.rsplit('/').next().unwrap_or(name));
    }
    if let Some(first) = schema.get("anyOf").and_then(|any| any.get(0)) {
        return format!("{} or null", type_of(first));
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("array") => {
            let items = schema.get("items").map(type_of).unwrap_or_default();
            format!("array of {items}")
        }
        Some(kind) => kind.to_owned(),
        None => "any".to_owned(),
    }
}
