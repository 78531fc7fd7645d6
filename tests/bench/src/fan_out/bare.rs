//! The limit: recorded commits sent again, as they were encoded, so many at a time.
//!
//! It builds nothing, decides nothing and reads no answer. A client that does its own work
//! beside the sending can come near it, and not past it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use tokio::task::JoinSet;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

use super::requests::Requests;
use crate::process::own_cpu_seconds;
use crate::sample::Sample;
use crate::stopwatch::Stopwatch;

const COMMIT: &str = "/google.datastore.v1.Datastore/Commit";

/// Sends every recorded commit to `datastore`. The clock runs once all are in memory and the
/// connection is there.
pub(super) async fn run(record: &Path, datastore: &str, in_flight: usize) -> anyhow::Result<Sample> {
    let commits = Requests::open(record)?.collect::<anyhow::Result<Vec<_>>>()?;
    let commits: Arc<[Bytes]> = commits.into();
    let channel = Endpoint::from_shared(format!("http://{datastore}"))?
        .connect()
        .await?;
    let cpu_before = own_cpu_seconds()?;
    let stopwatch = Stopwatch::start();
    send_all(&commits, &channel, in_flight).await?;
    Sample::taken(stopwatch, cpu_before)
}

async fn send_all(commits: &Arc<[Bytes]>, channel: &Channel, in_flight: usize) -> anyhow::Result<()> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..in_flight {
        let (next, commits, mut datastore) = (next.clone(), commits.clone(), Grpc::new(channel.clone()));
        workers.spawn(async move {
            while let Some(commit) = commits.get(next.fetch_add(1, Ordering::Relaxed)) {
                datastore.ready().await?;
                let commit = Request::new(commit.clone());
                let method = PathAndQuery::from_static(COMMIT);
                datastore.unary(commit, method, AsItIs).await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(())
}

/// Encodes nothing and decodes nothing.
#[derive(Clone, Copy, Debug)]
struct AsItIs;

impl Codec for AsItIs {
    type Encode = Bytes;
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for AsItIs {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(message);
        Ok(())
    }
}

impl Decoder for AsItIs {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        from.advance(from.remaining());
        Ok(Some(()))
    }
}
