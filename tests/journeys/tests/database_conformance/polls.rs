//! Not waiting long enough.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// Polls the future so many times and drops it, as a `select!` or a time limit might.
pub(crate) async fn drop_after_polls<T>(future: impl Future<Output = T>, polls: u32) {
    let mut future = pin!(future);
    for _ in 0..polls {
        let polled = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        if polled.is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}
