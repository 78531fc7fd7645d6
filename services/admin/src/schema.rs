//! Descriptions, for the API's document, of values that the rules define: words of states, and
//! the shapes of messages and schedules. Nothing is made of them; tests hold them to the rules.
#![expect(dead_code, reason = "only their schemas are used")]

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, Utc};
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
    /// Where a push is on its way; only the first two are not final.
    PushState of campaign::PushState::ALL => {
        Pending, Granted, Sent, Failed, Skipped, Cancelled, Expired,
    }
    /// Why a push is in its final state.
    PushReason of campaign::Reason::ALL => {
        Accepted, Unregistered, AddressWrong, PayloadWrong, PayloadTooLarge, RenderFailed, CredentialRefused,
        GatewayThrottled, GatewayUnreachable, OptedOut, Erased, NoDevice, LocalTimePast, CouponExhausted,
        CouponInvalid, CampaignCancelled, CampaignFailed, PastExpiry,
    }
    /// Where an audience is on its way.
    AudienceState of database::audience::AudienceState::ALL => {
        Uploading, Uploaded, Importing, Ready, Refused, Cancelled,
    }
    /// How far the erasure of a user is.
    ErasureState of database::erasure::ErasureState::ALL => { Open, Done }
    /// How far an inconsistency is.
    InconsistencyState of database::inconsistency::InconsistencyState::ALL => { Open, Repaired, Dead }
    /// How the second of two commits ended.
    InconsistencyKind of database::inconsistency::InconsistencyKind::ALL => { NotCommitted, Unknown, Found }
}

/// What recipients see. Texts, data values, image and deep link are templates over the audience's
/// variables and `user_id`.
#[derive(ToSchema)]
#[schema(example = json!({
    "default_locale": "ja",
    "texts": {
        "ja": {"title": "{{ name }}さんへ", "body": "クーポンをどうぞ"},
        "en": {"title": "For {{ name }}", "body": "A coupon for you"}
    }
}))]
pub(crate) struct Message {
    /// The locale of recipients who name none, or one that no text fits. A key of `texts`.
    default_locale: String,
    /// The texts by locale, a well-formed BCP 47 tag.
    texts: BTreeMap<String, Texts>,
    /// Key and value template pairs for the app.
    data: Option<BTreeMap<String, String>>,
    /// The sound's name in the app, or `default`; none is silent.
    sound: Option<String>,
    /// The number on the app's icon; none leaves it as it is.
    badge: Option<u32>,
    /// The id of the Android notification channel.
    channel: Option<String>,
    /// How long a gateway keeps it for a device that cannot be reached; none is until it expires.
    #[schema(maximum = 2_419_200)]
    ttl_seconds: Option<u64>,
    /// How much it may disturb a sleeping device; by default `high`.
    priority: Option<Priority>,
}

/// The texts of one locale.
#[derive(ToSchema)]
pub(crate) struct Texts {
    /// The headline.
    title: String,
    /// The text below it.
    body: String,
    /// The https URL of a picture. Left out where it renders empty.
    image: Option<String>,
    /// What the app opens. Left out where it renders empty.
    deep_link: Option<String>,
}

/// How much a push may disturb a sleeping device.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Priority {
    /// Shown at once.
    High,
    /// Shown when the device is awake.
    Normal,
}

/// When a campaign is sent and when its pushes expire.
#[derive(ToSchema)]
#[schema(example = json!({
    "at": {"local": {"time": "2026-12-24T09:00:00", "time_zone": "Asia/Tokyo", "if_past": "next_day"}},
    "expires": {"after_seconds": 7200}
}))]
pub(crate) struct Schedule {
    /// When it is sent.
    at: SendAt,
    /// When it is too late; by default 28 days after the send time.
    expires: Option<Expiry>,
}

/// When a campaign is sent.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum SendAt {
    /// As soon as it is started.
    Now,
    /// To everybody at one instant.
    Instant(DateTime<Utc>),
    /// To each recipient when the clocks of the recipient's zone show `time`.
    Local {
        /// The date and time on the recipient's clock.
        time: NaiveDateTime,
        /// IANA name of the zone of recipients who name none.
        time_zone: String,
        /// What becomes of recipients whose time is past at the start; by default `skip`.
        if_past: Option<IfPast>,
    },
}

/// What becomes of recipients whose local time is past when the campaign starts.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum IfPast {
    /// They are skipped.
    Skip,
    /// They are sent theirs at the start.
    Now,
    /// They are sent theirs at the same time of the next day that is not past.
    NextDay,
}

/// When a push is too late to be sent.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Expiry {
    /// At this instant.
    At(DateTime<Utc>),
    /// This long after its send time.
    AfterSeconds(u64),
}
