//! Whatever comes from outside: no bytes may make a parser fall over, and how they were cut may change nothing.

use provost_capture::ansi::Stripper;
use provost_capture::lines::Lines;
use provost_capture::tokens::{BEGIN, Capture, CaptureBuffer, END, Piece};
use provost_config::document::Document;
use provost_config::{Overrides, cli, words};
use provost_core::{Core, Effect, Input, LoadedConfig};
use provost_model::config::Interface;
use provost_model::{GroupKind, Now, Pid};
use provost_testkit::fuzz::{CONF, OneFile, check};
use provost_testkit::garble::{cut, garble};
use provost_testkit::sim::rng::Rng;
use provost_wire::methods::Methods;
use provost_wire::xmlrpc;
use std::ffi::OsString;
use std::path::Path;

/// Texts tried by each test.
const TEXTS: u64 = 4_000;

/// What was being parsed, shown when the test panics.
struct Shown<'a>(&'a [u8]);

impl Drop for Shown<'_> {
    #[expect(clippy::print_stderr, reason = "the text that made the parser panic")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("while parsing {:?}", String::from_utf8_lossy(self.0));
        }
    }
}

const CALLS: &[&[u8]] = &[
    b"<?xml version='1.0'?>\n<methodCall>\n<methodName>supervisor.startProcess</methodName>\n<params>\n<param>\n\
      <value><string>web:a &amp; b</string></value>\n</param>\n<param><value><boolean>1</boolean></value></param>\n\
      </params>\n</methodCall>\n",
    b"<methodCall><methodName>system.multicall</methodName><params><param><value><array><data><value><struct><member>\
      <name>methodName</name><value>supervisor.getState</value></member><member><name>params</name><value><array>\
      <data/></array></value></member></struct></value></data></array></value></param></params></methodCall>",
    b"<methodCall><methodName>supervisor.tailProcessStdoutLog</methodName><params><param><value>a</value></param>\
      <param><value><int>-3</int></value></param><param><value><i4>2147483647</i4></value></param></params></methodCall>",
    b"<methodResponse><params><param><value><base64>aGVsbG8=</base64></value></param></params></methodResponse>",
    b"<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>10</int></value></member>\
      <member><name>faultString</name><value><string>BAD_NAME: x</string></value></member></struct></value></fault>\
      </methodResponse>",
];

const XML_WORDS: &[&[u8]] = &[
    b"<value>",
    b"</value>",
    b"<array><data>",
    b"</data></array>",
    b"<struct>",
    b"<member>",
    b"<name>",
    b"&lt;",
    b"&#0;",
    b"&#x10FFFF;",
    b"&bomb;",
    b"<!DOCTYPE x [<!ENTITY a \"b\">]>",
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"-->",
    b"<?xml",
    b"<int>99999999999999999999</int>",
    b"<double>1e999</double>",
    b"<dateTime.iso8601>",
    b"<nil/>",
    b"\xff",
    b"\0",
    b"=",
    b"xmlns:a='b'",
];

#[test]
fn damaged_calls_are_refused_or_understood() {
    let mut rng = Rng::new(21);
    let main = |name: &str| (name.to_owned(), Interface::Main);
    let store = ("cache".to_owned(), Interface::Cache);
    let methods = Methods::new(vec![main("supervisor"), main("other"), store]);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..TEXTS {
        let text = garble(&mut rng, CALLS, XML_WORDS);
        let _shown = Shown(&text);
        let _ = xmlrpc::read_response(&text);
        match xmlrpc::read_call(&text) {
            Ok(call) => {
                good += 1;
                let _ = methods.decode(&call);
                // What is written is always readable, and stays the same from then on: what XML cannot hold is
                // replaced once.
                let again = |call: &xmlrpc::Call| {
                    let written = xmlrpc::write_call(&call.method, &call.params);
                    xmlrpc::read_call(&written).expect("what was written can be read")
                };
                let once = again(&call);
                assert_eq!(again(&once), once);
                assert_eq!(once.params.len(), call.params.len());
            }
            Err(error) => {
                bad += 1;
                // What is not UTF-8 is replaced before it is read, and grows by that.
                assert!(error.at <= String::from_utf8_lossy(&text).len());
            }
        }
    }
    assert!(good > 100 && bad > 100, "{good} good, {bad} bad");
}

const FILES: &[&[u8]] = &[
    b"[supervisord]\nlogfile=/tmp/s.log ; the log\nenvironment=A=\"b,c\",D='%(ENV_A)s'\nuser=chris\numask=022\n\
      [program:web]\ncommand=/bin/cat %(process_num)02d\nprocess_name=%(program_name)s_%(process_num)s\nnumprocs=3\n\
      stopsignal=INT\nexitcodes=0,2\nautorestart=unexpected\nstdout_logfile=AUTO\nstdout_logfile_maxbytes=5MB\n",
    b"[unix_http_server]\nfile=/tmp/s.sock\nchmod=0700\nchown=chris:chris\nusername=a\npassword={SHA}00\n\
      [inet_http_server]\nport=*:9001\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = a:b\n\
      [eventlistener:l]\ncommand=/bin/l\nevents=PROCESS_STATE,TICK_5\nbuffer_size=10\n[supervisord]\n",
    b"[supervisord]\n[group:g]\nprograms=a,b\npriority=1\n[program:a]\ncommand=a\n\tgoes on\n[program:b]\ncommand=b\n\
      [fcgi-program:f]\nsocket=unix:///tmp/%(program_name)s.sock\nsocket_owner=chris\ncommand=/bin/f\n\
      [include]\nfiles = *.conf ../x/*.ini\n[supervisorctl]\nserverurl=unix:///tmp/s.sock\nhistory_file=~/.h\n",
];

