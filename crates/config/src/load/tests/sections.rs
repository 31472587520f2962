//! Programs, groups, listeners, `FastCGI` programs and servers.

use super::{accepted, refused, told};
use provost_model::config::ServerAddress;
use provost_model::spec::{FcgiAddress, LogFile, ResultHandler};
use provost_model::{EventKind, GroupKind};

#[test]
fn a_program_can_be_many_processes() {
    let config = accepted(
        "[supervisord]\nenvironment=A=\"base\",B=\"base\"\n[program:w]\nprocess_name=%(program_name)s_%(process_num)02d\n\
         numprocs=2\nnumprocs_start=9\ncommand=run %(process_num)d %(numprocs)d %(ENV_N)s\n\
         environment=B=\"own\",N=\"n%(process_num)d\"\nstdout_logfile=/tmp/%(ENV_N)s_%%%%\n",
    );
    let processes = &config.groups[0].processes;
    assert_eq!(
        processes
            .iter()
            .map(|process| process.name.as_str())
            .collect::<Vec<_>>(),
        ["w_09", "w_10"]
    );
    assert_eq!(processes[1].command, "run 10 2 n10");
    assert_eq!(
        processes[1].stdout.logfile,
        LogFile::Path(std::path::Path::new("/tmp/n10_%").into())
    );
    let environment: Vec<_> = processes[0]
        .environment
        .iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    assert_eq!(environment, ["A=base", "B=own", "N=n9"]);
}

#[test]
fn groups_take_their_programs_and_stand_in_order() {
    let config = accepted(
        "[supervisord]\n[program:a]\ncommand=a\npriority=5\n[program:b]\ncommand=b\n[program:c]\ncommand=c\n\
         [group:g]\nprograms=b,a\npriority=1\n[eventlistener:l]\ncommand=l\nevents=tick,PROCESS_STATE_EXITED,TICK\n\
         [group:c]\n",
    );
    let names: Vec<_> = config
        .groups
        .iter()
        .map(|group| (group.name.as_str(), group.priority))
        .collect();
    assert_eq!(names, [("l", -1), ("g", 1), ("c", 999)]);
    let members: Vec<_> = config.groups[1]
        .processes
        .iter()
        .map(|process| process.namespec())
        .collect();
    assert_eq!(members, ["g:b", "g:a"]);
    assert_eq!(config.groups[0].processes[0].priority, 999);
    let GroupKind::Pool(pool) = &config.groups[0].kind else {
        panic!("no pool")
    };
    assert_eq!(
        pool.events,
        [EventKind::ProcessStateExited, EventKind::Tick]
    );
    assert_eq!(config.diagnostics[0].code.text(), "C105");
}

#[test]
fn unknown_members_get_a_hint() {
    let failure = refused("[supervisord]\n[program:web]\ncommand=a\n[group:g]\nprograms=web,wbe\n");
    assert_eq!(
        failure.upstream_message,
        "[group:g] names unknown program or fcgi-program wbe"
    );
    assert_eq!(told(&failure), ["C014 5:10 did you mean `web`?"]);
}

#[test]
fn the_processes_of_a_fastcgi_program_share_its_socket_also_in_a_group() {
    let text = |socket: &str| {
        format!(
            "[supervisord]\n[program:p]\ncommand=p\n[fcgi-program:f]\ncommand=f\nnumprocs=2\n\
             process_name=f%(process_num)d\n{socket}\n[group:g]\nprograms=p,f\n"
        )
    };
    let config = accepted(&text("socket=tcp://h:7"));
    let sockets: Vec<_> = config.groups[0]
        .processes
        .iter()
        .map(|process| process.socket.as_ref().map(|socket| socket.url.as_str()))
        .collect();
    assert_eq!(sockets, [None, Some("tcp://h:7"), Some("tcp://h:7")]);
    assert_eq!(config.groups[0].sockets().len(), 1);
    let wrong = refused(&text("socket=tcp://h"));
    assert_eq!(
        wrong.upstream_message,
        "Bad socket format tcp://h in [fcgi-program:f] socket"
    );
}

#[test]
fn sockets_of_fastcgi_programs_are_read() {
    let text = |socket: &str| format!("[supervisord]\n[fcgi-program:f]\ncommand=f\n{socket}\n");
    let config = accepted(&text(
        "socket=unix:///tmp/%(program_name)s.sock\nuser=www\nsocket_backlog=64",
    ));
    let GroupKind::Fcgi(socket) = &config.groups[0].kind else {
        panic!("no socket")
    };
    assert_eq!(
        (socket.url.as_str(), socket.backlog),
        ("unix:///tmp/f.sock", Some(64))
    );
    let address = FcgiAddress::Unix {
        path: "/tmp/f.sock".into(),
        owner: Some((33, Some(34))),
        mode: 0o700,
    };
    assert_eq!(socket.address, address);
    for (socket, sentence) in [
        (
            "socket=unix://x",
            "Unix socket path x is not an absolute path in [fcgi-program:f] socket",
        ),
        (
            "socket=tcp://h",
            "Bad socket format tcp://h in [fcgi-program:f] socket",
        ),
        (
            "socket=tcp://h:70000",
            "70000 is above upper bound (65535) in [fcgi-program:f] socket",
        ),
        (
            "socket=tcp://h:7\nsocket_mode=0700",
            "socket_owner and socket_mode params should only be used with a Unix domain socket in [fcgi-program:f] socket",
        ),
        (
            "user=www",
            "[fcgi-program:f] section requires a \"socket\" line",
        ),
        (
            "socket=tcp://h:7\nsocket_backlog=0",
            "Invalid socket_backlog value 0",
        ),
    ] {
        assert_eq!(refused(&text(socket)).upstream_message, sentence);
    }
}

