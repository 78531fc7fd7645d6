//! What a seed draws before its world begins: the campaign, the machines, the faults.

use super::scheduler::{Millis, Scheduler};

/// How long a permit lasts from the start of its question.
pub(super) const PERMIT: Millis = 600;
/// How often the control state is asked for.
pub(super) const PERMIT_POLL: Millis = 200;
/// How long a cancel waits before it is answered.
pub(super) const CANCEL_WAIT: Millis = PERMIT + 100;
/// A lease, and how far two clocks may be apart.
pub(super) const LEASE: Millis = 60_000;
pub(super) const SKEW: Millis = 5_000;
/// No send starts later than this after the lease was asked for.
pub(super) const BUDGET: Millis = 30_000;
/// Results are settled at least this often.
pub(super) const SETTLE_EVERY: Millis = 1_000;
/// The longest that a gateway, a store and a lock are waited for.
pub(super) const GATEWAY_TIMEOUT: Millis = 10_000;
pub(super) const STORE_TIMEOUT: Millis = 5_000;
pub(super) const LOCK_WAIT: Millis = 2_000;
/// How long what nobody waits for any more may stay in doubt.
pub(super) const IN_DOUBT: Millis = 60_000;
/// Age from which reconcile takes an intent up, and for how long it leases it.
pub(super) const INTENT_AGE: Millis = 2_000;
pub(super) const INTENT_LEASE: Millis = 3_000;
/// How long after its end a cancelled campaign is looked at.
pub(super) const LATE_MARKERS: Millis = 300_000;
pub(super) const LOOK_AHEAD: Millis = 30_000;
pub(super) const PICK_UP: Millis = 60_000;
pub(super) const PICK_UP_MAX: Millis = 240_000;
/// A world that is not at rest after this long is stuck.
pub(super) const TOO_LONG: Millis = 12 * 3_600_000;

/// The drawn part.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// Users of each chunk.
    pub(super) chunks: Vec<usize>,
    /// Coupons, if the campaign has any.
    pub(super) stock: Option<u32>,
    pub(super) send: Send,
    pub(super) lifetime: Millis,
    /// Chunks that may be in the queue.
    pub(super) in_queue: usize,
    pub(super) attempts: u32,
    pub(super) store: Concurrency,
    pub(super) faults: Faults,
    pub(super) people: Vec<(Millis, Deed)>,
}

/// When the campaign is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Send {
    Now,
    In(Millis),
    /// At a local time, in zones a quarter of an hour apart; that long after the start in the
    /// first zone, or before it.
    Local(i64),
}

/// How Datastore isolates transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Concurrency {
    Optimistic,
    Pessimistic,
}

/// What people do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Pause, and resume that long after the answer.
    PauseFor(Millis),
    Cancel,
    OptOut(usize),
    Erase(usize),
}

/// Chances in a thousand, each at every occasion, until the faults end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Faults {
    pub(super) until: Millis,
    pub(super) crash: u64,
    /// A task stands still for a while.
    pub(super) freeze: u64,
    pub(super) lost_request: u64,
    pub(super) lost_reply: u64,
    pub(super) late: u64,
    pub(super) forgotten_task: u64,
    pub(super) doubled_task: u64,
    pub(super) refused_send: u64,
    pub(super) lost_answer: u64,
    /// The queue loses everything at this time.
    pub(super) wipe_at: Option<Millis>,
}

impl Settings {
    pub(super) fn draw<W>(from: &Scheduler<W>) -> Self {
        let chunks = (0..from.draw(1..=4))
            .map(|_| from.draw(1..=3) as usize)
            .collect::<Vec<_>>();
        let users = chunks.iter().sum::<usize>();
        let stock = from.chance(800).then(|| {
            let most = users as u64;
            // Enough for all, or for some.
            u32::try_from(if from.chance(400) {
                most
            } else {
                from.draw(0..=most)
            })
            .unwrap_or(0)
        });
        let send = match from.draw(0..=3) {
            0 | 1 => Send::Now,
            2 => Send::In(from.draw(1..=90_000)),
            _ => Send::Local(from.draw(0..=120) as i64 * 1_000 - 60_000),
        };
        let lifetime = if from.chance(300) {
            from.draw(20_000..=200_000)
        } else {
            7_200_000
        };
        Self {
            stock,
            send,
            lifetime,
            in_queue: from.draw(1..=3) as usize,
            attempts: from.draw(2..=5) as u32,
            store: if from.chance(500) {
                Concurrency::Optimistic
            } else {
                Concurrency::Pessimistic
            },
            faults: Faults::draw(from),
            people: people(from, users),
            chunks,
        }
    }
}

impl Faults {
    /// Nothing goes wrong any more.
    pub(super) const NONE: Self = Self {
        until: 0,
        crash: 0,
        freeze: 0,
        lost_request: 0,
        lost_reply: 0,
        late: 0,
        forgotten_task: 0,
        doubled_task: 0,
        refused_send: 0,
        lost_answer: 0,
        wipe_at: None,
    };

    /// Some seeds are quiet, most have a few kinds of fault, some have all.
    fn draw<W>(from: &Scheduler<W>) -> Self {
        let weight = from.draw(0..=3);
        let rate = |most: u64| {
            if from.chance(600) {
                from.draw(0..=most * weight)
            } else {
                0
            }
        };
        Self {
            until: from.draw(5_000..=400_000),
            crash: rate(8),
            freeze: rate(3),
            lost_request: rate(15),
            lost_reply: rate(15),
            late: rate(10),
            forgotten_task: rate(80),
            doubled_task: rate(80),
            refused_send: rate(150),
            lost_answer: rate(60),
            wipe_at: from.chance(150).then(|| from.draw(1..=200_000)),
        }
    }
}

fn people<W>(from: &Scheduler<W>, users: usize) -> Vec<(Millis, Deed)> {
    let mut deeds = Vec::new();
    let soon = || {
        if from.chance(500) {
            from.draw(0..=5_000)
        } else {
            from.draw(0..=200_000)
        }
    };
    if from.chance(300) {
        deeds.push((soon(), Deed::PauseFor(from.draw(0..=100_000))));
    }
    if from.chance(300) {
        deeds.push((soon(), Deed::Cancel));
    }
    for user in 0..users {
        if from.chance(60) {
            deeds.push((soon(), Deed::OptOut(user)));
        }
        if from.chance(60) {
            deeds.push((soon(), Deed::Erase(user)));
        }
    }
    deeds
}
