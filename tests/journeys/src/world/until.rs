//! Waiting for a state, with a deadline.

use std::fmt::Display;
use std::time::Duration;

/// How often a state is looked at again.
const POLL: Duration = Duration::from_millis(20);

/// How long a state may take to come about: generous, because a loaded machine is slow and a
/// state that never comes is a failure anyway.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Asks again and again until there is an answer.
///
/// # Panics
/// If there is none within [`DEADLINE`].
pub async fn until<T>(what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
    until_within(DEADLINE, what, ask).await
}

/// Asks again and again until there is an answer.
///
/// # Panics
/// If there is none within the time.
pub async fn until_within<T>(within: Duration, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    until_ok(within, what, async || ask().await.ok_or("it is not so")).await
}

/// Asks again and again until what is wrong is right.
///
/// # Panics
/// With what was wrong last, if it is not right within the time.
pub async fn until_ok<T, E: Display>(
    within: Duration,
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let mut wrong = None;
    let answer = async {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(error) => wrong = Some(error),
            }
            tokio::time::sleep(POLL).await;
        }
    };
    match (tokio::time::timeout(within, answer).await, wrong) {
        (Ok(answer), _) => answer,
        (Err(_), Some(wrong)) => panic!("waited {within:?} in vain until {what}: {wrong}"),
        (Err(_), None) => panic!("waited {within:?} for the first answer to whether {what}"),
    }
}
