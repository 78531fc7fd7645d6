//! What the gateways said for one user's addresses, summed up for the push.
//!
//! A push is `sent` when one address took it. It is tried again only when none did and one may
//! still. Otherwise the fault that says most becomes its reason.

use std::time::Duration;

use campaign::Reason;
use provider::{Outcome, Scope, Unreachable};

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It is final.
    Settled(Reason),
    /// A gateway put it off; `exhausted` is its reason if no attempt is left.
    Later {
        after: Option<Duration>,
        exhausted: Reason,
    },
    /// A gateway does not accept who we are: it waits, and no attempt is used up; not earlier than
    /// `after`, if another gateway asks for that.
    Held { after: Option<Duration> },
    /// It was not tried: no permit, or no time left in this attempt.
    NotTried,
}

/// What came of one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Said(Outcome),
    TooLate,
    NotTried,
}

/// What becomes of a push whose addresses gave these answers; none at all count as gone. A
/// gateway that throttles and does not say for how long is given `throttled_floor`.
pub(crate) fn sum_up(answers: &[Answer], throttled_floor: Duration) -> Sent {
    let mut best = Sent::Settled(Reason::Unregistered);
    for answer in answers {
        let one = match answer {
            Answer::TooLate => Sent::Settled(Reason::PastExpiry),
            Answer::NotTried => Sent::NotTried,
            Answer::Said(outcome) => of_outcome(outcome, throttled_floor),
        };
        if weight(&one) > weight(&best) {
            best = one;
        }
    }
    match best {
        Sent::Held { .. } => Sent::Held {
            after: answers
                .iter()
                .filter_map(|answer| asked(answer, throttled_floor))
                .max(),
        },
        best => best,
    }
}

/// How long a gateway asks to wait.
fn asked(answer: &Answer, throttled_floor: Duration) -> Option<Duration> {
    match answer {
        Answer::TooLate | Answer::NotTried => None,
        Answer::Said(outcome) => match of_outcome(outcome, throttled_floor) {
            Sent::Later { after, .. } => after,
            Sent::Settled(_) | Sent::Held { .. } | Sent::NotTried => None,
        },
    }
}

impl Answer {
    /// The word under which metrics count it.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::TooLate => "too_late",
            Self::NotTried => "not_tried",
            Self::Said(Outcome::Accepted) => "accepted",
            Self::Said(Outcome::AddressGone { .. }) => "address_gone",
            Self::Said(Outcome::AddressWrong) => "address_wrong",
            Self::Said(Outcome::PayloadWrong(_)) => "payload_wrong",
            Self::Said(Outcome::Throttled {
                scope: Scope::Device, ..
            }) => "device_throttled",
            Self::Said(Outcome::Throttled {
                scope: Scope::Project,
                ..
            }) => "throttled",
            Self::Said(Outcome::CredentialRefused(_)) => "credential_refused",
            Self::Said(Outcome::Unreachable(Unreachable::NotDelivered { .. })) => "not_delivered",
            Self::Said(Outcome::Unreachable(Unreachable::PossiblyDelivered)) => "possibly_delivered",
        }
    }
}

fn of_outcome(outcome: &Outcome, throttled_floor: Duration) -> Sent {
    match outcome {
        Outcome::Accepted => Sent::Settled(Reason::Accepted),
        Outcome::AddressGone { .. } => Sent::Settled(Reason::Unregistered),
        Outcome::AddressWrong => Sent::Settled(Reason::AddressWrong),
        Outcome::PayloadWrong(_) => Sent::Settled(Reason::PayloadWrong),
        Outcome::Throttled { after, scope: _ } => Sent::Later {
            after: Some(after.unwrap_or(throttled_floor)),
            exhausted: Reason::GatewayThrottled,
        },
        Outcome::CredentialRefused(_) => Sent::Held { after: None },
        Outcome::Unreachable(Unreachable::NotDelivered { after }) => Sent::Later {
            after: *after,
            exhausted: Reason::GatewayUnreachable,
        },
        Outcome::Unreachable(Unreachable::PossiblyDelivered) => Sent::Later {
            after: None,
            exhausted: Reason::GatewayUnreachable,
        },
    }
}

/// Of the answers for a user's addresses, the one that weighs most stands for the push:
/// acceptance, then what may still come, first what uses up no attempt, then the fault that says most.
fn weight(sent: &Sent) -> (u8, Duration) {
    match sent {
        Sent::Settled(Reason::Accepted) => (6, Duration::ZERO),
        Sent::Held { .. } => (5, Duration::ZERO),
        Sent::Later { after, .. } => (4, after.unwrap_or_default()),
        Sent::NotTried => (3, Duration::ZERO),
        Sent::Settled(Reason::PastExpiry) => (2, Duration::ZERO),
        Sent::Settled(Reason::Unregistered) => (0, Duration::ZERO),
        Sent::Settled(_) => (1, Duration::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use provider::Whose;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn sum_up_said(outcomes: impl IntoIterator<Item = Outcome>) -> Sent {
        let answers = outcomes.into_iter().map(Answer::Said);
        sum_up(&answers.collect::<Vec<_>>(), MINUTE)
    }

    #[test]
    fn one_acceptance_is_enough() {
        let sent = sum_up_said([
            Outcome::AddressGone { since: None },
            Outcome::Accepted,
            Outcome::Unreachable(Unreachable::PossiblyDelivered),
        ]);

        assert_eq!(sent, Sent::Settled(Reason::Accepted));
    }

    #[test]
    fn what_may_still_come_outweighs_what_cannot_and_the_longest_wait_counts() {
        let scope = Scope::Project;
        let throttled = |after| Outcome::Throttled { after, scope };
        let long = Some(2 * MINUTE);
        let exhausted = Reason::GatewayThrottled;

        let named = sum_up_said([Outcome::AddressWrong, throttled(None), throttled(long)]);
        let unnamed = sum_up_said([throttled(Some(MINUTE / 2)), throttled(None)]);
        let not_tried = sum_up(&[Answer::TooLate, Answer::NotTried], MINUTE);

        assert_eq!(
            named,
            Sent::Later {
                after: long,
                exhausted
            }
        );
        let after = Some(MINUTE);
        assert_eq!(unnamed, Sent::Later { after, exhausted });
        assert_eq!(not_tried, Sent::NotTried);
    }

    #[test]
    fn a_refused_credential_holds_the_push_as_long_as_another_gateway_asks_for() {
        let after = Some(2 * MINUTE);
        let scope = Scope::Device;

        let held = sum_up_said([
            Outcome::AddressWrong,
            Outcome::CredentialRefused(Whose::Ours),
            Outcome::Throttled { after, scope },
        ]);

        assert_eq!(held, Sent::Held { after });
    }

    #[test]
    fn only_when_every_address_is_gone_is_the_user_unregistered() {
        let gone = sum_up_said([
            Outcome::AddressGone { since: None },
            Outcome::AddressGone { since: None },
        ]);
        let wrong = sum_up_said([Outcome::AddressGone { since: None }, Outcome::AddressWrong]);

        assert_eq!(gone, Sent::Settled(Reason::Unregistered));
        assert_eq!(wrong, Sent::Settled(Reason::AddressWrong));
    }
}
