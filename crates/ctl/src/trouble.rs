//! What can end a command before it has said its own words, and how that is told.

use crate::transport::{HttpProblem, UnknownProtocol};
use provost_model::{Errno, FaultCode};
use provost_wire::xmlrpc::{DecodeError, WireFault};
use std::fmt;
use std::io;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The server URL is of no kind that is known.
    Url(UnknownProtocol),
    /// The server could not be reached.
    Connect {
        /// The server URL.
        url: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The connection broke while something was asked.
    Lost {
        /// The server URL.
        url: String,
        /// What was asked: a method or a path.
        asked: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The answer is not HTTP.
    Http {
        /// The server URL.
        url: String,
        /// What was asked.
        asked: String,
        /// What is wrong with it.
        cause: HttpProblem,
    },
    /// The server answered with an HTTP status other than 200.
    Status {
        /// The server URL.
        url: String,
        /// What was asked.
        asked: String,
        /// The status code.
        code: u16,
        /// The words after it.
        reason: String,
    },
    /// The answer is not XML-RPC.
    Decode {
        /// The method.
        method: String,
        /// What is wrong with it.
        cause: DecodeError,
    },
    /// The answer is XML-RPC but not what the method answers.
    Unexpected {
        /// The method.
        method: String,
        /// What was looked for.
        lacking: &'static str,
    },
    /// The server refused the call.
    Fault(WireFault),
    /// The server said of a process what the command has no words for.
    Result {
        /// The process.
        name: String,
        /// The code and text.
        fault: WireFault,
    },
    /// An argument that cannot be sent.
    Argument(String),
    /// The terminal or the input failed.
    Input(io::Error),
    /// A question was asked and the input had ended.
    EndOfInput,
    /// The output cannot be written.
    Output(io::Error),
    /// Ctrl-C.
    Interrupted,
}

impl Trouble {
    /// The fault code, where the server refused the call with one that is known.
    pub(crate) fn fault_code(&self) -> Option<FaultCode> {
        match self {
            Self::Fault(fault) => FaultCode::from_code(i64::from(fault.code)),
            _ => None,
        }
    }

    /// Whether the server asks for a name and a password, or for others.
    pub(crate) fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Status { code: 401, .. })
    }

    /// Whether nobody listens at the server's address.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self, Self::Connect { cause, .. } if cause.kind() == io::ErrorKind::ConnectionRefused)
    }

    /// Whether the server's socket file is missing.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Connect { cause, .. } if cause.kind() == io::ErrorKind::NotFound)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(problem) => problem.fmt(f),
            Self::Connect { url, cause } => {
                write!(f, "cannot connect to {url}: {}", system_text(cause))?;
                f.write_str(advice(cause))
            }
            Self::Lost { url, asked, cause } => write!(
                f,
                "lost the connection to {url} during {asked}: {}; whether it was carried out is not known",
                system_text(cause)
            ),
            Self::Http { url, asked, cause } => {
                write!(
                    f,
                    "{url} answered {asked} with something that is not HTTP: {cause}"
                )
            }
            Self::Status {
                url,
                asked,
                code,
                reason,
            } => {
                write!(f, "{url} answered {asked} with HTTP status {code} {reason}")?;
                if *code == 400 && url.starts_with("http://") {
                    f.write_str("; if it speaks TLS there, write https:// in place of http://")?;
                }
                Ok(())
            }
            Self::Decode { method, cause } => write!(f, "the answer to {method} is {cause}"),
            Self::Unexpected { method, lacking } => {
                write!(
                    f,
                    "the answer to {method} lacks `{lacking}`; is this a supervisord?"
                )
            }
            Self::Fault(fault) => write!(
                f,
                "supervisord refused: {} (fault {})",
                fault.text, fault.code
            ),
            Self::Result { name, fault } => {
                write!(
                    f,
                    "{name}: supervisord refused: {} (fault {})",
                    fault.text, fault.code
                )
            }
            Self::Argument(text) => f.write_str(text),
            Self::Input(cause) => write!(f, "cannot read the input: {}", system_text(cause)),
            Self::EndOfInput => {
                f.write_str("the input ended where an answer was asked for; nothing was done")
            }
            Self::Output(cause) => write!(f, "cannot write the output: {}", system_text(cause)),
            Self::Interrupted => f.write_str("interrupted"),
        }
    }
}

/// The system's words for an error, without Rust's addition of the number.
pub(crate) fn system_text(cause: &io::Error) -> String {
    match cause.raw_os_error() {
        Some(number) => Errno(number).text().to_owned(),
        None => cause.to_string(),
    }
}

fn advice(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            "; is supervisord running, and is this its address?"
        }
        io::ErrorKind::PermissionDenied => {
            "; the socket's owner and mode (chown and chmod in [unix_http_server]) say who may connect"
        }
        _ => "",
    }
}
