//! Listening on real paths and ports.

use crate::common::{TempDir, in_own_process, is_root};
use provost_os::sockets::{
    BindProblem, SpareDescriptor, bind_tcp, bind_unix, listen_again, peer_credentials,
};
use provost_os::users;
use std::fs::{self, File};
use std::io::Read;
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixListener, UnixStream};

fn own_pid() -> i32 {
    i32::try_from(std::process::id()).unwrap()
}

fn names(temp: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(temp.path()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_socket_has_its_mode_whatever_the_umask_and_nothing_else_is_left() {
    in_own_process(
        "sockets::a_socket_has_its_mode_whatever_the_umask_and_nothing_else_is_left",
        || {
            for umask in [0, 0o022, 0o777] {
                for mode in [0o700, 0o600, 0o777, 0o660] {
                    let temp = TempDir::new();
                    let path = temp.join("s");
                    provost_os::daemonize::umask(umask);
                    let bound = bind_unix(&path, mode, None).unwrap();
                    provost_os::daemonize::umask(0o022);
                    let metadata = fs::metadata(&path).unwrap();
                    assert!(metadata.file_type().is_socket());
                    assert_eq!(metadata.mode() & 0o7777, mode, "umask {umask:o}");
                    assert!(!bound.removed_stale);
                    assert_eq!(names(&temp), ["s"]);
                    UnixStream::connect(&path).unwrap();
                    bound.listener.accept().unwrap();
                }
            }
        },
    );
}

#[test]
fn a_socket_gets_its_owner() {
    if !is_root() {
        return;
    }
    for (owner, expected) in [((12, Some(34)), (12, 34)), ((12, None), (12, 0))] {
        let temp = TempDir::new();
        let path = temp.join("s");
        let _bound = bind_unix(&path, 0o700, Some(owner)).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), expected);
    }
}

#[test]
fn an_owner_that_may_not_be_given_leaves_nothing_behind() {
    if !is_root() {
        return;
    }
    in_own_process(
        "sockets::an_owner_that_may_not_be_given_leaves_nothing_behind",
        || {
            let temp = TempDir::new();
            fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o777)).unwrap();
            users::drop_privileges(users::by_name("nobody").unwrap().unwrap().uid).unwrap();
            let path = temp.join("s");
            let problem = bind_unix(&path, 0o700, Some((0, None))).unwrap_err();
            assert_eq!(
                problem.to_string(),
                format!(
                    "Not permitted to chown {} to uid/gid (0, -1); adjust \"sockchown\" value in config file: \
                 the current user (nobody) cannot give files to them",
                    path.display()
                )
            );
            assert_eq!(names(&temp), [""; 0]);
        },
    );
}

#[test]
fn a_living_socket_is_left_alone_and_its_holder_named() {
    let temp = TempDir::new();
    let path = temp.join("s");
    let first = bind_unix(&path, 0o700, None).unwrap();
    let inode = fs::metadata(&path).unwrap().ino();
    let problem = bind_unix(&path, 0o700, None).unwrap_err();
    assert!(
        matches!(problem, BindProblem::InUse { holder: Some(pid), .. } if pid == own_pid()),
        "{problem:?}"
    );
    assert!(
        problem.to_string().starts_with(
            "Another program is already listening on a port that one of our HTTP servers"
        ),
        "{problem}"
    );
    assert_eq!(
        problem.detail().unwrap(),
        format!(
            "{} is held by the process with pid {}.",
            path.display(),
            own_pid()
        )
    );
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
    assert_eq!(names(&temp), ["s"]);
    first.listener.set_nonblocking(true).unwrap();
    first.listener.accept().expect("the probe was a connection");
}

#[test]
fn a_listener_with_a_full_queue_lives() {
    let temp = TempDir::new();
    let path = temp.join("s");
    let listener = UnixListener::bind(&path).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let _waiting = UnixStream::connect(&path).unwrap();
    let problem = bind_unix(&path, 0o700, None).unwrap_err();
    assert!(
        matches!(problem, BindProblem::InUse { holder: None, .. }),
        "{problem:?}"
    );
}

#[test]
fn stale_sockets_empty_files_and_dangling_links_are_replaced() {
    // A child that another thread forks meanwhile would keep what is closed here open for a moment.
    in_own_process(
        "sockets::stale_sockets_empty_files_and_dangling_links_are_replaced",
        || {
            let temp = TempDir::new();
            let path = temp.join("s");
            drop(UnixListener::bind(&path).unwrap());
            assert!(bind_unix(&path, 0o700, None).unwrap().removed_stale);
            fs::remove_file(&path).unwrap();
            fs::write(&path, "").unwrap();
            assert!(bind_unix(&path, 0o700, None).unwrap().removed_stale);
            fs::remove_file(&path).unwrap();
            symlink(temp.join("nowhere"), &path).unwrap();
            assert!(bind_unix(&path, 0o700, None).unwrap().removed_stale);
            assert!(fs::symlink_metadata(&path).unwrap().file_type().is_socket());
            assert_eq!(names(&temp), ["s"]);
        },
    );
}

