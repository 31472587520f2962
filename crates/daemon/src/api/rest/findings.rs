//! What is to be mended in a configuration that was refused.

use crate::api::Context;
use crate::api::caller::Caller;
use crate::api::readers::TIME;
use provost_config::{Diagnostic, Severity};
use provost_model::access::Verb;
use provost_wire::rest::shapes::Finding;
use tokio::time::Instant;

/// Findings that are told: whoever has more begins with these.
const MOST: usize = 200;

/// What a check finds now, errors first. The files are looked at once more: nothing is kept for the few who ask.
pub(in crate::api) async fn of(context: &Context, caller: &Caller) -> Vec<Finding> {
    let Some(loader) = context.loader.clone() else {
        return Vec::new();
    };
    if !caller.may(Verb::Config) || !caller.sees_all() {
        return Vec::new();
    }
    let main = loader.path().to_owned();
    let check = move |_: &_| Ok(loader.findings());
    let time = Instant::now() + TIME;
    let mut found = context
        .readers
        .in_time(&main, time, check)
        .await
        .unwrap_or_default();
    found.sort_by_key(|one| one.severity != Severity::Error);
    found.truncate(MOST);
    found.into_iter().map(finding).collect()
}

fn finding(found: Diagnostic) -> Finding {
    let number = |number: usize| u64::try_from(number).ok().filter(|number| *number > 0);
    Finding {
        severity: found.severity.to_string(),
        code: found.code.text(),
        message: found.message,
        file: found.file.map(|file| file.to_string_lossy().into_owned()),
        line: number(found.line),
        column: number(found.column),
        help: found.help,
    }
}
