//! Asks for shares, again and again, all quotas of the process in one SQL transaction.
//!
//! Every second, and sooner where somebody waits for more than was asked for. A share counts from
//! before the question; what is known of the quota's other shares is read under its lock.

use std::time::Duration;

use chrono::{DateTime, Utc};
use database::quota::{self as rows, Share as Row};
use database::{Error, Tx};
use pacing::quota::{ASK_EVERY, Brake, Claim, Demand, Division, Turn, divide, lives_until, usable};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use super::Turnstiles;
use super::turnstile::{Limit, Question, Turnstile};

/// However much is waited for, questions are so far apart.
const APART: Duration = Duration::from_millis(100);

/// A campaign's turnstile that nobody has passed for so long is given up.
const IDLE: Duration = Duration::from_secs(30);

/// Asks until the governor is out of use; then gives the shares back, so that others need not wait
/// for their end.
pub(super) async fn again_and_again(turnstiles: Arc<Turnstiles>, out_of_use: CancellationToken) {
    let holder = Uuid::now_v7();
    let clock = turnstiles.backends.process.clock.clone();
    let mut is_answered = true;
    while !out_of_use.is_cancelled() {
        match ask(&turnstiles, holder).await {
            Ok(()) => is_answered = true,
            Err(error) => {
                // Once, and not every second.
                if is_answered {
                    warn!(
                        error = &error as &dyn std::error::Error,
                        "no shares of quotas: SQL did not answer"
                    );
                }
                is_answered = false;
            }
        }
        let next = async {
            clock.sleep(APART).await;
            tokio::select! {
                () = clock.sleep(ASK_EVERY - APART) => {}
                () = turnstiles.asked_for.notified() => {}
            }
        };
        tokio::select! {
            () = next => {}
            () = out_of_use.cancelled() => {}
        }
    }
    if let Err(error) = give_back(&turnstiles, turnstiles.all(), holder).await {
        warn!(
            error = &error as &dyn std::error::Error,
            "shares of quotas could not be given back, and end by themselves"
        );
    }
}

async fn ask(turnstiles: &Turnstiles, holder: Uuid) -> Result<(), Error> {
    let process = &turnstiles.backends.process;
    let unused = turnstiles.forget_unused();
    if !unused.is_empty() {
        give_back(turnstiles, unused, holder).await?;
    }
    let all = turnstiles.all();
    if all.is_empty() {
        return Ok(());
    }
    // Both before anything is sent: a share ends early rather than late.
    let (asked_at, now) = (process.clock.monotonic(), process.clock.now());
    let skew = process.config.sender.skew;
    let mut tx = turnstiles.backends.db.begin_ahead().await?;
    let mut answers = Vec::with_capacity(all.len());
    // Of those who send nothing, no share is worth a proof.
    let mut is_busy = false;
    // In the order of the names, so that two processes do not wait for each other.
    for turnstile in &all {
        let question = turnstile.ask();
        is_busy |= !question.claim.demand.is_none();
        answers.push(answer(&mut tx, turnstile, question, holder, now, skew).await?);
    }
    if is_busy {
        fault_points::reach!(ShareDivided, Err(Error::unreachable(fault_points::Injected)));
    }
    tx.commit().await.repeatable()?;
    if is_busy {
        fault_points::reach!(ShareCommitAnswer, Err(Error::unreachable(fault_points::Injected)));
        fault_points::reach!(ShareCommitted);
    }
    for (turnstile, (division, brake)) in all.iter().zip(answers) {
        let per_minute = turnstile.answer(division, asked_at);
        measure(turnstile, per_minute, brake, now);
    }
    Ok(())
}

