//! A daemon with many programs that do nothing.

use crate::daemon::{Daemon, Start};
use crate::rpc::Rpc;
use crate::side::Side;
use crate::value::Value;
use crate::wait::{PATIENCE, wait_until};

/// Starts our daemon with that many sleeping processes of the group `idle` and waits until all are RUNNING.
///
/// Each has the three pipes and two AUTO logs that a program has by default: five descriptors of the daemon.
pub fn start_many(count: usize) -> Daemon {
    let config = format!(
        "minfds=16384\n[program:idle]\ncommand=/bin/sleep 86400\nnumprocs={count}\n\
         process_name=%(program_name)s_%(process_num)04d\nstartsecs=0\n"
    );
    let daemon = Start::new(Side::Ours, &config).start();
    wait_all_running(&daemon.rpc(), count);
    daemon
}

/// Waits until exactly that many processes exist and all are RUNNING.
pub fn wait_all_running(rpc: &Rpc, count: usize) {
    wait_until(PATIENCE, &format!("all {count} to be RUNNING"), || {
        let all = rpc.call("supervisor.getAllProcessInfo", &[]).value();
        let is_running = |info: &&Value| info.get("statename").map(Value::text) == Some("RUNNING");
        all.items().iter().filter(is_running).count() == count
    });
}
