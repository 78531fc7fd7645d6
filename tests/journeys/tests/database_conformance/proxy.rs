//! A proxy that knows MySQL's frames well enough to lose a COMMIT or its answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What the proxy does to the next frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Lie {
    None,
    /// COMMIT reaches the server, then the connection is cut before its answer.
    LoseCommitAnswer,
    /// The connection is cut in place of the COMMIT.
    LoseCommit,
    /// Nothing is forwarded any more, and nothing is cut.
    Hang,
}

/// Between a client and a server until it is dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    lie: Arc<AtomicU8>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn start(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let lie = Arc::new(AtomicU8::new(Lie::None as u8));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, server, Arc::clone(&lie)));
        Self {
            address,
            lie,
            _tasks: tasks,
        }
    }

    pub(crate) fn tell(&self, lie: Lie) {
        self.lie.store(lie as u8, Ordering::SeqCst);
    }
}

async fn accept(listener: TcpListener, server: String, lie: Arc<AtomicU8>) {
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (server, lie) = (server.clone(), Arc::clone(&lie));
        connections.spawn(async move {
            let Ok(upstream) = TcpStream::connect(server).await else {
                return;
            };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = upstream.into_split();
            tokio::select! {
                () = forward_requests(from_client, to_server, &lie) => {}
                () = forward_answers(from_server, to_client, &lie) => {}
            }
        });
    }
}

/// Forwards frame by frame until the client leaves or a lie cuts the connection.
async fn forward_requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, lie: &AtomicU8) {
    loop {
        let Ok(header) = from.read_u32().await else { return };
        // Three bytes of length, little-endian, then a sequence number.
        let [low, middle, high, _] = header.to_be_bytes();
        let mut payload = vec![0; u32::from_le_bytes([low, middle, high, 0]) as usize];
        if from.read_exact(&mut payload).await.is_err() {
            return;
        }
        let told = lie.load(Ordering::SeqCst);
        // COM_QUERY.
        let is_commit = payload == b"\x03COMMIT";
        if told == Lie::Hang as u8 {
            std::future::pending::<()>().await;
        }
        if is_commit && told == Lie::LoseCommit as u8 {
            return;
        }
        if to.write_u32(header).await.is_err() || to.write_all(&payload).await.is_err() {
            return;
        }
        if is_commit && told == Lie::LoseCommitAnswer as u8 {
            // Leaves a clean end of stream behind the COMMIT, so that the server reads it.
            return;
        }
    }
}

async fn forward_answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, lie: &AtomicU8) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if lie.load(Ordering::SeqCst) == Lie::LoseCommitAnswer as u8 {
            return;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