/// Answers one question, and writes the answer down.
async fn answer(
    tx: &mut Tx,
    turnstile: &Turnstile,
    question: Question,
    holder: Uuid,
    now: DateTime<Utc>,
    skew: Duration,
) -> Result<(Division, Brake), Error> {
    let Turnstile { name, .. } = turnstile;
    let per_minute = turnstile.limit().per_minute();
    let unpressed = row_of(Brake::default());
    let mut brake = brake_of(rows::lock(tx, name, per_minute, unpressed).await?);
    if let Some(throttled) = question.throttled {
        brake.press(throttled, now);
        rows::set_brake(tx, name, row_of(brake)).await?;
        info!(
            quota.name = name,
            quota.per_minute = brake.of(per_minute, now),
            throttled.after_ms = u64::try_from(throttled.after.as_millis()).unwrap_or(u64::MAX),
            "a gateway says that it gets too much, and gets less"
        );
    }
    let may_be_shared = match turnstile.limit() {
        Limit::Quota(per_minute) => usable(brake.of(per_minute, now)),
        Limit::Pace(per_minute) => per_minute,
    };
    rows::delete_ended(tx, name, now).await?;
    let shares = rows::list_shares(&mut *tx, name, now).await?;
    let (own, others): (Vec<&Row>, Vec<&Row>) = shares.iter().partition(|share| share.holder == holder);
    // By holder, as they are listed.
    let before = others.iter().filter(|share| share.holder < holder).count();
    let others: Vec<_> = others.into_iter().map(claim_of).collect();
    let claim = question.claim.written_down(!own.is_empty());
    let division = divide(may_be_shared, claim, &others, Turn::at(now, before));
    rows::replace_share(
        tx,
        name,
        &Row {
            holder,
            per_minute: division.share,
            fast_demand: question.claim.demand.fast,
            bulk_demand: question.claim.demand.bulk,
            lives_until: lives_until(now, skew),
        },
    )
    .await?;
    Ok((division, brake))
}

async fn give_back(turnstiles: &Turnstiles, all: Vec<Arc<Turnstile>>, holder: Uuid) -> Result<(), Error> {
    let mut tx = turnstiles.backends.db.begin().await?;
    for turnstile in all {
        rows::give_back(&mut tx, &turnstile.name, holder).await?;
    }
    tx.commit().await.repeatable()
}

impl Turnstiles {
    fn all(&self) -> Vec<Arc<Turnstile>> {
        self.lock().values().cloned().collect()
    }

    /// Forgets the turnstiles of campaigns that nobody has passed for a while, or holds.
    fn forget_unused(&self) -> Vec<Arc<Turnstile>> {
        let mut by_name = self.lock();
        let unused = by_name.extract_if(.., |_, turnstile| {
            let is_campaigns = matches!(turnstile.limit(), Limit::Pace(_));
            let is_idle = turnstile.idle_for().is_some_and(|idle| idle >= IDLE);
            is_campaigns && is_idle && Arc::strong_count(turnstile) == 1
        });
        unused.map(|(_, turnstile)| turnstile).collect()
    }
}

/// Shows a gateway's quota; those of campaigns come and go.
fn measure(turnstile: &Turnstile, per_minute: u64, brake: Brake, now: DateTime<Utc>) {
    if let Limit::Quota(_) = turnstile.limit() {
        let quota = || turnstile.name.clone();
        metrics::gauge!("noroshi_quota_share_per_minute", "quota" => quota()).set(per_minute as f64);
        let allowed = f64::from(brake.allows(now)) / 1_000.0;
        metrics::gauge!("noroshi_quota_allowed", "quota" => quota()).set(allowed);
    }
}

fn claim_of(share: &Row) -> Claim {
    Claim {
        held: share.per_minute,
        demand: Demand {
            fast: share.fast_demand,
            bulk: share.bulk_demand,
        },
    }
}

fn brake_of(row: rows::Brake) -> Brake {
    Brake {
        allowed: row.allowed,
        pressed_at: row.pressed_at,
        held_until: row.held_until,
    }
}

fn row_of(brake: Brake) -> rows::Brake {
    rows::Brake {
        allowed: brake.allowed,
        pressed_at: brake.pressed_at,
        held_until: brake.held_until,
    }
}
