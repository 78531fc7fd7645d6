//! Tasks that somebody waits for.
//!
//! Every task of a process is spawned here, so that shutdown can wait for all of them and
//! nothing is cut in the middle because its caller has gone.

use std::any::Any;

use futures::FutureExt;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// The tasks of one process. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Tasks(TaskTracker);

/// A task panicked, with this message. Where, the panic hook has told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a task panicked: {0}")]
pub struct Panicked(String);

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task that shutdown waits for. It keeps the log's current span.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.0.spawn(task.in_current_span())
    }

    /// Runs `work` to its end in a task of its own, and gives its output. When the caller is
    /// dropped, the work goes on.
    pub async fn finish<F>(&self, work: F) -> Result<F::Output, Panicked>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        match self.spawn(catch(work)).await {
            Ok(outcome) => outcome,
            // Nobody holds its handle and could abort it: the async runtime is going down.
            Err(_) => std::future::pending().await,
        }
    }

    /// Waits until every task has ended, those included that are spawned meanwhile.
    pub async fn ended(&self) {
        self.0.close();
        self.0.wait().await;
    }

    /// For libraries that start tasks of their own, to be waited for like ours.
    pub fn tracker(&self) -> &TaskTracker {
        &self.0
    }

    /// Tasks that run.
    pub fn running(&self) -> usize {
        self.0.len()
    }
}

/// Runs `work` and turns its panic into a value.
pub(crate) async fn catch<F: Future>(work: F) -> Result<F::Output, Panicked> {
    // What a panic leaves half done is dropped with the future; what it shared stays behind
    // locks that poison or channels that close.
    let work = std::panic::AssertUnwindSafe(work).catch_unwind();
    work.await.map_err(|payload| Panicked(message(payload.as_ref())))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn work_goes_on_when_its_caller_is_dropped() {
        let tasks = Tasks::new();
        let (go_on, gate) = oneshot::channel::<()>();
        let (done, outcome) = oneshot::channel();
        let mut caller = Box::pin(tasks.finish(async move {
            gate.await.unwrap();
            done.send("settled").unwrap();
        }));
        assert!(futures::poll!(&mut caller).is_pending());

        drop(caller);
        go_on.send(()).unwrap();

        assert_eq!(outcome.await, Ok("settled"));
    }

    #[tokio::test]
    async fn a_panic_surfaces_as_an_error() {
        let number = 7;

        let outcome: Result<(), _> = Tasks::new()
            .finish(async move { panic!("no chunk {number}") })
            .await;

        assert_eq!(outcome.unwrap_err().to_string(), "a task panicked: no chunk 7");
    }

    #[tokio::test]
    async fn the_end_is_waited_for() {
        let tasks = Tasks::new();
        let (go_on, gate) = oneshot::channel::<()>();
        tasks.spawn(gate);
        let mut ended = Box::pin(tasks.ended());

        assert!(futures::poll!(&mut ended).is_pending());
        go_on.send(()).unwrap();

        ended.await;
        assert_eq!(tasks.running(), 0);
    }
}
