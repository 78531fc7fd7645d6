//! Posts feedback to the company's webhook.
//!
//! Rows of the outbox are taken for a while, posted, and marked. What dies in between is taken
//! again when that while is over: a webhook may get one twice, with the same `webhook-id`. What it
//! does not take is tried again, later and later, and given up in the end.

mod post;
mod sign;

use std::fmt;
use std::time::Duration;

use campaign::{Backoff, Retry};
use chrono::{DateTime, TimeDelta, Utc};
use database::Change;
use database::feedback::{self as rows, Feedback, FeedbackState};
use futures::stream::{self, StreamExt};
use runtime::Backends;
use runtime::job::{self, Outcome};
use tracing::warn;

use crate::error::Error;
use post::{Posted, Webhook};

/// Rows in one pass.
const PAGE: u32 = 100;

/// Posts under way at once.
const AT_ONCE: usize = 8;

/// The longest between two attempts.
const LONGEST: Duration = Duration::from_secs(3_600);

/// The bound of the first wait.
const FIRST: Duration = Duration::from_secs(5);

/// What a pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Taken by the webhook.
    pub sent: u32,
    /// To be tried again.
    pub put_off: u32,
    /// Given up.
    pub dead: u32,
    /// Whether there may be more.
    left: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            sent, put_off, dead, ..
        } = self;
        write!(
            f,
            "{sent} addresses reported, {put_off} to be tried again, {dead} given up"
        )
    }
}

impl job::Report for Report {
    fn outcome(&self) -> Outcome {
        match self {
            Self { left: true, .. } => Outcome::WorkLeft,
            Self {
                sent: 0,
                put_off: 0,
                dead: 0,
                ..
            } => Outcome::Idle,
            Self { .. } => Outcome::Worked,
        }
    }
}

/// Posts what is due, if there is a webhook.
pub async fn run(backends: &Backends) -> Result<Report, Error> {
    let Some(webhook) = Webhook::of(&backends.process.config)? else {
        return Ok(Report::default());
    };
    let settings = &backends.process.config.feedback;
    let now = backends.process.clock.now();
    // Each waits for its turn, and then for its answer.
    let turns = PAGE.div_ceil(AT_ONCE as u32) + 1;
    let until = now + settings.timeout * turns;
    let mut tx = backends.db.begin().await?;
    let due = rows::lease(&mut tx, now, until, PAGE).await?;
    tx.commit().await.repeatable()?;
    if !due.is_empty() {
        fault_points::reach!(
            ReportsLeased,
            Err(database::Error::unreachable(fault_points::Injected).into())
        );
    }
    let mut report = Report {
        left: due.len() == PAGE as usize,
        ..Report::default()
    };
    let mut posts = stream::iter(due)
        .map(async |feedback| {
            (
                webhook.post(&feedback, backends.process.clock.now()).await,
                feedback,
            )
        })
        .buffer_unordered(AT_ONCE);
    while let Some((posted, feedback)) = posts.next().await {
        fault_points::reach!(
            ReportPosted,
            Err(database::Error::unreachable(fault_points::Injected).into())
        );
        settle(backends, posted, &feedback, &mut report).await?;
    }
    Ok(report)
}

async fn settle(
    backends: &Backends,
    posted: Posted,
    feedback: &Feedback,
    report: &mut Report,
) -> Result<(), Error> {
    let now = backends.process.clock.now();
    let (state, due_at) = match posted {
        Posted::Taken => (FeedbackState::Sent, now),
        Posted::Refused(why) => match next(
            feedback.attempts,
            backends.process.config.feedback.attempts.get(),
            now,
        ) {
            Some(at) => (FeedbackState::Open, at),
            None => {
                warn!(feedback.id = %feedback.id, attempts = feedback.attempts, cause = why,
                    "the webhook does not take a report, which is given up");
                (FeedbackState::Dead, now)
            }
        },
    };
    let mut tx = backends.db.begin().await?;
    let settled = rows::settle(&mut tx, feedback, state, due_at).await?;
    if state == FeedbackState::Dead {
        fault_points::reach!(
            ReportGivenUp,
            Err(database::Error::unreachable(fault_points::Injected).into())
        );
    }
    tx.commit().await.repeatable()?;
    fault_points::reach!(
        ReportSettleAnswer,
        Err(database::Error::unreachable(fault_points::Injected).into())
    );
    if settled == Change::Applied {
        match state {
            FeedbackState::Sent => report.sent += 1,
            FeedbackState::Open => report.put_off += 1,
            FeedbackState::Dead => report.dead += 1,
        }
    }
    Ok(())
}

/// When it is tried again; `None` if it was tried often enough.
fn next(attempt: u32, attempts: u32, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let backoff = Backoff {
        base: FIRST,
        cap: LONGEST,
        attempts,
    };
    let never = now + TimeDelta::days(365);
    match backoff.after(attempt, rand::random(), None, now, never) {
        Retry::At(at) => Some(at),
        Retry::PastExpiry | Retry::Exhausted => None,
    }
}
