//! What happened, in a few words.

use provost_model::{Answer, Event, Reply};

/// An event as tests name it.
pub(crate) fn show_event(event: &Event) -> String {
    match event {
        Event::ProcessState {
            process,
            from,
            to,
            tries,
            pid,
            expected,
            ..
        } => {
            use provost_model::ProcessState as S;
            let tail = match to {
                S::Starting | S::Backoff => format!(" tries:{tries}"),
                S::Running | S::Stopping | S::Stopped => format!(" pid:{pid}"),
                S::Exited => format!(" expected:{} pid:{pid}", u8::from(*expected)),
                S::Fatal | S::Unknown => String::new(),
            };
            format!("{process} {from}>{to}{tail}")
        }
        Event::Tick { period, when } => format!("TICK_{period} {when}"),
        Event::GroupAdded { group } => format!("ADDED {group}"),
        Event::GroupRemoved { group } => format!("REMOVED {group}"),
        Event::RemoteCommunication { kind, data } => format!("REMOTE {kind} {data}"),
        Event::ProcessLog { process, data, .. }
        | Event::ProcessCommunication { process, data, .. } => {
            format!(
                "{} {process} {}",
                event.kind(),
                String::from_utf8_lossy(data)
            )
        }
        Event::Logfile { process, path, .. } => format!("{} {process} {path}", event.kind()),
        Event::SupervisorRunning | Event::SupervisorStopping => event.kind().to_string(),
    }
}

/// How a request ended.
pub(super) fn show_answer(answer: Answer) -> String {
    match answer {
        Err(fault) => fault.to_string(),
        Ok(Reply::Results(results)) => results
            .iter()
            .map(|result| format!("{}:{}={}", result.group, result.name, result.description))
            .collect::<Vec<_>>()
            .join(" "),
        Ok(Reply::Text(text)) => text,
        Ok(Reply::State(state)) => state.name().to_owned(),
        Ok(Reply::Reload {
            added,
            changed,
            removed,
        }) => {
            format!("added {added:?} changed {changed:?} removed {removed:?}")
        }
        Ok(Reply::Infos(infos)) => infos
            .iter()
            .map(|info| format!("{}:{}", info.group, info.name))
            .collect::<Vec<_>>()
            .join(" "),
        Ok(Reply::Configs(configs)) => configs
            .iter()
            .map(|config| format!("{}:{} {}", config.group, config.name, config.inuse))
            .collect::<Vec<_>>()
            .join(" "),
        Ok(other) => format!("{other:?}"),
    }
}
