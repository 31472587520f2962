//! What `[fcgi-program:x]` has beyond a program: its socket.

use super::program::Origin;
use super::reader::{Reader, Scope};
use super::report::Told;
use crate::datatypes as kinds;
use crate::diagnostic::Code;
use crate::environment::Pairs;
use crate::options::{fcgi, program as keys};
use crate::paths;
use crate::python::is_space;
use crate::sections::Value;
use provost_model::spec::{FcgiAddress, FcgiSpec, GroupKind, GroupSpec, ProcessSpec};
use std::sync::Arc;

/// The most connections that may wait.
const MAX_BACKLOG: i64 = 65535;

/// The permission bits of a UNIX socket when none are given.
const DEFAULT_MODE: u32 = 0o700;

/// What the keys say about a UNIX socket.
struct Ownership {
    owner: Option<(u32, Option<u32>)>,
    mode: Option<u32>,
    /// The user that the processes run as, where it is another than supervisord's.
    user: Option<crate::host::User>,
}

/// These processes, as users of a socket.
pub(crate) fn sharing(
    processes: Vec<Arc<ProcessSpec>>,
    socket: &Arc<FcgiSpec>,
) -> Vec<Arc<ProcessSpec>> {
    let share = |mut process: Arc<ProcessSpec>| {
        Arc::make_mut(&mut process).socket = Some(Arc::clone(socket));
        process
    };
    processes.into_iter().map(share).collect()
}

impl Reader<'_> {
    pub(crate) fn fcgi_group(
        &mut self,
        section: &str,
        name: &str,
        base: &Pairs,
    ) -> Result<GroupSpec, Told> {
        let scope = self.scope(section);
        let group = self.name(&scope, name);
        let priority = self.value(&scope, &keys::PRIORITY, kinds::integer);
        let group = group?;
        let socket = self.socket(&scope, &group);
        let processes = self.processes(
            Origin {
                section,
                name,
                group: &group,
            },
            base,
        );
        let (priority, socket) = (priority?, socket?);
        Ok(GroupSpec {
            priority,
            processes: sharing(processes?, &socket),
            kind: GroupKind::Fcgi(socket),
            name: group,
        })
    }

    /// The socket that the processes of this section share.
    pub(crate) fn socket(&mut self, scope: &Scope, program: &str) -> Result<Arc<FcgiSpec>, Told> {
        let host = self.host;
        let user = self.optional(scope, &keys::USER, |text| kinds::user(text, host));
        let backlog = self.backlog(scope);
        let owner = self.renamed(
            scope,
            &fcgi::SOCKET_OWNER,
            "Invalid socket_owner value",
            |text| kinds::owner(text, host),
        );
        let mode = self.renamed(
            scope,
            &fcgi::SOCKET_MODE,
            "Invalid socket_mode value",
            kinds::octal,
        );
        let named = scope.clone().name("program_name", program);
        let socket = self
            .text(&named, &fcgi::SOCKET)?
            .filter(|socket| !socket.text.is_empty());
        let Some(socket) = socket else {
            let sentence = format!("[{}] section requires a \"socket\" line", scope.section);
            return Err(self.missing(scope, &fcgi::SOCKET, &sentence));
        };
        let ownership = Ownership {
            owner: owner?,
            mode: mode?,
            user: user?.filter(|user| user.uid != host.uid()),
        };
        let address = self.address(&socket.text, &ownership);
        let address = address.map_err(|why| {
            let sentence = format!("{why} in [{}] socket", scope.section);
            let help = Some("write `unix:///path/to/file.sock` or `tcp://host:port`".to_owned());
            self.wrong(scope, Code::BadValue, &sentence, socket.place(), help)
        })?;
        let url = match &address {
            FcgiAddress::Unix { path, .. } => format!("unix://{}", path.display()),
            FcgiAddress::Tcp { host, port } => format!("tcp://{host}:{port}"),
        };
        Ok(Arc::new(FcgiSpec {
            program: program.to_owned(),
            url,
            address,
            backlog: backlog?,
        }))
    }

    fn backlog(&mut self, scope: &Scope) -> Result<Option<i32>, Told> {
        let Some(backlog) = self.optional(scope, &fcgi::SOCKET_BACKLOG, kinds::integer)? else {
            return Ok(None);
        };
        match i32::try_from(backlog) {
            Ok(size) if (1..=MAX_BACKLOG).contains(&backlog) => Ok(Some(size)),
            _ => {
                let place = self
                    .sections
                    .get(&scope.section, fcgi::SOCKET_BACKLOG.name)
                    .map(Value::place);
                let sentence = format!("Invalid socket_backlog value {backlog}");
                let help = Some(format!("write a number from 1 to {MAX_BACKLOG}"));
                Err(self.wrong(scope, Code::BadValue, &sentence, place, help))
            }
        }
    }

    /// The sentences of upstream here show a Python tuple; these put the value where it belongs.
    fn address(&self, socket: &str, ownership: &Ownership) -> Result<FcgiAddress, String> {
        if let Some(path) = socket.strip_prefix("unix://") {
            if !path.starts_with('/') {
                return Err(format!("Unix socket path {path} is not an absolute path"));
            }
            let by_user = ownership.user.map(|user| (user.uid, Some(user.gid)));
            return Ok(FcgiAddress::Unix {
                path: paths::normalize(path, self.host),
                owner: ownership.owner.or(by_user),
                mode: ownership.mode.unwrap_or(DEFAULT_MODE),
            });
        }
        if ownership.owner.is_some() || ownership.mode.is_some() {
            return Err(
                "socket_owner and socket_mode params should only be used with a Unix domain socket"
                    .to_owned(),
            );
        }
        let bad = || format!("Bad socket format {socket}");
        let (host, port) = socket
            .strip_prefix("tcp://")
            .and_then(|rest| rest.split_once(':'))
            .ok_or_else(bad)?;
        let fine = !host.is_empty() && !host.contains(is_space) && !port.is_empty();
        if !fine || !port.chars().all(|c| c.is_ascii_digit()) {
            return Err(bad());
        }
        let port = kinds::port(port).map_err(|error| error.upstream)?;
        Ok(FcgiAddress::Tcp {
            host: host.to_lowercase(),
            port,
        })
    }
}
