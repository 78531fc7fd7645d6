//! Permits: the short-lived knowledge that a campaign may send.
//!
//! One task asks the SQL primary for the control state again and again. An answer permits for a
//! fixed time from the *start* of its question, on a clock that never jumps. So whoever pauses,
//! cancels or stops only has to commit and to wait for longer than a permit lasts: after that
//! nobody sends, reachable or not.

use std::collections::HashMap;
use std::time::Duration;

use campaign::{CampaignId, CampaignState};
use database::Db;
use database::control::{self, GlobalStop};
use runtime::clock::Moment;
use runtime::{Clock, Process};
use tokio::sync::watch;
use tracing::warn;

/// What the last answer says about a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    /// It may send.
    Go,
    /// It is paused, or everything is stopped: later.
    Hold,
    /// It is final, or does not exist.
    Ended,
    /// There is no answer that is fresh enough: SQL does not answer.
    Unknown,
}

/// The control state as it was answered last. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Permits {
    clock: Clock,
    lifetime: Duration,
    answers: watch::Receiver<Answer>,
}

#[derive(Debug, Default)]
struct Answer {
    /// When it was asked for; `None` before the first.
    asked_at: Option<Moment>,
    stopped: bool,
    states: HashMap<CampaignId, CampaignState>,
}

impl Permits {
    /// Starts to ask, until the process has drained.
    pub(crate) fn start(process: &Process, db: Db) -> Self {
        let (answers, received) = watch::channel(Answer::default());
        let settings = &process.config.sender;
        let permits = Self {
            clock: process.clock.clone(),
            lifetime: settings.permit,
            answers: received,
        };
        process.tasks.spawn(ask_again_and_again(
            process.clock.clone(),
            settings.permit_poll,
            db,
            answers,
        ));
        permits
    }

    /// Whether the campaign may send at this moment. To be asked last, right before a send.
    pub(crate) fn check(&self, campaign: CampaignId) -> Permit {
        let answer = self.answers.borrow();
        let fresh = answer
            .asked_at
            .is_some_and(|at| self.clock.monotonic() < at + self.lifetime);
        match answer.states.get(&campaign) {
            _ if !fresh => Permit::Unknown,
            _ if answer.stopped => Permit::Hold,
            Some(CampaignState::Running) => Permit::Go,
            Some(CampaignState::Draft | CampaignState::Scheduled | CampaignState::Paused) => Permit::Hold,
            Some(CampaignState::Finished | CampaignState::Cancelled | CampaignState::Failed) | None => {
                Permit::Ended
            }
        }
    }

    /// The permit by an answer that was asked for after this call: a campaign that was started a
    /// moment ago is in it. [`Permit::Unknown`] if none comes within a permit's lifetime.
    pub(crate) async fn check_anew(&self, campaign: CampaignId) -> Permit {
        let now = self.clock.monotonic();
        let mut answers = self.answers.clone();
        let anew = answers.wait_for(|answer| answer.asked_at.is_some_and(|at| at >= now));
        let came = tokio::select! {
            came = anew => came.is_ok(),
            () = self.clock.sleep(self.lifetime) => false,
        };
        if came {
            self.check(campaign)
        } else {
            Permit::Unknown
        }
    }
}

/// Ends when nobody holds a permit any more.
async fn ask_again_and_again(clock: Clock, every: Duration, db: Db, answers: watch::Sender<Answer>) {
    while !answers.is_closed() {
        let asked_at = clock.monotonic();
        match control::state(&db).await {
            Ok(state) => {
                let stopped = state.stop == GlobalStop::On;
                let states = state.campaigns.into_iter().collect();
                answers.send_replace(Answer {
                    asked_at: Some(asked_at),
                    stopped,
                    states,
                });
            }
            Err(error) => {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "no permits: SQL did not answer"
                );
            }
        }
        let rest = every.saturating_sub(clock.monotonic().since(asked_at));
        tokio::select! {
            () = clock.sleep(rest) => {}
            () = answers.closed() => {}
        }
    }
}