#[test]
fn a_server_is_told_its_names_and_whom_to_trust() {
    let text = |keys: &str| format!("[supervisord]\n[inet_http_server]\nport=9001\n{keys}");
    let server = &accepted(&text("")).servers[0];
    assert!(server.web_csrf && server.allowed_hosts.is_empty());
    let server = &accepted(&text(
        "web_csrf=off\nallowed_hosts=sup.example.org, app:9001,\n",
    ))
    .servers[0];
    assert!(!server.web_csrf);
    let hosts: Vec<String> = server
        .allowed_hosts
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(hosts, ["sup.example.org", "app:9001"]);
    for wrong in [
        "web_csrf=maybe\n",
        "allowed_hosts=http://sup.example.org\n",
        "allowed_hosts=a b\n",
    ] {
        refused(&text(wrong));
    }
}

#[test]
fn servers_stand_inet_first() {
    let config = accepted(
        "[supervisord]\n[unix_http_server]\nfile=%(here)s/s.sock\nchmod=0770\nchown=www:web\n\
         [inet_http_server:six]\nport=[::1]:9001\nusername=u\npassword={SHA}x\n",
    );
    assert_eq!(
        config.servers[0].address,
        ServerAddress::Inet {
            host: "::1".into(),
            port: 9001
        }
    );
    assert_eq!(
        config.servers[0].credentials,
        Some(("u".into(), "{SHA}x".into()))
    );
    let unix = ServerAddress::Unix {
        path: "/site/s.sock".into(),
        mode: 0o770,
        owner: Some((33, Some(34))),
    };
    assert_eq!(config.servers[1].address, unix);
    let failure = refused("[supervisord]\n[inet_http_server]\nport=1\nusername=u\n");
    assert_eq!(
        failure.upstream_message,
        "Section [inet_http_server] contains incomplete authentication: If a username or a password is specified, both \
         the username and password must be specified"
    );
}

#[test]
fn the_result_handler_that_many_images_name_is_built_in() {
    let config = accepted(
        "[supervisord]\n[eventlistener:x]\ncommand=x\nevents=PROCESS_LOG\n\
         result_handler=supervisor_stdout:event_handler\n",
    );
    let GroupKind::Pool(pool) = &config.groups[0].kind else {
        panic!("{:?} is a pool", config.groups[0]);
    };
    assert_eq!(pool.result_handler, ResultHandler::Print);
}

#[test]
fn a_command_that_can_never_start_is_told_once_for_all_its_processes() {
    let config = accepted(
        "[supervisord]\n[program:w]\nprocess_name=w%(process_num)d\nnumprocs=3\ncommand=/bin/sh -c 'x\n",
    );
    let told: Vec<String> = config
        .diagnostics
        .iter()
        .map(|problem| format!("{} {}:{}", problem.code, problem.line, problem.column))
        .collect();
    assert_eq!(told, ["C113 5:9"]);
}

#[test]
fn a_spool_belongs_to_one_pool() {
    let config = accepted(
        "[supervisord]\n[eventlistener:a]\ncommand=a\nevents=TICK\nevent_spool=/tmp/%(program_name)s.events\n\
         [eventlistener:b]\ncommand=b\nevents=TICK\nevent_spool=/tmp/./b.events\nevent_spool_maxbytes=1MB\n\
         [eventlistener:c]\ncommand=c\nevents=TICK\n",
    );
    let spools: Vec<_> = config
        .groups
        .iter()
        .map(|group| match &group.kind {
            GroupKind::Pool(pool) => pool
                .spool
                .as_ref()
                .map(|spool| (spool.path.display().to_string(), spool.maxbytes)),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        spools,
        [
            Some(("/tmp/a.events".to_owned(), 64 << 20)),
            Some(("/tmp/b.events".to_owned(), 1 << 20)),
            None
        ]
    );
}

#[test]
fn two_pools_cannot_share_a_spool() {
    let text = "[supervisord]\n[eventlistener:a]\ncommand=a\nevents=TICK\nevent_spool=/tmp/s\n\
                [eventlistener:b]\ncommand=b\nevents=TICK\nevent_spool=/tmp/./s\n";
    let failure = refused(text);
    assert_eq!(
        failure.upstream_message,
        "[eventlistener:b] and [eventlistener:a] name the same event_spool /tmp/s"
    );
    let first = failure.first.expect("it has a place");
    assert_eq!((first.line, first.code), (9, crate::Code::Contradiction));
}

#[test]
fn a_spool_must_be_able_to_hold_something() {
    let text =
        "[supervisord]\n[eventlistener:a]\ncommand=a\nevents=TICK\nevent_spool_maxbytes=4095\n";
    assert_eq!(
        refused(text).upstream_message,
        "[eventlistener:a] section sets invalid event_spool_maxbytes (4095)"
    );
}
