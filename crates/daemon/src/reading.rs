//! Reading the configuration while programs run: one reading after the other, and nobody waits for one that hangs.
//!
//! A reading looks at files, directories of logs and accounts, any of which may lie on a dead disk or server.

use crate::host::SystemHost;
use crate::shell::Loader;
use provost_config::{AddedProgram, Config, Failure, LooseProgram, Sources};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// How long a reading may take. Ten thousand programs take less than a second where nothing hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is read after the start, by workers.
pub(crate) struct Readings {
    loader: Loader,
    patience: Duration,
    hung: Mutex<Option<Hung>>,
}

/// A reading that nobody waits for any more.
struct Hung {
    thread: JoinHandle<()>,
    what: String,
}

impl Readings {
    /// Readings of this configuration.
    pub(crate) fn new(loader: Loader) -> Self {
        Self {
            loader,
            patience: PATIENCE,
            hung: Mutex::default(),
        }
    }

    /// Reads the whole and tells what came of it before the next reading begins: what was read last is what is told last.
    pub(crate) fn load(&self, for_restart: bool, tell: impl FnOnce(Result<Config, Failure>)) {
        let mut hung = self.hung.lock().unwrap_or_else(PoisonError::into_inner);
        let loader = Arc::clone(&self.loader);
        let read = self.in_time(&mut hung, move |host| loader.load(host));
        tell(match read {
            Ok(config) if for_restart => self.loader.reserve_for(config),
            read => read,
        });
    }

    /// Makes the processes of a program that a client gives. `environment` is that of `[supervisord]`.
    pub(crate) fn program(
        &self,
        environment: Arc<[(String, String)]>,
        group: String,
        name: String,
        options: Vec<(String, String)>,
    ) -> Result<AddedProgram, Failure> {
        let mut hung = self.hung.lock().unwrap_or_else(PoisonError::into_inner);
        let loader = Arc::clone(&self.loader);
        self.in_time(&mut hung, move |host| {
            let loose = LooseProgram {
                group: &group,
                name: &name,
                options: &options,
            };
            loader.program(&environment, loose, host)
        })
    }

    /// What a thread of its own reads, or why it was not waited for. While one hangs, no second one is tried.
    fn in_time<T: Send + 'static>(
        &self,
        hung: &mut Option<Hung>,
        read: impl FnOnce(&SystemHost) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        if let Some(hung) = hung.as_ref().filter(|hung| !hung.thread.is_finished()) {
            return Err(refused(format!(
                "an earlier reading still waits for {}, which does not answer",
                hung.what
            )));
        }
        *hung = None;
        let (host, looking) = self.loader.watched_host();
        let (answer, answers) = channel();
        let reading = move || {
            // Nobody may wait for it any more.
            let _ = answer.send(read(&host));
        };
        let thread = Builder::new()
            .name("reading".to_owned())
            .spawn(reading)
            .map_err(|error| refused(format!("no thread could be started for it: {error}")))?;
        match answers.recv_timeout(self.patience) {
            Ok(read) => read,
            Err(RecvTimeoutError::Disconnected) => {
                Err(refused("the reading was broken off".to_owned()))
            }
            Err(RecvTimeoutError::Timeout) => {
                let what = looking.at().unwrap_or_else(|| "its file".to_owned());
                let message = format!(
                    "{what} did not answer within {} seconds; nothing was changed",
                    self.patience.as_secs()
                );
                *hung = Some(Hung { thread, what });
                Err(refused(message))
            }
        }
    }
}

fn refused(message: String) -> Failure {
    Failure {
        upstream_message: message,
        first: None,
        diagnostics: Vec::new(),
        sources: Sources::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use provost_config::{Host as _, Overrides};
    use std::path::Path;

    fn readings() -> Readings {
        let source = Source::new(
            "/nowhere/supervisord.conf".into(),
            Overrides::default(),
            SystemHost::from_here(),
        );
        Readings {
            patience: Duration::from_millis(50),
            ..Readings::new(Arc::new(source))
        }
    }

    #[test]
    fn f24_what_hangs_is_named_and_holds_up_no_later_reading_for_ever() {
        let readings = readings();
        let (release, held) = channel::<()>();
        let mut hung = None;
        let first = readings.in_time::<()>(&mut hung, move |host| {
            host.exists(Path::new("/proc/self"));
            let _ = held.recv();
            Err(refused("too late".to_owned()))
        });
        assert_eq!(
            first.unwrap_err().upstream_message,
            "/proc/self did not answer within 0 seconds; nothing was changed"
        );
        let second = readings.in_time(&mut hung, |_| Ok(7));
        assert_eq!(
            second.unwrap_err().upstream_message,
            "an earlier reading still waits for /proc/self, which does not answer"
        );
        drop(release);
        while !hung.as_ref().is_none_or(|hung| hung.thread.is_finished()) {
            std::thread::yield_now();
        }
        assert_eq!(readings.in_time(&mut hung, |_| Ok(7)), Ok(7));
    }

    #[test]
    fn a_configuration_that_is_not_there_is_told_as_always() {
        let mut told = None;
        readings().load(false, |result| told = Some(result));
        let message = told.unwrap().unwrap_err().upstream_message;
        assert!(message.contains("could not find config file"), "{message}");
    }
}
