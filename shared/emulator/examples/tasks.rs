//! A task queue on a file, for tests that kill it: `tasks FILE`. Prints its address.

use std::net::{Ipv4Addr, SocketAddr};

use emulator::tasks::{Config, Server, Storage};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args_os().nth(1).ok_or("usage: tasks FILE")?;
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::start(Config::new(Storage::File(file.into())), loopback).await?;
    #[expect(clippy::disallowed_macros, reason = "the parent reads the address from here")]
    {
        println!("{}", server.address());
    }
    std::future::pending().await
}
