//! One output channel of one run: what happens to a chunk between the pipe and the log.

use super::backlog::{Backlog, Charge};
use super::main_log::MainLog;
use super::order::Fact;
use super::sinks::SinkKey;
use super::teller::Teller;
use provost_capture::ansi::Stripper;
use provost_capture::lines::{self, Lines};
use provost_capture::rotate::Rotation;
use provost_capture::tokens::{Capture, CaptureBuffer, Piece};
use provost_model::quote;
use provost_model::spec::{LogFile, LogfileFull, OutputSpec};
use provost_model::{Channel, Level, ProcessSpec, Run};
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// What stands at the end of a piece of a line that was too long for the system's log.
const GOES_ON: &str = " [line goes on]";

/// A log that is rotated with no more bytes than this could get a large part of its limit at once.
const EARLY_BYTES: u64 = 16 << 20;

/// Everything a chunk may touch.
pub(super) struct Desk {
    pub(super) main: MainLog,
    pub(super) facts: Teller,
    pub(super) backlog: Backlog,
    pub(super) strip_ansi: bool,
}

impl Desk {
    pub(super) fn tell(&self, fact: Fact) {
        self.facts.tell(fact);
    }

    fn charge(&self, data: &[u8]) -> Charge {
        self.backlog.charge(data.len())
    }
}

/// The state of a channel with capture.
struct Capturing {
    tokens: Capture,
    buffer: CaptureBuffer,
    /// Captured text has its own state of escape sequences.
    stripper: Stripper,
}

/// What a channel holds back of its output.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutputState {
    stripper: Stripper,
    capturing: Option<CapturingState>,
    syslog: Option<Lines>,
    copied: bool,
}

/// The part of it that capture holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CapturingState {
    tokens: Capture,
    buffer: CaptureBuffer,
    stripper: Stripper,
}

/// One channel of one run.
pub(super) struct Output {
    run: Run,
    channel: Channel,
    spec: Arc<ProcessSpec>,
    sink: Option<SinkKey>,
    rotation: Rotation,
    stripper: Stripper,
    capturing: Option<Capturing>,
    syslog: Option<Lines>,
    /// Whether each chunk is told as a fact.
    pub(super) events: bool,
    /// Whether each chunk is copied to the main log.
    copied: bool,
    /// Whether it is a listener's stdout, which holds protocol and no text.
    protocol: bool,
}

impl Output {
    /// A channel that writes to `path`. The main log's level at this time decides about copies, as it does upstream.
    pub(super) fn open(
        run: Run,
        channel: Channel,
        spec: Arc<ProcessSpec>,
        path: Option<&Path>,
        listener: bool,
        main: &mut MainLog,
    ) -> io::Result<Self> {
        let protocol = listener && channel == Channel::Stdout;
        let output: &OutputSpec = match channel {
            Channel::Stdout => &spec.stdout,
            Channel::Stderr => &spec.stderr,
        };
        let sink = match (path, &output.logfile) {
            (None, _) => None,
            // The configuration holds the path already.
            (Some(path), LogFile::Path(held)) if *path == **held => {
                Some(main.sinks.open_shared(held)?)
            }
            (Some(path), _) => Some(main.sinks.open(path)?),
        };
        let capture_max = usize::try_from(output.capture_maxbytes).unwrap_or(0);
        let capturing = (capture_max > 0 && !protocol).then(|| Capturing {
            tokens: Capture::default(),
            buffer: CaptureBuffer::new(capture_max),
            stripper: Stripper::default(),
        });
        Ok(Self {
            run,
            channel,
            sink,
            rotation: Rotation::new(output.maxbytes, output.backups),
            stripper: Stripper::default(),
            capturing,
            syslog: (output.syslog && !protocol).then(Lines::default),
            events: output.events_enabled && !protocol,
            copied: main.enabled(Level::Debug),
            protocol,
            spec,
        })
    }

    /// Goes on where an earlier image of ours left off. What the configuration wants is what counts; the states are only
    /// taken where it still wants them.
    pub(super) fn resume(&mut self, state: OutputState) {
        self.stripper = state.stripper;
        self.copied = state.copied;
        if let (Some(capturing), Some(state)) = (&mut self.capturing, state.capturing) {
            capturing.tokens = state.tokens;
            capturing.buffer = state.buffer;
            capturing.stripper = state.stripper;
        }
        if self.syslog.is_some() {
            self.syslog = state.syslog.or_else(|| self.syslog.take());
        }
    }

    /// Gives everything up but what is held back, which goes to another image.
    pub(super) fn into_state(self) -> OutputState {
        OutputState {
            stripper: self.stripper,
            capturing: self.capturing.map(|capturing| CapturingState {
                tokens: capturing.tokens,
                buffer: capturing.buffer,
                stripper: capturing.stripper,
            }),
            syslog: self.syslog,
            copied: self.copied,
        }
    }

    /// Its configuration.
    pub(super) fn spec(&self) -> &Arc<ProcessSpec> {
        &self.spec
    }

    /// Whether it holds protocol and no text.
    pub(super) fn is_protocol(&self) -> bool {
        self.protocol
    }

