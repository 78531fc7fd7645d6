//! Reads a body of any length block by block.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt;
use runtime::Backends;

use crate::error::Error;

/// A client that sends nothing for this long is given up.
const PATIENCE: Duration = Duration::from_secs(60);

/// A body, counted against its limit.
pub(crate) struct Stream {
    body: Body,
    received: u64,
    limit: u64,
}

impl Stream {
    /// The body, of at most `limit` bytes.
    pub(crate) fn new(body: Body, limit: u64) -> Self {
        Self {
            body,
            received: 0,
            limit,
        }
    }

    /// The next block; `None` at the end. A stalled client, and a process that is to stop, end it
    /// with an error.
    pub(crate) async fn next(&mut self, backends: &Backends) -> Result<Option<Bytes>, Error> {
        let process = &backends.process;
        loop {
            let frame = tokio::select! {
                frame = self.body.frame() => frame,
                () = process.clock.sleep(PATIENCE) => return Err(Error::BodyStalled),
                () = process.stop.requested() => return Err(Error::Stopping),
            };
            let Some(frame) = frame else { return Ok(None) };
            // What is no data is trailers, which mean nothing here.
            let Ok(bytes) = frame.map_err(|_| Error::BodyBroken)?.into_data() else {
                continue;
            };
            self.received += bytes.len() as u64;
            if self.received > self.limit {
                return Err(Error::BodyTooLarge { limit: self.limit });
            }
            return Ok(Some(bytes));
        }
    }
}
