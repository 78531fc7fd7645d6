//! The company's webhook: what it was posted, and what it took of that.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A webhook. It ends when it is dropped.
#[derive(Debug)]
pub(super) struct Webhook {
    address: SocketAddr,
    posts: Arc<Mutex<Vec<Post>>>,
    _served: JoinSet<()>,
}

/// A report that was posted.
#[derive(Clone, Debug, PartialEq)]
pub struct Post {
    /// Its `webhook-id`.
    pub id: String,
    /// Whose address it is about.
    pub user: String,
    /// The address.
    pub address: String,
    /// Whether the answer was that it is taken.
    pub is_taken: bool,
}

impl Webhook {
    /// Listens, and takes what `takes` says of the user.
    pub(super) async fn start(takes: fn(&str) -> bool) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let posts = Arc::default();
        let mut served = JoinSet::new();
        served.spawn(serve(listener, Arc::clone(&posts), takes));
        Ok(Self {
            address,
            posts,
            _served: served,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(listener: TcpListener, posts: Arc<Mutex<Vec<Post>>>, takes: fn(&str) -> bool) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer(stream, Arc::clone(&posts), takes));
        while connections.try_join_next().is_some() {}
    }
}

/// Answers one request; one that breaks off, as its caller died, gets none.
async fn answer(mut stream: TcpStream, posts: Arc<Mutex<Vec<Post>>>, takes: fn(&str) -> bool) {
    let mut request = Vec::new();
    let (id, body) = loop {
        match stream.read_buf(&mut request).await {
            Ok(read) if read > 0 => {}
            Ok(_) | Err(_) => return,
        }
        if let Some(whole) = read(&request) {
            break whole;
        }
    };
    let text = |name: &str| body["data"][name].as_str().unwrap_or_default().to_owned();
    let user = text("user_id");
    let is_taken = takes(&user);
    // Before the answer: whoever hears that it is taken may be killed the moment after.
    posts.lock().unwrap_or_else(PoisonError::into_inner).push(Post {
        id,
        user,
        address: text("address"),
        is_taken,
    });
    let status = if is_taken {
        "204 No Content"
    } else {
        "503 Service Unavailable"
    };
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    // One that is gone hears nothing, and asks again.
    let _ = stream.write_all(answer.as_bytes()).await;
}

/// The report's id and body, when all of the request is there.
fn read(request: &[u8]) -> Option<(String, Value)> {
    let text = std::str::from_utf8(request).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let id = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("webhook-id")
            .then(|| value.trim().to_owned())
    });
    // What is not whole is no JSON.
    Some((id?, serde_json::from_str(body).ok()?))
}