    /// Whether its log may get more at a time than a pipe holds by itself: a plain file that is not rotated so early that it
    /// would matter, and nobody else who gets the same piece.
    pub(super) fn is_for_bulk(&self, main: &MainLog) -> bool {
        let is_plain = self.sink.is_some_and(|sink| main.sinks.is_regular(sink));
        let is_rotated_late = !self.rotation.is_due(EARLY_BYTES);
        let is_alone = !self.events && !self.copied && self.capturing.is_none();
        is_plain && is_rotated_late && is_alone && self.syslog.is_none() && !self.protocol
    }

    pub(super) fn sink(&self) -> Option<SinkKey> {
        self.sink
    }

    /// What happens when its log is full.
    pub(super) fn full(&self) -> LogfileFull {
        self.spec.logfile_full
    }

    /// For messages.
    pub(super) fn name(&self) -> String {
        format!("{} of {}", self.channel, self.spec.namespec())
    }

    /// Takes a chunk as it was read.
    pub(super) fn take(&mut self, chunk: &[u8], desk: &mut Desk) {
        if self.protocol {
            self.copy(chunk, desk);
        }
        let Some(mut capturing) = self.capturing.take() else {
            return self.log(chunk, desk);
        };
        capturing.tokens.feed(chunk, |piece| {
            self.piece(piece, &mut capturing.buffer, &mut capturing.stripper, desk);
        });
        self.capturing = Some(capturing);
    }

    /// The channel has ended: nothing is held back any more. The log is given up.
    pub(super) fn finish(mut self, desk: &mut Desk) {
        if let Some(mut capturing) = self.capturing.take() {
            let (buffer, stripper) = (&mut capturing.buffer, &mut capturing.stripper);
            capturing
                .tokens
                .finish(|piece| self.piece(piece, buffer, stripper, desk));
        }
        let rest = self.stripper.finish();
        if !rest.is_empty() {
            self.write(rest, desk);
        }
        if let Some(mut lines) = self.syslog.take() {
            lines.finish(|line, piece| self.to_syslog(line, piece, desk));
        }
        if let Some(sink) = self.sink {
            desk.main.sinks.release(sink);
        }
    }

    fn piece(
        &mut self,
        piece: Piece<'_>,
        buffer: &mut CaptureBuffer,
        stripper: &mut Stripper,
        desk: &mut Desk,
    ) {
        match piece {
            Piece::Log(text) => self.log(text, desk),
            Piece::Begin => *stripper = Stripper::default(),
            Piece::Captured(text) => {
                let stripped = if desk.strip_ansi {
                    stripper.strip(text)
                } else {
                    text.into()
                };
                buffer.push(&stripped);
                self.copy(&stripped, desk);
                self.event(&stripped, desk);
            }
            Piece::End => {
                let data = buffer.take();
                let charge = desk.charge(&data);
                desk.tell(Fact::Captured {
                    run: self.run,
                    channel: self.channel,
                    data,
                    charge,
                });
            }
        }
    }

    fn log(&mut self, text: &[u8], desk: &mut Desk) {
        if desk.strip_ansi {
            let stripped = self.stripper.strip(text);
            self.write(&stripped, desk);
        } else {
            self.write(text, desk);
        }
    }

    /// The file first, then syslog, the main log and the event, as upstream.
    fn write(&mut self, text: &[u8], desk: &mut Desk) {
        if text.is_empty() {
            return;
        }
        if let Some(sink) = self.sink {
            desk.main.sinks.append(sink, text, self.rotation);
        }
        if let Some(mut lines) = self.syslog.take() {
            lines.feed(text, |line, piece| self.to_syslog(line, piece, desk));
            self.syslog = Some(lines);
        }
        if !self.protocol {
            self.copy(text, desk);
        }
        self.event(text, desk);
    }

    fn to_syslog(&self, line: &[u8], piece: lines::Piece, desk: &mut Desk) {
        let mark = match piece {
            lines::Piece::End => "",
            lines::Piece::GoesOn => GOES_ON,
        };
        let line = format!("{} {}{mark}", self.spec.name, text_of(line));
        // A line that the system's log does not take is lost; it is in the file, if there is one.
        let _ = desk.main.syslog.send(&line);
    }

    fn copy(&self, text: &[u8], desk: &mut Desk) {
        if !self.copied || text.is_empty() {
            return;
        }
        let text = if self.protocol {
            quote::bytes_repr(text)
        } else {
            text_of(text)
        };
        let line = format!(
            "{} {} output:\n{text}",
            quote::repr(&self.spec.name),
            self.channel
        );
        desk.main.write_at(Level::Debug, SystemTime::now(), &line);
    }

    fn event(&self, text: &[u8], desk: &Desk) {
        if self.events && !text.is_empty() {
            let charge = desk.charge(text);
            desk.tell(Fact::Logged {
                run: self.run,
                channel: self.channel,
                data: text.to_vec(),
                charge,
            });
        }
    }
}

/// Bytes where text is needed, in upstream's form for those that are none.
fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("Undecodable: {}", quote::bytes_repr(bytes)),
    }
}
