//! The plain HTTP requests beside gRPC.

use emulator::datastore::{Config, Server, Storage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::start;

#[tokio::test]
async fn the_root_says_that_the_server_is_ready() {
    let (server, _) = start(Config::default()).await;

    let answer = ask(&server, "GET /").await;

    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.ends_with("Ok"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_reset_drops_everything() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    for storage in [
        Storage::Memory,
        Storage::File(directory.path().join("datastore.db")),
    ] {
        let (server, tasks) = start(Config {
            storage,
            ..Config::default()
        })
        .await;
        tasks.put("a", Some(1)).await;

        let answer = ask(&server, "POST /reset").await;

        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(tasks.query(None, &[], "v").await.expect("it is answered"), "");
        tasks.put("a", Some(2)).await;
        assert_eq!(tasks.find(None, &["a"]).await.expect("it is answered"), [2]);
        server.stop().await;
    }
}

async fn ask(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).await.expect("it listens");
    let request =
        format!("{request} HTTP/1.1\r\nhost: here\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("the request is sent");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("the answer comes");
    answer
}
