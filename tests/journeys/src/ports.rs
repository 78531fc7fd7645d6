//! Ports that a server has in all its lives.
//!
//! They lie below those that the kernel hands out for outgoing connections: while a server is
//! dead, nobody else comes to have its port.

use std::net::{SocketAddr, TcpListener};

use rand::RngExt;

const LOWEST: u16 = 20_000;
const HIGHEST: u16 = 32_000;

/// Tries to find a free one.
const TRIES: usize = 200;

/// An address on loopback on which nobody listens. Drawn at random, so that two programs that
/// look at the same time find different ones.
pub fn free_address() -> anyhow::Result<SocketAddr> {
    for _ in 0..TRIES {
        let address = SocketAddr::from(([127, 0, 0, 1], rand::rng().random_range(LOWEST..HIGHEST)));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    anyhow::bail!("no port from {LOWEST} to {HIGHEST} is free")
}
