//! A sink on a ledger file, for tests that kill it and for load: `sink LEDGER`. Prints its address.

use std::net::{Ipv4Addr, SocketAddr};

use emulator::sink::{Config, Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ledger = std::env::args_os().nth(1).ok_or("usage: sink LEDGER")?;
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::start(Config::new(ledger.into()), loopback).await?;
    #[expect(clippy::disallowed_macros, reason = "the parent reads the address from here")]
    {
        println!("{}", server.address());
    }
    std::future::pending().await
}
