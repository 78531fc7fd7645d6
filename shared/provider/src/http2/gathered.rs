//! A byte stream to which small frames are written together.
//!
//! To a stream that takes several buffers in one call, h2 hands each message's body by itself, and
//! each becomes a TLS record and a system call of its own. To one that does not, it gathers
//! everything that is to be sent, bodies below a kilobyte included, and hands over up to 16 KiB
//! at once.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that takes one buffer at a time.
#[derive(Debug)]
pub(super) struct Gathered<S>(pub(super) S);

impl<S: AsyncRead + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;
    use futures::FutureExt as _;
    use http::Request;
    use tokio::io::DuplexStream;

    use super::*;

    /// A stream that takes several buffers in one call, and counts the calls.
    struct Counted {
        stream: DuplexStream,
        writes: Arc<AtomicUsize>,
    }

    impl AsyncRead for Counted {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_read(context, buffer)
        }
    }

    impl AsyncWrite for Counted {
        fn poll_write(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.writes.fetch_add(1, Ordering::Relaxed);
            Pin::new(&mut self.stream).poll_write(context, bytes)
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffers: &[io::IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.writes.fetch_add(1, Ordering::Relaxed);
            Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_flush(context)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.stream).poll_shutdown(context)
        }
    }

    #[tokio::test]
    async fn messages_that_are_sent_together_are_written_together() {
        let writes = Arc::<AtomicUsize>::default();
        let (stream, _peer) = tokio::io::duplex(1024 * 1024);
        let counted = Counted {
            stream,
            writes: writes.clone(),
        };
        let handshake = h2::client::handshake(Gathered(counted)).await;
        let (requests, mut connection) = handshake.unwrap();
        let mut answers = Vec::new();
        for _ in 0..20 {
            let mut requests = requests.clone().ready().await.unwrap();
            let request = Request::post("https://host/").body(()).unwrap();
            let (answer, mut rest) = requests.send_request(request, false).unwrap();
            rest.send_data(Bytes::from_static(&[b'x'; 600]), true).unwrap();
            answers.push(answer);
        }
        let before = writes.load(Ordering::Relaxed);

        let goes_on = (&mut connection).now_or_never().is_none();

        assert!(goes_on);
        assert_eq!(writes.load(Ordering::Relaxed) - before, 1);
    }
}
