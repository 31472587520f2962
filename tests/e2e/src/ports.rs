//! Ports for tests that listen on TCP.

use std::net::{Ipv4Addr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::sync::Mutex;

/// Where the ports are taken from: below those that the system gives to whoever does not ask for a certain one.
const FIRST: u16 = 20_000;

/// How many there are.
const COUNT: u16 = 12_000;

/// What says to other processes of tests that a port is given away, as long as this one lives.
static GIVEN: Mutex<Vec<UnixListener>> = Mutex::new(Vec::new());

/// A port of the loopback interface that nobody uses at this moment, and that no other caller gets.
pub fn free_port() -> u16 {
    let mut given = GIVEN.lock().expect("nobody panics with it");
    // Processes that start one after the other begin at different places.
    let start = u16::try_from(std::process::id().wrapping_mul(31) % u32::from(COUNT)).unwrap_or(0);
    for step in 0..COUNT {
        let port = FIRST + (start + step) % COUNT;
        let name = format!("provost-test-port-{port}");
        let claim =
            SocketAddr::from_abstract_name(name).and_then(|name| UnixListener::bind_addr(&name));
        let Ok(claim) = claim else { continue };
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            given.push(claim);
            return port;
        }
    }
    panic!("the loopback interface has no free port");
}
