//! Serves the Datastore emulator until it is told to stop: `datastore LISTEN [FILE]`.

use std::error::Error;

use emulator::datastore::{Config, Server, Storage};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments
        .next()
        .ok_or("usage: datastore LISTEN [FILE]")?
        .parse()?;
    let storage = arguments
        .next()
        .map_or(Storage::Memory, |file| Storage::File(file.into()));

    let server = Server::start(
        Config {
            storage,
            ..Config::default()
        },
        listen,
    )
    .await?;
    tokio::signal::ctrl_c().await?;
    server.stop().await;
    Ok(())
}
