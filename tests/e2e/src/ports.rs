//! Ports for tests that listen on TCP.

use std::net::{Ipv4Addr, TcpListener};

/// A port of the loopback interface that nobody uses at this moment.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("the loopback interface has a free port")
        .port()
}
