//! A daemon that goes on in the place of one of Python.

use crate::daemon::Start;
use crate::rpc::Rpc;
use crate::side::Side;
use crate::value::Value;

/// What starts Provost in the place of the daemon that `from` names.
pub fn successor(config: &str, from: &str) -> Start {
    Start::new(Side::Ours, config).arguments(&["--take-over-from", from])
}

impl Rpc {
    /// The infos of all processes.
    pub fn infos(&self) -> Vec<Value> {
        let answer = self.call("supervisor.getAllProcessInfo", &[]);
        answer.value().items().to_vec()
    }

    /// What of all processes must be the same before and after a take-over: a line for each. Of a process that runs the
    /// description tells the time, and is left out.
    pub fn lasting(&self) -> Vec<String> {
        let line = |info: &Value| {
            let mut keys = vec![
                "group",
                "name",
                "statename",
                "pid",
                "start",
                "stop",
                "exitstatus",
                "spawnerr",
                "stdout_logfile",
                "stderr_logfile",
            ];
            if info.get("statename").map(Value::text) != Some("RUNNING") {
                keys.push("description");
            }
            let text = |key: &&str| {
                let value = info.get(key).map(ToString::to_string);
                format!("{key}={}", value.unwrap_or_default())
            };
            keys.iter().map(text).collect::<Vec<_>>().join(" ")
        };
        self.infos().iter().map(line).collect()
    }
}
