//! The wire to a server, which can be cut and mended.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::copy_bidirectional;
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    Whole,
    Cut,
}

impl Proxy {
    /// A whole wire to `server`, a `host:port`.
    pub(super) async fn start(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback has a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let wire = Arc::new(watch::Sender::new(Wire::Whole));
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
        self.wire.send_replace(Wire::Cut);
    }

    /// Lets new connections through again.
    pub fn mend(&self) {
        self.wire.send_replace(Wire::Whole);
    }
}

async fn accept(listener: TcpListener, server: String, wire: Arc<watch::Sender<Wire>>) {
    // Dropped with this task, and every connection with it.
    let mut connections = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        let (server, mut wire) = (server.clone(), wire.subscribe());
        if *wire.borrow_and_update() == Wire::Cut {
            continue;
        }
        connections.spawn(async move {
            let Ok(mut upstream) = TcpStream::connect(server).await else {
                return;
            };
            tokio::select! {
                _ = copy_bidirectional(&mut client, &mut upstream) => {}
                _ = wire.wait_for(|wire| *wire == Wire::Cut) => {}
            }
        });
    }
}