const INI_WORDS: &[&[u8]] = &[
    b"[",
    b"]\n",
    b"=",
    b":",
    b" ;",
    b"#",
    b"\n ",
    b"\r\n",
    b"%",
    b"%%",
    b"%(",
    b")s",
    b"%(process_num)99999999d",
    b"%(here)s",
    b"%(ENV_",
    b"[program:",
    b"[group:x]\nprograms=",
    b"numprocs=99999999999\n",
    b"numprocs=2\n",
    b"1e9GB",
    b"\"",
    b"'",
    b"true",
    b"-1",
    b"9223372036854775808",
    b"\xff\xfe",
    b"\0",
    b"\xc3\xa9",
    b"environment=A=\"",
    b"AUTO",
    b"syslog",
    b"~nobody/",
    b"*",
    b"[include]\nfiles=*\n",
];

#[test]
fn damaged_configurations_are_refused_with_words_or_understood_whole() {
    let mut rng = Rng::new(22);
    let sample = provost_config::sample();
    let mut files = FILES.to_vec();
    files.push(sample.as_bytes());
    let (mut good, mut bad) = (0, 0);
    for _ in 0..TEXTS {
        let text = garble(&mut rng, &files, INI_WORDS);
        let _shown = Shown(&text);
        let _ = Document::parse(&String::from_utf8_lossy(&text));
        let host = OneFile(&text);
        let _ = provost_config::load_supervisorctl(Path::new(CONF), &host);
        let result = provost_config::load(Path::new(CONF), &Overrides::default(), &host);
        check(&result);
        good += usize::from(result.is_ok());
        bad += usize::from(result.is_err());
    }
    assert!(good > 100 && bad > 100, "{good} good, {bad} bad");
}

#[test]
fn damaged_command_lines_are_refused_or_understood() {
    let mut rng = Rng::new(23);
    let lines: &[&[u8]] = &[
        b"supervisord -n -c /etc/supervisord.conf -u chris -m 022 -l /tmp/x --logfile_maxbytes=5MB",
        b"supervisorctl -s http://localhost:9001 -u a -p b start web:* 'a b' \"c\\\" d\"",
        b"supervisord --nodaemon --configuration=/etc/supervisord.conf -e debug -a 10 -t -k -v",
    ];
    let fragments: &[&[u8]] = &[
        b" -",
        b" --",
        b"=",
        b"'",
        b"\"",
        b"\\",
        b" -c",
        b" -h",
        b"\xff",
        b" --conf",
        b"99999999999GB",
    ];
    for _ in 0..TEXTS {
        let text = garble(&mut rng, lines, fragments);
        let _shown = Shown(&text);
        let line = String::from_utf8_lossy(&text);
        let split = words::split(&line);
        let mut argv: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let _ = cli::parse_supervisord(&argv, &OneFile(b"[supervisord]\n"));
        argv.extend(split.into_iter().flatten().map(OsString::from));
        let _ = cli::parse_supervisorctl(&argv);
    }
}

const OUTPUT: &[&[u8]] = &[
    b"plain\n\x1b[31mred\x1b[0m and \x1b[2Kgone\nno newline at the end",
    b"a<!--XSUPERVISOR:BEGIN-->captured\n<!--XSUPERVISOR:END-->b\n<!--XSUPERVISOR:BEGIN-->never closed",
    b"<<!--XSUPERVISOR:BEGIN--><!--XSUPERVISOR:BEGIN--><!--XSUPERVISOR:END--\x1b[>\n\n\n",
];

const OUTPUT_WORDS: &[&[u8]] = &[
    BEGIN,
    END,
    b"<!--XSUPERVISOR:",
    b"<",
    b"\x1b",
    b"\x1b[",
    b"\x1b[1;31m",
    b"\n",
    b"\r",
    b"\0",
];

/// A small limit for captured text, so that it is reached.
const CAPTURED_MAX: usize = 16;

/// What came of a child's output: text without colours, lines, and pieces with whether they were captured.
type Digest = (Vec<u8>, Vec<Vec<u8>>, Vec<(bool, Vec<u8>)>);

