//! The interface in the form of `OpenAPI` 3.1.

use super::schema::{Definitions, Schema, refer};
use super::shapes::{Failure, Refusal};
use super::{BYTES, Content, ENDPOINTS, Endpoint, Kind, LARGEST, Method, Operation, Param, status};
use provost_model::FaultCode;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The description, as JSON text with line ends.
pub fn openapi() -> String {
    let mut definitions = Definitions::new();
    Failure::schema(&mut definitions);
    let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for endpoint in ENDPOINTS {
        let operation = operation(endpoint, &mut definitions);
        let methods = paths.entry(endpoint.path).or_default();
        methods.insert(endpoint.method.name().to_lowercase(), operation);
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Provost",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What supervisord tells and does as JSON. Each operation names the right that it needs in \
                            `x-right`.",
        },
        "servers": [{ "url": "/" }],
        "security": [{ "basic": [] }, { "bearer": [] }, {}],
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {
                "basic": { "type": "http", "scheme": "basic" },
                "bearer": { "type": "http", "scheme": "bearer" },
            },
        },
    });
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn operation(endpoint: &Endpoint, definitions: &mut Definitions) -> Value {
    let mut parameters: Vec<Value> = names(endpoint.path)
        .map(|name| {
            json!({
                "name": name,
                "in": "path",
                "required": true,
                "schema": { "type": "string" },
            })
        })
        .collect();
    parameters.extend(endpoint.params.iter().map(parameter));
    let mut operation = json!({
        "operationId": endpoint.id,
        "summary": endpoint.summary,
        "x-right": endpoint.verb.name(),
        "parameters": parameters,
        "responses": responses(endpoint, definitions),
    });
    if let Some(object) = operation.as_object_mut() {
        if !endpoint.text.is_empty() {
            object.insert("description".to_owned(), endpoint.text.into());
        }
        if let Some(shape) = endpoint.body {
            let content = json!({ "application/json": { "schema": (shape.schema)(definitions) } });
            let body = json!({ "required": true, "content": content });
            object.insert("requestBody".to_owned(), body);
        }
    }
    operation
}

/// The names of a pattern.
pub(super) fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn parameter(param: &Param) -> Value {
    let mut schema = match param.kind {
        Kind::Text => json!({ "type": "string", "minLength": 1 }),
        Kind::Int => json!({ "type": "integer", "minimum": -LARGEST, "maximum": LARGEST }),
        Kind::Natural => json!({ "type": "integer", "minimum": 0, "maximum": LARGEST }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::OneOf(words) => json!({ "type": "string", "enum": words }),
    };
    if let (Some(default), Some(object)) = (param.default, schema.as_object_mut()) {
        let default = match param.kind {
            Kind::Text | Kind::OneOf(_) => json!(default),
            Kind::Int | Kind::Natural | Kind::Flag => {
                serde_json::from_str(default).unwrap_or_default()
            }
        };
        object.insert("default".to_owned(), default);
    }
    json!({
        "name": param.name,
        "in": "query",
        "description": param.text,
        "schema": schema,
    })
}

fn responses(endpoint: &Endpoint, definitions: &mut Definitions) -> Value {
    let content = match endpoint.answer {
        Content::Json(shape) => {
            json!({ "application/json": { "schema": (shape.schema)(definitions) } })
        }
        Content::Text(kind) => json!({ kind: { "schema": { "type": "string" } } }),
        Content::File => json!({ BYTES: {} }),
        Content::Events(kinds) => {
            let data: Vec<Value> = kinds
                .iter()
                .map(|kind| (kind.shape.schema)(definitions))
                .collect();
            json!({ "text/event-stream": { "schema": { "type": "string" }, "x-event-data": data } })
        }
    };
    let mut all = Map::new();
    let good = json!({ "description": endpoint.summary, "content": content });
    all.insert("200".to_owned(), good);
    let mut failures: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for (status, code) in common(endpoint) {
        failures.entry(status).or_default().push(code);
    }
    for fault in endpoint.faults {
        failures
            .entry(status(*fault))
            .or_default()
            .push(fault.name());
    }
    for (status, codes) in failures {
        let is_refusal = codes.contains(&FaultCode::CantReread.name());
        let shape = if is_refusal {
            Refusal::schema(definitions)
        } else {
            refer("Failure")
        };
        let schema = json!({ "schema": shape });
        let mut content = Map::from_iter([("application/json".to_owned(), schema)]);
        let is_probe = matches!(endpoint.operation, Operation::Health | Operation::Ready);
        if is_probe && status == 503 {
            // What is not well is told in lines, too.
            let schema = json!({ "schema": { "type": "string" } });
            content.insert("text/plain".to_owned(), schema);
        }
        let failure = json!({ "description": codes.join(", "), "content": content });
        all.insert(status.to_string(), failure);
    }
    Value::Object(all)
}

/// What every endpoint may answer.
pub(super) fn common(endpoint: &Endpoint) -> Vec<(u16, &'static str)> {
    let mut all = vec![
        (400, "BAD_ARGUMENTS"),
        (401, "UNAUTHORIZED"),
        (403, "NOT_PERMITTED"),
        (503, "SHUTDOWN_STATE"),
    ];
    if endpoint.method == Method::Post || endpoint.streams() {
        all.push((403, "FOREIGN_PAGE"));
    }
    all
}