#[test]
fn what_is_not_a_socket_is_not_deleted() {
    let temp = TempDir::new();
    let (file, directory) = (temp.join("file"), temp.join("directory"));
    fs::write(&file, "precious").unwrap();
    fs::create_dir(&directory).unwrap();
    for path in [&file, &directory] {
        let problem = bind_unix(path, 0o700, None).unwrap_err();
        assert_eq!(
            problem.to_string(),
            "Cannot open an HTTP server: socket.error reported errno.EEXIST (17)"
        );
        assert!(
            problem
                .detail()
                .unwrap()
                .contains("neither a socket nor an empty file")
        );
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert_eq!(names(&temp), ["directory", "file"]);
}

#[test]
fn a_missing_directory_and_a_long_path_are_told() {
    let temp = TempDir::new();
    let problem = bind_unix(&temp.join("missing/s"), 0o700, None).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "Cannot open an HTTP server: socket.error reported errno.ENOENT (2)"
    );
    let problem = bind_unix(&temp.join(&"x".repeat(120)), 0o700, None).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "Cannot open an HTTP server: socket.error reported AF_UNIX path too long"
    );
}

#[test]
fn a_path_that_only_fits_without_the_pid_is_bound_directly() {
    let temp = TempDir::new();
    let room = 107 - temp.path().as_os_str().len() - 1;
    let path = temp.join(&"x".repeat(room));
    let _bound = bind_unix(&path, 0o640, None).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    let problem = bind_unix(&path, 0o640, None).unwrap_err();
    assert!(matches!(problem, BindProblem::InUse { .. }), "{problem:?}");
}

#[test]
fn both_ends_know_each_other() {
    let temp = TempDir::new();
    let path = temp.join("s");
    let bound = bind_unix(&path, 0o700, None).unwrap();
    listen_again(bound.listener.as_fd()).unwrap();
    let client = UnixStream::connect(&path).unwrap();
    let (server, _) = bound.listener.accept().unwrap();
    for end in [client.as_fd(), server.as_fd()] {
        let peer = peer_credentials(end).unwrap();
        assert_eq!((peer.pid, peer.uid), (own_pid(), users::current_euid()));
    }
    let tcp = bind_tcp("127.0.0.1", 0).unwrap();
    assert_eq!(peer_credentials(tcp.as_fd()), None);
}

#[test]
fn tcp_listens_on_addresses_names_and_everywhere() {
    for (host, shown) in [
        ("127.0.0.1", "127.0.0.1"),
        ("", "0.0.0.0"),
        ("localhost", "127.0.0.1"),
        ("::1", "::1"),
    ] {
        let listener = match bind_tcp(host, 0) {
            Err(BindProblem::System { errno, .. })
                if host == "::1" && errno.name() == "EADDRNOTAVAIL" =>
            {
                continue;
            }
            other => other.unwrap(),
        };
        let address = listener.local_addr().unwrap();
        assert_eq!(address.ip().to_string(), shown, "{host:?}");
        TcpStream::connect(address).unwrap();
        listener.accept().unwrap();
    }
}

#[test]
fn tcp_problems_are_told_in_upstreams_words() {
    let first = bind_tcp("127.0.0.1", 0).unwrap();
    let port = first.local_addr().unwrap().port();
    let problem = bind_tcp("127.0.0.1", port).unwrap_err();
    assert!(
        problem
            .to_string()
            .starts_with("Another program is already listening on a port"),
        "{problem}"
    );
    assert_eq!(
        problem.detail().unwrap(),
        format!("127.0.0.1:{port} is in use.")
    );

    let problem = bind_tcp("no-such-host.invalid", 80).unwrap_err();
    // -3: there was nobody to ask at that moment.
    let told =
        ["-2", "-3"].map(|n| format!("Cannot open an HTTP server: socket.error reported {n}"));
    assert!(told.contains(&problem.to_string()), "{problem}");
    assert!(problem.detail().unwrap().contains("no-such-host.invalid"));

    // An address for documentation, which no interface has.
    let problem = bind_tcp("192.0.2.1", 80).unwrap_err();
    assert_eq!(
        problem.to_string(),
        "Cannot open an HTTP server: socket.error reported errno.EADDRNOTAVAIL (99)"
    );
}

#[test]
fn a_connection_can_be_turned_away_without_descriptors() {
    in_own_process(
        "sockets::a_connection_can_be_turned_away_without_descriptors",
        || {
            use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
            let listener = bind_tcp("127.0.0.1", 0).unwrap();
            listener.set_nonblocking(true).unwrap();
            let mut spare = SpareDescriptor::new().unwrap();
            let mut clients: Vec<TcpStream> = (0..3)
                .map(|_| TcpStream::connect(listener.local_addr().unwrap()).unwrap())
                .collect();
            let few = Rlimit {
                current: Some(64),
                maximum: getrlimit(Resource::Nofile).maximum,
            };
            setrlimit(Resource::Nofile, few).unwrap();
            let _fillers: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
            assert_eq!(listener.accept().unwrap_err().raw_os_error(), Some(24));
            for client in &mut clients {
                spare.turn_one_away(listener.as_fd()).unwrap();
                let mut byte = [0];
                assert_eq!(
                    client.read(&mut byte).unwrap(),
                    0,
                    "the connection was closed"
                );
            }
            let nobody = spare.turn_one_away(listener.as_fd()).unwrap_err();
            assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
        },
    );
}