/// What the machines for a child's output make of these chunks.
fn digest(chunks: &[&[u8]]) -> Digest {
    let (mut stripper, mut lines, mut capture) =
        (Stripper::default(), Lines::default(), Capture::default());
    let (mut text, mut told) = (Vec::new(), Vec::new());
    let mut pieces: Vec<(bool, Vec<u8>)> = Vec::new();
    let mut take = |piece: Piece<'_>| {
        let (captured, data) = match piece {
            Piece::Log(data) => (false, data),
            Piece::Captured(data) => (true, data),
            Piece::Begin => (true, &b""[..]),
            Piece::End => (false, &b""[..]),
        };
        match pieces.last_mut() {
            Some((last, joined)) if *last == captured && !data.is_empty() => {
                joined.extend_from_slice(data);
            }
            _ => pieces.push((captured, data.to_vec())),
        }
    };
    for chunk in chunks {
        text.extend_from_slice(&stripper.strip(chunk));
        lines.feed(chunk, |line, _| told.push(line.to_vec()));
        capture.feed(chunk, &mut take);
    }
    text.extend_from_slice(stripper.finish());
    lines.finish(|line, _| told.push(line.to_vec()));
    capture.finish(&mut take);
    (text, told, pieces)
}

#[test]
fn output_means_the_same_wherever_it_was_cut_and_loses_nothing() {
    let mut rng = Rng::new(24);
    for _ in 0..TEXTS {
        let text = garble(&mut rng, OUTPUT, OUTPUT_WORDS);
        let _shown = Shown(&text);
        let whole = digest(&[&text]);
        let chunks = cut(&mut rng, &text);
        assert_eq!(digest(&chunks), whole);

        let (_, lines, pieces) = whole;
        let bytes_in_lines: usize = lines.iter().map(Vec::len).sum();
        let newlines = text.split(|byte| *byte == b'\n').count() - 1;
        assert_eq!(bytes_in_lines + newlines, text.len());
        let tokens = text.len() - pieces.iter().map(|(_, data)| data.len()).sum::<usize>();
        // Only whole tokens are missing from what was passed on.
        assert!((0..10).any(|begins| {
            (0..10).any(|ends| begins * BEGIN.len() + ends * END.len() == tokens)
        }));
        let longest = chunks.iter().map(|chunk| chunk.len()).max().unwrap_or(0);
        let mut buffer = CaptureBuffer::new(CAPTURED_MAX);
        for chunk in chunks {
            buffer.push(chunk);
        }
        assert!(buffer.take().len() <= longest.max(CAPTURED_MAX));
    }
}

/// A core with one listener that is RUNNING, and its run.
fn core_with_listener(config: &LoadedConfig) -> (Core, provost_model::Run) {
    let mut core = Core::new(config.clone());
    let mut out = Vec::new();
    core.handle(Now::default(), Input::Started, &mut out);
    let run = out.iter().find_map(|effect| match effect {
        Effect::Spawn { run, .. } => Some(*run),
        _ => None,
    });
    let run = run.expect("the listener starts with the daemon");
    core.handle(
        Now::default(),
        Input::Spawned { run, pid: Pid(7) },
        &mut out,
    );
    (core, run)
}

#[test]
fn a_listener_says_the_same_however_its_words_arrive() {
    let mut rng = Rng::new(25);
    let file: &[u8] = b"[supervisord]\n[eventlistener:l]\ncommand=/bin/l\nevents=PROCESS_STATE,SUPERVISOR_STATE_CHANGE\n\
                        startsecs=0\nbuffer_size=50\n";
    let config = provost_config::load(Path::new(CONF), &Overrides::default(), &OneFile(file));
    let groups = config.expect("a good file").groups;
    assert!(matches!(groups[0].kind, GroupKind::Pool(_)));
    let config = LoadedConfig {
        identifier: "supervisor".into(),
        groups,
    };
    let exchanges: &[&[u8]] = &[
        b"READY\n",
        b"READY\nRESULT 2\nOKREADY\nRESULT 4\nFAILREADY\n",
        b"READY\nRESULT 0\nREADY\n",
    ];
    let fragments: &[&[u8]] = &[
        b"READY\n",
        b"RESULT ",
        b"RESULT 2\nOK",
        b"\n",
        b"-1",
        b"99999999999999999999\n",
        b"+1_0\n",
        b"\0",
    ];
    for _ in 0..TEXTS {
        let text = garble(&mut rng, exchanges, fragments);
        let _shown = Shown(&text);
        let heard = |chunks: &[&[u8]]| {
            let (mut core, run) = core_with_listener(&config);
            let mut out = Vec::new();
            for chunk in chunks {
                let data = chunk.to_vec();
                core.handle(Now::default(), Input::ListenerSaid { run, data }, &mut out);
            }
            out
        };
        // An event is sent between two reads: what comes in one read after the word READY is out of turn.
        let parts: Vec<&[u8]> = split_after(&text, b"READY\n");
        let cut_up: Vec<&[u8]> = parts.iter().flat_map(|part| cut(&mut rng, part)).collect();
        assert_eq!(heard(&cut_up), heard(&parts));
    }
}

/// The text in parts that end with `word`, and what is left.
fn split_after<'a>(text: &'a [u8], word: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(place) = rest.windows(word.len()).position(|window| window == word) {
        let (part, after) = rest.split_at(place + word.len());
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}
