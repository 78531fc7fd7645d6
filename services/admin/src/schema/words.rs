//! Descriptions, for the API's document, of words that the rules define. Nothing is made of them;
//! a test holds them to the rules.
#![expect(dead_code, reason = "only their schemas are used")]

use utoipa::ToSchema;

/// Describes words that are defined elsewhere, and tests that they are all of them.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident of $all:expr => { $($word:ident),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(ToSchema)]
            #[schema(rename_all = "snake_case")]
            pub(crate) enum $name { $($word),+ }
        )+

        #[cfg(test)]
        #[test]
        fn the_words_are_those_of_the_rules() {
            $(
                let described = serde_json::to_value(<$name as utoipa::PartialSchema>::schema()).unwrap();
                let defined: Vec<_> = $all.iter().map(|word| word.as_str()).collect();
                assert_eq!(described["enum"], serde_json::json!(defined), stringify!($name));
            )+
        }
    };
}

words! {
    /// Where a campaign is on its way.
    CampaignState of campaign::CampaignState::ALL => {
        Draft, Scheduled, Running, Paused, Finished, Cancelled, Failed,
    }
    /// How far a campaign's canary is.
    CanaryState of campaign::CanaryState::ALL => { Open, Passed, Failed, Waived }
    /// Where a push is on its way; only the first two are not final.
    PushState of campaign::PushState::ALL => {
        Pending, Granted, Sent, Failed, Skipped, Cancelled, Expired,
    }
    /// Why a push is in its final state.
    PushReason of campaign::Reason::ALL => {
        Accepted, Unregistered, AddressWrong, PayloadWrong, PayloadTooLarge, RenderFailed, GrantRefused,
        CredentialRefused, GatewayThrottled, GatewayUnreachable, OptedOut, Erased, NoDevice, LocalTimePast, CouponExhausted,
        CouponInvalid, CampaignCancelled, CampaignFailed, PastExpiry,
    }
    /// Where an audience is on its way.
    AudienceState of database::audience::AudienceState::ALL => {
        Uploading, Uploaded, Importing, Ready, Refused, Cancelled,
    }
    /// Whether a report is being made, can be downloaded, or could be once.
    ReportState of database::report::ReportState::ALL => { Making, Ready, Expired }
    /// What an audience's import does.
    ImportPhase of database::audience::Phase::ALL => { Sort, Merge, Report }
    /// How far the erasure of a user is.
    ErasureState of database::erasure::ErasureState::ALL => { Open, Done }
    /// How far an inconsistency is.
    InconsistencyState of database::inconsistency::InconsistencyState::ALL => { Open, Repaired, Dead }
    /// How the second of two commits ended.
    InconsistencyKind of database::inconsistency::InconsistencyKind::ALL => { NotCommitted, Unknown, Found }
    /// How far an intent is.
    IntentState of database::shard::intent::IntentState::ALL => { Open, Closed, Dead }
    /// What became of an address.
    AddressFate of database::feedback::Fate::ALL => { Gone, Wrong }
    /// Whether a webhook has a report.
    FeedbackState of database::feedback::FeedbackState::ALL => { Open, Sent, Dead }
    /// Where a chunk is on its way; the last two are final.
    ChunkState of campaign::ChunkState::ALL => { Waiting, Queued, Leased, Done, Cancelled }
    /// How much the load guard lets begin: everything, less, or nothing.
    GuardState of runtime::guard::State::ALL => { Free, Slowed, Held }
    /// What slows us down.
    GuardCause of runtime::guard::Cause::ALL => { ReplicaLag, ThreadsRunning, Statement, DatastoreErrors }
    /// Whether a replica answers. A silent one is taken to apply nothing, and dropped after half a minute.
    GuardHearing of runtime::guard::Hearing::ALL => { Heard, Stopped, Silent, Dropped }
}
