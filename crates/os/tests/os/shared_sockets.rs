//! Sockets for children, on real paths and ports.

use crate::common::{TempDir, in_own_process, is_root};
use provost_os::sockets::{BindProblem, listen_tcp, listen_unix};
use provost_os::users;
use rustix::io::{FdFlags, fcntl_getfd};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, getsockname, socket_with,
};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// How many clients find a place in the queue of a listener that takes none.
fn places(path: &Path) -> usize {
    let address = SocketAddrUnix::new(path).unwrap();
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let mut clients = Vec::new();
    loop {
        let client = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).unwrap();
        if connect(&client, &address).is_err() {
            return clients.len();
        }
        clients.push(client);
    }
}

#[test]
fn a_socket_listens_under_its_own_name_with_its_backlog_and_closes_at_exec() {
    let temp = TempDir::new();
    let path = temp.join("s");
    let listener = listen_unix(&path, 0o640, None, Some(2)).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    let name = SocketAddrUnix::new(&path).unwrap();
    assert_eq!(getsockname(&listener).unwrap(), name.into());
    assert_eq!(fcntl_getfd(&listener).unwrap(), FdFlags::CLOEXEC);
    // One more than the backlog: so the kernel counts.
    assert_eq!(places(&path), 3);
}

#[test]
fn what_we_have_left_to_children_is_replaced() {
    let temp = TempDir::new();
    let path = temp.join("s");
    let left = listen_unix(&path, 0o700, None, None).unwrap();
    let before = fs::metadata(&path).unwrap().ino();
    let _next = listen_unix(&path, 0o700, None, None).unwrap();
    drop(left);
    UnixStream::connect(&path).unwrap();
    assert_ne!(fs::metadata(&path).unwrap().ino(), before);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "data").unwrap();
    let problem = listen_unix(&path, 0o700, None, None).unwrap_err();
    assert!(
        matches!(problem, BindProblem::Occupied { .. }),
        "{problem:?}"
    );
    assert!(problem.reason().starts_with("EEXIST, "));
}

#[test]
fn our_own_old_socket_is_replaced_although_its_mode_locks_us_out() {
    if !is_root() {
        return;
    }
    in_own_process(
        "shared_sockets::our_own_old_socket_is_replaced_although_its_mode_locks_us_out",
        || {
            let temp = TempDir::new();
            fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o777)).unwrap();
            users::drop_privileges(users::by_name("nobody").unwrap().unwrap().uid).unwrap();
            let path = temp.join("s");
            drop(listen_unix(&path, 0, None, None).unwrap());
            listen_unix(&path, 0, None, None).unwrap();
        },
    );
}

#[test]
fn an_owner_that_may_not_be_given_is_told_and_leaves_nothing() {
    if !is_root() {
        return;
    }
    in_own_process(
        "shared_sockets::an_owner_that_may_not_be_given_is_told_and_leaves_nothing",
        || {
            let temp = TempDir::new();
            fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o777)).unwrap();
            users::drop_privileges(users::by_name("nobody").unwrap().unwrap().uid).unwrap();
            let path = temp.join("s");
            let problem = listen_unix(&path, 0o700, Some((0, Some(1))), None).unwrap_err();
            assert_eq!(
                problem.reason(),
                "EPERM, the user nobody cannot give files to user 0 and group 1"
            );
            assert!(!path.exists());
        },
    );
}

#[test]
fn a_port_that_is_taken_and_a_host_that_is_unknown_are_told() {
    // A child that another thread forks meanwhile would keep what is closed here open for a moment.
    in_own_process(
        "shared_sockets::a_port_that_is_taken_and_a_host_that_is_unknown_are_told",
        taken_unknown_and_too_long,
    );
}

fn taken_unknown_and_too_long() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let problem = listen_tcp("localhost", port, None).unwrap_err();
    assert_eq!(
        problem.reason(),
        "EADDRINUSE, another process listens there"
    );
    drop(taken);
    let listener = listen_tcp("localhost", port, Some(5)).unwrap();
    assert_eq!(fcntl_getfd(&listener).unwrap(), FdFlags::CLOEXEC);
    TcpStream::connect(("127.0.0.1", port)).unwrap();
    let problem = listen_tcp("nowhere.invalid", port, None).unwrap_err();
    assert!(
        problem
            .reason()
            .starts_with("the host nowhere.invalid cannot be resolved: "),
        "{problem:?}"
    );
    let path = Path::new("/").join("x".repeat(200));
    let problem = listen_unix(&path, 0o700, None, None).unwrap_err();
    assert!(
        problem.reason().starts_with("ENAMETOOLONG, "),
        "{problem:?}"
    );
}
