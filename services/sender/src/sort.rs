//! Sorts a chunk's pushes: what is settled without a send, and what is to be delivered where.
//!
//! The reads come first, one for each question and whole chunk; the decision for each push is
//! then a pure function of the answers.

use std::collections::{HashMap, HashSet};

use campaign::{PushId, Reason, Standing};
use chrono::{DateTime, Utc};
use database::{Db, device, erasure, opt_out};
use provider::Gateways;
use push_store::Push;

use crate::error::Error;
use runtime::destination::Destination;

/// What is known about the users of a chunk.
#[derive(Debug, Default)]
pub(crate) struct Known {
    pub(crate) opted_out: HashSet<String>,
    pub(crate) erased: HashSet<String>,
    pub(crate) devices: HashMap<String, Vec<Destination>>,
}

/// A push to be delivered, and where to. No device at all is decided after the coupon.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) push: Push,
    pub(crate) user: String,
    pub(crate) devices: Vec<Destination>,
}

/// A chunk's pushes, sorted. Those that are final already are in neither list.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    pub(crate) settled: Vec<(PushId, Reason)>,
    pub(crate) wanted: Vec<Wanted>,
}

impl Sorted {
    /// Settles those of the wanted pushes that get no coupon, with these reasons.
    pub(crate) fn refuse(&mut self, refused: HashMap<PushId, Reason>) {
        self.wanted
            .retain(|Wanted { push, .. }| !refused.contains_key(&push.id));
        self.settled.extend(refused);
    }
}

/// Asks SQL about the users of the pushes that are not final.
pub(crate) async fn ask(
    db: &Db,
    gateways: &Gateways,
    pushes: &[Push],
    now: DateTime<Utc>,
) -> Result<Known, Error> {
    let open = pushes.iter().filter(|push| !push.standing.state().is_final());
    let users = open.filter_map(|push| push.user.as_deref()).collect::<Vec<_>>();
    if users.is_empty() {
        return Ok(Known::default());
    }
    let mut devices = HashMap::<String, Vec<Destination>>::with_capacity(users.len());
    for mut device in device::list_reachable(db, &users, now).await? {
        let user = std::mem::take(&mut device.registration.user_id);
        if let Some(destination) = Destination::of(device, gateways) {
            devices.entry(user).or_default().push(destination);
        }
    }
    Ok(Known {
        opted_out: opt_out::list_among(db, &users).await?,
        erased: erasure::list_erased_among(db, &users).await?,
        devices,
    })
}

/// Decides for every push that is not final.
pub(crate) fn sort(
    pushes: Vec<Push>,
    mut known: Known,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Sorted {
    let mut sorted = Sorted::default();
    for push in pushes {
        match push.standing {
            Standing::Settled(_) => continue,
            Standing::Pending | Standing::Granted => {}
        }
        match decide(&push, &known, expires_at, now) {
            Ok(user) => {
                let devices = known.devices.remove(&user).unwrap_or_default();
                sorted.wanted.push(Wanted { push, user, devices });
            }
            Err(reason) => sorted.settled.push((push.id, reason)),
        }
    }
    sorted
}

/// The user that the push is for, or why it is not delivered.
fn decide(
    push: &Push,
    known: &Known,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<String, Reason> {
    let Some(user) = &push.user else {
        return Err(Reason::Erased);
    };
    if known.erased.contains(user) {
        Err(Reason::Erased)
    } else if known.opted_out.contains(user) {
        Err(Reason::OptedOut)
    } else if now >= expires_at {
        Err(Reason::PastExpiry)
    } else {
        Ok(user.clone())
    }
}
