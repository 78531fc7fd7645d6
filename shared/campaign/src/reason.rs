//! Why a push ended as it did.
//!
//! A reason belongs to exactly one final state, so whoever settles a push names the reason and
//! the state follows: the two can never disagree.

use crate::PushState;
use crate::word::words;

words! {
    /// Why a push is in its final state.
    #[derive(PartialOrd, Ord)]
    Reason {
        /// A gateway accepted at least one of the user's addresses.
        Accepted = "accepted",

        /// Every address of the user is gone, by the gateway's word.
        Unregistered = "unregistered",
        /// No address was accepted, and at least one is wrong for this gateway or sender.
        AddressWrong = "address_wrong",
        /// The gateway refused the message itself.
        PayloadWrong = "payload_wrong",
        /// The rendered message is larger than a gateway takes.
        PayloadTooLarge = "payload_too_large",
        /// The message could not be rendered with this recipient's variables.
        RenderFailed = "render_failed",
        /// SQL refuses the row that would grant the user the coupon.
        GrantRefused = "grant_refused",
        /// The gateway refused our credentials until the push expired.
        CredentialRefused = "credential_refused",
        /// The gateway throttled us until the attempts were used up.
        GatewayThrottled = "gateway_throttled",
        /// The gateway could not be reached until the attempts were used up.
        GatewayUnreachable = "gateway_unreachable",

        /// The user does not want pushes.
        OptedOut = "opted_out",
        /// The user was erased; neither id nor variables are left.
        Erased = "erased",
        /// The user has no address to send to.
        NoDevice = "no_device",
        /// The recipient's local time was past when the campaign started.
        LocalTimePast = "local_time_past",
        /// The coupon's stock was used up.
        CouponExhausted = "coupon_exhausted",
        /// The coupon was no longer valid.
        CouponInvalid = "coupon_invalid",

        /// The campaign was cancelled first.
        CampaignCancelled = "campaign_cancelled",
        /// The campaign failed first.
        CampaignFailed = "campaign_failed",

        /// The campaign's expiry came first.
        PastExpiry = "past_expiry",
    }
}

impl Reason {
    /// The one final state that this is a reason for.
    pub fn state(self) -> PushState {
        match self {
            Self::Accepted => PushState::Sent,
            Self::Unregistered
            | Self::AddressWrong
            | Self::PayloadWrong
            | Self::PayloadTooLarge
            | Self::RenderFailed
            | Self::GrantRefused
            | Self::CredentialRefused
            | Self::GatewayThrottled
            | Self::GatewayUnreachable => PushState::Failed,
            Self::OptedOut
            | Self::Erased
            | Self::NoDevice
            | Self::LocalTimePast
            | Self::CouponExhausted
            | Self::CouponInvalid => PushState::Skipped,
            Self::CampaignCancelled | Self::CampaignFailed => PushState::Cancelled,
            Self::PastExpiry => PushState::Expired,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_final_state_has_a_reason_and_no_other_state_has() {
        for state in PushState::ALL {
            let has_reason = Reason::ALL.into_iter().any(|reason| reason.state() == state);

            assert_eq!(has_reason, state.is_final(), "{state:?}");
        }
    }
}
