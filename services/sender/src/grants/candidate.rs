//! Whose push is to be raised by a rendezvous, and whose is settled before.

use std::collections::HashMap;

use campaign::{PushId, Reason, Standing};
use database::campaign::CouponFor;

use crate::campaigns::Coupon;
use crate::sort::Wanted;

/// A push whose user is to get the coupon.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The push.
    pub push: PushId,
    /// Its place in the chunk.
    pub place: u16,
    /// The user.
    pub user: String,
}

/// The users who are to get the coupon, by place, and those who cannot be reached where it is for
/// the reachable. Whoever is known to have it is neither.
pub(super) fn candidates(coupon: Coupon, wanted: &[Wanted]) -> (Vec<Candidate>, HashMap<PushId, Reason>) {
    let mut candidates = Vec::with_capacity(wanted.len());
    let mut unreachable = HashMap::new();
    for Wanted { push, user, devices } in wanted {
        match push.standing {
            Standing::Granted | Standing::Settled(_) => {}
            Standing::Pending if coupon.given_to == CouponFor::Reachable && devices.is_empty() => {
                unreachable.insert(push.id, Reason::NoDevice);
            }
            Standing::Pending => {
                candidates.push(Candidate {
                    push: push.id,
                    place: push.place,
                    user: user.clone(),
                });
            }
        }
    }
    (candidates, unreachable)
}
