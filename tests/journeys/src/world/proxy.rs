//! The wire to a server, which can be cut and mended.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Between clients and a server until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    wire: Arc<watch::Sender<Wire>>,
    _accepting: JoinSet<()>,
}

/// What becomes of connections.
#[derive(Clone, Copy, Debug)]
struct Wire {
    state: State,
    /// How often it was cut: a connection that is older than the last cut is gone.
    cuts: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Whole,
    /// What the server says is not passed on.
    Deaf,
    /// Nobody gets through.
    Cut,
}

impl Proxy {
    /// A whole wire to `server`, a `host:port`.
    pub async fn start(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let wire = Arc::new(watch::Sender::new(Wire {
            state: State::Whole,
            cuts: 0,
        }));
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, server, wire.clone()));
        Self {
            address,
            wire,
            _accepting: accepting,
        }
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts every connection, in the middle of whatever it says, and every new one.
    pub fn cut(&self) {
        self.wire.send_modify(|wire| {
            wire.state = State::Cut;
            wire.cuts += 1;
        });
    }

    /// Passes on what clients say, and no answer.
    pub fn deafen(&self) {
        self.wire.send_modify(|wire| wire.state = State::Deaf);
    }

    /// Lets new connections through again.
    pub fn mend(&self) {
        self.wire.send_modify(|wire| wire.state = State::Whole);
    }
}

async fn accept(listener: TcpListener, server: String, wire: Arc<watch::Sender<Wire>>) {
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (server, wire) = (server.clone(), wire.subscribe());
        let Wire { state, cuts } = *wire.borrow();
        if state == State::Cut {
            continue;
        }
        connections.spawn(async move {
            let Ok(upstream) = TcpStream::connect(server).await else {
                return;
            };
            let ((mut from_client, to_client), (from_server, mut to_server)) =
                (client.into_split(), upstream.into_split());
            let mut cut = wire.clone();
            tokio::select! {
                _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
                () = pass_answers(from_server, to_client, wire) => {}
                _ = cut.wait_for(|wire| wire.cuts > cuts) => {}
            }
        });
    }
}

async fn pass_answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, wire: watch::Receiver<Wire>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let deaf = wire.borrow().state == State::Deaf;
        if !deaf && to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
