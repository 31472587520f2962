//! What lasts from command to command: the server, the exit status so far, output, input and Ctrl-C.

use crate::commands::plugins::Plugins;
use crate::exchange::exchange;
use crate::exit;
use crate::input::{Input, Line};
use crate::output::Output;
use crate::records::{self, Lacking, StatusRow};
use crate::render;
use crate::screen::Screen;
use crate::transport::{Address, Connection, Credentials, Trust};
use crate::trouble::Trouble;
use crate::watch::{Watch, Woken};
use provost_model::{Errno, FaultCode};
use provost_wire::xmlrpc::{self, Value};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

/// The version of the interface that commands are written for.
const API_VERSION: &str = "3.0";

/// Which server is spoken to, and as whom.
#[derive(Clone)]
pub(crate) struct Server {
    /// The URL as it was given.
    pub(crate) url: String,
    /// Name and password, when both are known.
    pub(crate) credentials: Option<Credentials>,
    /// The user that the configuration lets supervisord run as.
    pub(crate) daemon: Option<u32>,
    /// Whom to believe where the URL says `https`.
    pub(crate) trust: Trust,
}

impl Server {
    /// Opens a connection.
    pub(crate) fn connect(&self) -> Result<Connection, Trouble> {
        let address = Address::parse(&self.url).map_err(Trouble::Url)?;
        let credentials = self.credentials.as_ref();
        Connection::open(&address, credentials, self.daemon, &self.trust).map_err(|cause| {
            Trouble::Connect {
                url: self.url.clone(),
                cause,
            }
        })
    }

    /// The trouble of a connection that broke.
    pub(crate) fn lost(&self, asked: &str, cause: io::Error) -> Trouble {
        Trouble::Lost {
            url: self.url.clone(),
            asked: asked.to_owned(),
            cause,
        }
    }
}

/// Everything that commands work with.
pub(crate) struct Session {
    /// The server.
    pub(crate) server: Server,
    /// Whether a person may be asked.
    pub(crate) interactive: bool,
    /// Further commands, from the configuration.
    pub(crate) plugins: Plugins,
    /// Output of programs is made harmless for the terminal that it goes to.
    pub(crate) careful: bool,
    /// The configuration file, if there is one.
    pub(crate) configuration: Option<PathBuf>,
    status: i32,
    output: Output,
    input: Input,
    connection: Option<Connection>,
    watch: Option<Watch>,
}

impl Session {
    /// A session that has said nothing yet.
    pub(crate) fn new(server: Server, interactive: bool, output: Output, input: Input) -> Self {
        Self {
            server,
            interactive,
            plugins: Plugins::default(),
            careful: false,
            configuration: None,
            status: exit::SUCCESS,
            output,
            input,
            connection: None,
            watch: None,
        }
    }

    /// The exit status so far.
    pub(crate) fn status(&self) -> i32 {
        self.status
    }

    /// Sets the exit status; the last one counts.
    pub(crate) fn set_status(&mut self, status: i32) {
        self.status = status;
    }

    /// Prints a line.
    pub(crate) fn say(&mut self, line: impl AsRef<str>) {
        self.put(line.as_ref().as_bytes());
        self.put(b"\n");
    }

