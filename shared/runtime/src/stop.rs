//! Shutdown, in two steps.
//!
//! The first signal (Ctrl-C or SIGTERM) asks for a drain: nothing new is started, what runs is
//! brought to its end. The second one ends the process at once, which loses nothing either,
//! only time: every step can be taken up by another process.

use tokio_util::sync::CancellationToken;

/// Whether to go on. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    drain: CancellationToken,
    at_once: CancellationToken,
}

impl Stop {
    /// Nothing is asked for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a drain. A repeat changes nothing.
    pub fn request(&self) {
        self.drain.cancel();
    }

    /// Asks to end at once.
    pub fn request_at_once(&self) {
        self.drain.cancel();
        self.at_once.cancel();
    }

    /// Whether a drain is asked for. To be looked at between two batches.
    pub fn is_requested(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Waits until a drain is asked for.
    pub async fn requested(&self) {
        self.drain.cancelled().await;
    }

    /// Waits until an end at once is asked for.
    pub async fn requested_at_once(&self) {
        self.at_once.cancelled().await;
    }

    /// Takes over the process's signals with this call; the future waits for them, asks for what
    /// they mean, and ends with the second one. Must be called on the async runtime.
    pub fn obey_signals(self) -> std::io::Result<impl Future<Output = ()> + Send> {
        let mut signals = Signals::new()?;
        Ok(async move {
            let name = signals.next().await;
            tracing::info!(signal.name = name, "stopping: what runs is brought to its end");
            self.request();
            let name = signals.next().await;
            tracing::warn!(signal.name = name, "stopping at once");
            self.request_at_once();
        })
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> &'static str {
        match tokio::signal::ctrl_c().await {
            Ok(()) => "Ctrl-C",
            Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn to_end_at_once_is_to_drain_as_well() {
        let stop = Stop::new();
        let part = stop.clone();

        stop.request_at_once();

        part.requested().await;
        part.requested_at_once().await;
    }
}
