//! Does again what failed for a reason that passes.

use std::time::Duration;

use runtime::Process;

use crate::api::Error;

/// Failures in a row after which it is given up: some two minutes of them.
const TRIES: u32 = 12;

/// The wait after the first failure; doubled with each.
const FIRST: Duration = Duration::from_millis(250);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(20);

/// Asks until there is an answer or a refusal that stands. What is asked must be harmless to repeat.
pub async fn again<T>(process: &Process, ask: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
    let mut wait = FIRST;
    for _ in 1..TRIES {
        match ask().await {
            Err(error) if error.is_passing() => {
                tracing::debug!(error = &error as &dyn std::error::Error, "asked again");
            }
            answer => return answer,
        }
        process.clock.sleep(wait).await;
        wait = LONGEST.min(2 * wait);
    }
    ask().await
}
