//! What supervisorctl makes of bytes that a server, a program or a person gave, without them: so that tests can give it any.

use crate::commands::plugins::Plugins;
use crate::commands::tail;
use crate::namespec::Namespec;
use crate::records::{Changes, ConfigRow, DetailRow, LogRow, PoolRow, ResultRow, StatusRow, rows};
use crate::screen::Screen;
use crate::transport::{Address, Response};
use crate::{dispatch, pretty, render};
use provost_wire::xmlrpc::Value;

/// An answer of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code and its words; none if the head did not come.
    pub status: Option<(u16, String)>,
    /// The body as far as it came.
    pub body: Vec<u8>,
    /// Whether all came, before the connection ended.
    pub complete: bool,
    /// Whether the connection can serve another request.
    pub keeps_open: bool,
}

/// The answer that comes in these pieces before the connection ends, or why it is none.
pub fn answer(pieces: &[&[u8]]) -> Result<Answer, String> {
    let (mut response, mut body) = (Response::default(), Vec::new());
    let words = |problem: crate::transport::HttpProblem| problem.to_string();
    for piece in pieces {
        response.feed(piece, &mut body).map_err(words)?;
    }
    let complete = response.is_complete();
    response.end().map_err(words)?;
    let head = response.head();
    Ok(Answer {
        status: head.map(|head| (head.status, head.reason.clone())),
        body,
        complete,
        keeps_open: head.is_some_and(|head| head.keeps_open),
    })
}

/// What is written to a terminal of output that comes in these pieces.
pub fn on_screen(pieces: &[&[u8]]) -> Vec<u8> {
    let mut screen = Screen::default();
    let mut shown: Vec<u8> = pieces.iter().flat_map(|piece| screen.take(piece)).collect();
    shown.extend(screen.finish());
    shown
}

/// A text as names, as messages and as values are shown.
pub fn shown(text: &str) -> [String; 3] {
    [
        render::one_line(text).into_owned(),
        render::harmless(text).into_owned(),
        render::quoted(text),
    ]
}

/// What commands print of an answer, each of those that can make something of it, and it as `pretty` shows it.
pub fn tables(value: &Value) -> Vec<String> {
    let mut out = vec![pretty::pretty(value)];
    if let Ok(rows) = rows(value, StatusRow::read) {
        out.push(render::status_table(&rows.iter().collect::<Vec<_>>()));
    }
    let logs = rows(value, LogRow::read).unwrap_or_default();
    if let Ok(rows) = rows(value, DetailRow::read) {
        out.extend(rows.iter().flat_map(|row| render::details(row, &logs)));
    }
    if let Ok(rows) = rows(value, PoolRow::read) {
        out.extend(rows.iter().flat_map(render::pool));
    }
    if let Ok(rows) = rows(value, ConfigRow::read) {
        out.extend(rows.iter().map(render::config_line));
    }
    // Their words belong to commands.
    let _ = rows(value, ResultRow::read);
    let _ = Changes::read(value);
    out
}

/// The name of a command, and for each argument the group and the process that it names.
pub type Command<'a> = (&'static str, Vec<(&'a str, Option<&'a str>)>);

/// The command of a line; none where it is none.
pub fn command(line: &str) -> Option<Command<'_>> {
    let (name, arguments) = dispatch::command(&Plugins::default(), line)?;
    let names = arguments.split_whitespace().map(Namespec::split);
    let names = names.map(|name| (name.group, name.process)).collect();
    Some((name, names))
}

/// Whose log `tail` with these arguments shows, and from where; none for what it does not take, or follows.
pub fn tailed(arguments: &str) -> Option<(String, i64)> {
    tail::wish(arguments)
}

/// What a request to a server at this URL says as `Host`.
pub fn host(url: &str) -> Result<String, String> {
    let address = Address::parse(url).map_err(|problem| problem.to_string())?;
    Ok(address.host_header())
}
