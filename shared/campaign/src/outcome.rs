//! Why a push ended as it did.
//!
//! A reason belongs to exactly one final state, so whoever settles a push names the reason and
//! the state follows: the two can never disagree. The words are stored, shown and counted;
//! they never change their meaning.

use serde::{Deserialize, Serialize};

use crate::PushState;

/// Declares the reasons once: variant, word, state.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $word:literal => $state:ident,)+) => {
        /// Why a push is in its final state.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Reason {
            $($(#[$doc])* $name,)+
        }

        impl Reason {
            /// Every reason, state by state.
            pub const ALL: [Self; [$($word),+].len()] = [$(Self::$name),+];

            /// The one final state that this is a reason for.
            pub fn state(self) -> PushState {
                match self {
                    $(Self::$name => PushState::$state,)+
                }
            }

            /// The word that the stores and the API use.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }
        }
    };
}

reasons! {
    /// A gateway accepted at least one of the user's addresses.
    Accepted = "accepted" => Sent,

    /// Every address of the user is gone, by the gateway's word.
    Unregistered = "unregistered" => Failed,
    /// No address was accepted, and at least one is wrong for this gateway or sender.
    AddressWrong = "address_wrong" => Failed,
    /// The gateway refused the message itself.
    PayloadWrong = "payload_wrong" => Failed,
    /// The rendered message is larger than a gateway takes.
    PayloadTooLarge = "payload_too_large" => Failed,
    /// The message could not be rendered with this recipient's variables.
    RenderFailed = "render_failed" => Failed,
    /// The gateway refused our credentials until the attempts were used up.
    CredentialRefused = "credential_refused" => Failed,
    /// The gateway throttled us until the attempts were used up.
    GatewayThrottled = "gateway_throttled" => Failed,
    /// The gateway could not be reached until the attempts were used up.
    GatewayUnreachable = "gateway_unreachable" => Failed,

    /// The user does not want pushes.
    OptedOut = "opted_out" => Skipped,
    /// The user was erased; neither id nor variables are left.
    Erased = "erased" => Skipped,
    /// The user has no address to send to.
    NoDevice = "no_device" => Skipped,
    /// The recipient's local time was past when the campaign started.
    LocalTimePast = "local_time_past" => Skipped,
    /// The coupon's stock was used up.
    CouponExhausted = "coupon_exhausted" => Skipped,
    /// The coupon was no longer valid.
    CouponInvalid = "coupon_invalid" => Skipped,

    /// The campaign was cancelled first.
    CampaignCancelled = "campaign_cancelled" => Cancelled,
    /// The campaign failed first.
    CampaignFailed = "campaign_failed" => Cancelled,

    /// The campaign's expiry came first.
    PastExpiry = "past_expiry" => Expired,
}

impl Reason {
    /// The reason of that word, if there is one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_reasons_are_one_to_one_and_json_uses_the_words() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.as_str()), Some(reason));
            assert_eq!(serde_json::json!(reason), reason.as_str());
        }
        assert_eq!(Reason::parse("Accepted"), None);
    }

    #[test]
    fn every_final_state_has_a_reason_and_no_other_state_has() {
        for state in PushState::ALL {
            let has_reason = Reason::ALL.into_iter().any(|reason| reason.state() == state);

            assert_eq!(has_reason, state.is_final(), "{state:?}");
        }
    }
}