    /// Prints bytes as they are.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.output.put(bytes);
    }

    /// Prints a whole text that a program wrote, and ends the line.
    pub(crate) fn show(&mut self, text: &str) {
        if self.careful {
            let mut screen = Screen::default();
            let mut shown = screen.take(text.as_bytes());
            shown.extend(screen.finish());
            self.put(&shown);
            self.put(b"\n");
        } else {
            self.say(text);
        }
    }

    /// Prints a line on standard error.
    pub(crate) fn talk(&mut self, line: &str) {
        self.output.talk(line);
    }

    /// Prints the line of an error that a command has no own words for, and fails.
    pub(crate) fn say_trouble(&mut self, trouble: &Trouble) {
        self.say(render::harmless(&format!("error: {trouble}")));
        self.status = exit::GENERIC;
    }

    /// Makes sure that all that was said has been written.
    pub(crate) fn flush(&mut self) -> Result<(), Trouble> {
        self.output.flush().map_err(Trouble::Output)
    }

    /// Sets the status that belongs to a fault. `passes` does not count as one.
    pub(crate) fn set_status_of_fault(&mut self, code: i64, passes: Option<FaultCode>) {
        let code = FaultCode::from_code(code);
        if code == Some(FaultCode::Success) || (code.is_some() && code == passes) {
            return;
        }
        self.status = match code {
            Some(
                FaultCode::SpawnError | FaultCode::AbnormalTermination | FaultCode::NotRunning,
            ) => exit::NOT_RUNNING,
            _ => exit::GENERIC,
        };
    }

    /// Calls a method of `supervisor.` and waits for its answer, as long as it takes.
    pub(crate) fn call(&mut self, method: &str, params: &[Value]) -> Result<Value, Trouble> {
        self.call_in("supervisor", method, params)
    }

    /// Calls a method of any namespace.
    pub(crate) fn call_in(
        &mut self,
        namespace: &str,
        method: &str,
        params: &[Value],
    ) -> Result<Value, Trouble> {
        self.flush()?;
        let method = format!("{namespace}.{method}");
        let body = xmlrpc::write_call(&method, params);
        let mut connection = match self.connection.take() {
            Some(open) => open,
            None => self.server.connect()?,
        };
        let answer = exchange(
            &self.server,
            &mut connection,
            &method,
            &body,
            self.watch.as_ref(),
        )?;
        if answer.keeps_open {
            self.connection = Some(connection);
        }
        read_value(&method, &answer.body)
    }

    /// All processes.
    pub(crate) fn all_processes(&mut self) -> Result<Vec<StatusRow>, Trouble> {
        let value = self.call("getAllProcessInfo", &[])?;
        read_rows("getAllProcessInfo", &value, StatusRow::read)
    }

    /// One process.
    pub(crate) fn process(&mut self, name: &str) -> Result<StatusRow, Trouble> {
        let value = self.call("getProcessInfo", &[Value::text(name)])?;
        StatusRow::read(&value).map_err(|lacking| unexpected("getProcessInfo", lacking))
    }

    /// Whether a supervisord answers that speaks our version. Says so if not, and sets the status.
    pub(crate) fn up_check(&mut self) -> Result<bool, Trouble> {
        let (line, status) = match self.call("getVersion", &[]) {
            Ok(version) if version.as_str() == Some(API_VERSION) => return Ok(true),
            Ok(version) => (
                format!(
                    "Sorry, this version of supervisorctl expects to talk to a server with API version \
                     {API_VERSION}, but the remote version is {}.",
                    version.as_str().unwrap_or("of an unknown kind")
                ),
                exit::NOT_INSTALLED,
            ),
            Err(trouble) if trouble.fault_code() == Some(FaultCode::UnknownMethod) => (
                "Sorry, supervisord responded but did not recognize the supervisor namespace commands that \
                 supervisorctl needs. Is there an [rpcinterface:supervisor] section in its configuration?"
                    .to_owned(),
                exit::UNIMPLEMENTED_FEATURE,
            ),
            Err(trouble) if trouble.is_refused() => (
                format!("{} refused connection", self.server.url),
                exit::INSUFFICIENT_PRIVILEGES,
            ),
            Err(trouble) if trouble.is_missing() => {
                (format!("{} no such file", self.server.url), exit::NOT_RUNNING)
            }
            Err(trouble) => return Err(trouble),
        };
        self.say(render::harmless(&line));
        self.status = status;
        Ok(false)
    }

    /// Closes the connection that calls of one command share, so that an idle shell holds none.
    pub(crate) fn hang_up(&mut self) {
        self.connection = None;
    }

    /// From now on Ctrl-C is told by [`Session::wait`] and by calls, and ends nothing by itself.
    pub(crate) fn watch_interrupts(&mut self) -> Result<(), Trouble> {
        if self.watch.is_none() {
            self.watch = Some(Watch::open().map_err(Trouble::Input)?);
        }
        Ok(())
    }

    /// Waits until one of the descriptors is readable and answers their indices; the input comes behind the last.
    /// Unless Ctrl-C is watched for, all of them are named, and whoever reads one waits there.
    pub(crate) fn wait(
        &self,
        descriptors: &[BorrowedFd<'_>],
        with_input: bool,
    ) -> Result<Vec<usize>, Trouble> {
        let mut all = descriptors.to_vec();
        if with_input {
            all.push(self.input.as_fd());
        }
        match &self.watch {
            None => Ok((0..all.len()).collect()),
            Some(watch) => match watch.wait(&all).map_err(Trouble::Input)? {
                Woken::Interrupted => Err(Trouble::Interrupted),
                Woken::Readable(indices) => Ok(indices),
            },
        }
    }

    /// The input.
    pub(crate) fn input(&mut self) -> &mut Input {
        &mut self.input
    }

    /// Shows the prompt and takes a line of the input; none at its end.
    pub(crate) fn ask(&mut self, prompt: &str) -> Result<Option<String>, Trouble> {
        self.put(prompt.as_bytes());
        self.flush()?;
        loop {
            match self.input.take_line() {
                Line::Whole(line) => return Ok(Some(line)),
                Line::End => return Ok(None),
                Line::Unfinished => {
                    self.wait(&[], true)?;
                    self.input.fill().map_err(Trouble::Input)?;
                }
            }
        }
    }

    /// Asks a question that only `y` affirms. Where nobody can be asked, the answer is yes.
    pub(crate) fn confirm(&mut self, question: &str) -> Result<bool, Trouble> {
        if !self.interactive {
            return Ok(true);
        }
        let answer = self.ask(question)?.ok_or(Trouble::EndOfInput)?;
        Ok(answer.starts_with(['y', 'Y']))
    }

    /// Asks for name and password, and uses them from now on.
    pub(crate) fn ask_credentials(&mut self) -> Result<(), Trouble> {
        let username = self.ask("Username:")?.ok_or(Trouble::EndOfInput)?;
        self.flush()?;
        let password = match provost_os::tty::read_password("Password:") {
            // No terminal to hide the typing on: then the password comes from where the commands come from.
            Err(error) if Errno::of(&error).name() == "ENXIO" => {
                self.ask("Password:")?.ok_or(Trouble::EndOfInput)?
            }
            // Ctrl-C.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                return Err(Trouble::Interrupted);
            }
            outcome => outcome.map_err(Trouble::Input)?,
        };
        self.say("");
        self.server.credentials = Some(Credentials { username, password });
        Ok(())
    }
}

/// Reads a result or a fault.
pub(crate) fn read_value(method: &str, body: &[u8]) -> Result<Value, Trouble> {
    xmlrpc::read_response(body)
        .map_err(|cause| Trouble::Decode {
            method: method.to_owned(),
            cause,
        })?
        .map_err(Trouble::Fault)
}

/// Reads an array of rows.
pub(crate) fn read_rows<T>(
    method: &str,
    value: &Value,
    read: impl Fn(&Value) -> Result<T, Lacking>,
) -> Result<Vec<T>, Trouble> {
    records::rows(value, read).map_err(|lacking| unexpected(method, lacking))
}

/// The trouble of an answer that lacks something.
pub(crate) fn unexpected(method: &str, lacking: Lacking) -> Trouble {
    Trouble::Unexpected {
        method: method.to_owned(),
        lacking: lacking.0,
    }
}
