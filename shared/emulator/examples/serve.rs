//! A server on a file, for tests that kill it: `serve datastore|tasks|sink FILE`. Prints its address.

use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use emulator::{datastore, sink, tasks};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: serve datastore|tasks|sink FILE";
    let (part, file) = (arguments.next().ok_or(usage)?, arguments.next().ok_or(usage)?);
    let file = PathBuf::from(file);
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    match part.as_str() {
        "datastore" => {
            let config = datastore::Config {
                storage: datastore::Storage::File(file),
                ..datastore::Config::default()
            };
            serve(datastore::Server::start(config, loopback).await?.address()).await
        }
        "tasks" => {
            let config = tasks::Config::new(tasks::Storage::File(file));
            serve(tasks::Server::start(config, loopback).await?.address()).await
        }
        "sink" => {
            serve(
                sink::Server::start(sink::Config::new(file), loopback)
                    .await?
                    .address(),
            )
            .await
        }
        _ => Err(usage.into()),
    }
}

#[expect(clippy::disallowed_macros, reason = "the parent reads the address from here")]
async fn serve<T>(address: SocketAddr) -> T {
    println!("{address}");
    pending().await
}
