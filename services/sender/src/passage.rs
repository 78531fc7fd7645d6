//! The way of one message to the moment at which nothing but its permit is asked for.
//!
//! First the turnstiles, then a stream to the gateway: a message that waits for its turn must not
//! hold a stream that another lane needs. But what was let through early and gets its stream late
//! would come to the gateway in a bunch with others. So a place at a turnstile holds for half a
//! second; who has its stream later takes another place, if there is one at once, and goes back to
//! the end of the line without the stream if not.

use std::sync::Arc;
use std::time::Duration;

use governor::Turnstile;
use provider::Outcome;
use runtime::clock::Moment;

use crate::answer::Answer;
use crate::attempt::Attempt;

/// How long a place holds.
const HOLDS: Duration = Duration::from_millis(500);

impl Attempt<'_> {
    /// Waits for a place at each turnstile, and for the stream that `slot` gives, until the
    /// attempt's time is over.
    pub(crate) async fn pass<S, F>(
        &self,
        turnstiles: &[Arc<Turnstile>],
        slot: impl Fn() -> F,
    ) -> Result<S, Answer>
    where
        F: Future<Output = Result<S, Outcome>>,
    {
        let clock = &self.backends.process.clock;
        let passed = async {
            loop {
                let let_through_at = self.pass_all(turnstiles).await;
                let slot = slot().await.map_err(Answer::Said)?;
                if self.still_hold(turnstiles, &let_through_at) {
                    return Ok(slot);
                }
            }
        };
        tokio::select! {
            biased;
            passed = passed => passed,
            // Behind a quota that is used up, or a gateway that does not answer, it may be longer.
            () = clock.sleep(self.until.since(clock.monotonic())) => Err(Answer::NotTried),
        }
    }

    async fn pass_all(&self, turnstiles: &[Arc<Turnstile>]) -> Vec<Moment> {
        let clock = &self.backends.process.clock;
        let mut let_through_at = Vec::with_capacity(turnstiles.len());
        for turnstile in turnstiles {
            turnstile.pass(self.campaign.lane).await;
            let_through_at.push(clock.monotonic());
        }
        let_through_at
    }

    /// Whether every place holds still, or could be taken anew.
    fn still_hold(&self, turnstiles: &[Arc<Turnstile>], let_through_at: &[Moment]) -> bool {
        let now = self.backends.process.clock.monotonic();
        turnstiles
            .iter()
            .zip(let_through_at)
            .all(|(turnstile, at)| now.since(*at) < HOLDS || turnstile.try_pass(self.campaign.lane).is_ok())
    }
}
