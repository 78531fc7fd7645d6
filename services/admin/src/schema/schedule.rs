//! A campaign's schedule, as the API's document describes it.
#![expect(dead_code, reason = "only their schemas are used")]

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;

/// When a campaign is sent and when its pushes expire.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
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

/// Which part of a campaign goes ahead of the others, and how well that has to go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"percent": 1, "max_failure_rate": 0.05, "min_sent": 500}))]
pub(crate) struct Canary {
    /// How much of its chunks, one at least.
    #[schema(exclusive_minimum = 0, maximum = 50)]
    percent: f64,
    /// Which part of what was tried may fail before the campaign is paused; that an address is gone
    /// is no failure.
    #[schema(minimum = 0, maximum = 1)]
    max_failure_rate: f64,
    /// How many have to be tried before that tells anything.
    #[schema(minimum = 1)]
    min_sent: u64,
}

/// When a campaign is sent.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum SendAt {
    /// As soon as it is started.
    Now,
    /// To everybody at one instant.
    Instant(DateTime<Utc>),
    /// To each recipient when the clocks of the recipient's zone show `time`.
    Local {
        /// The date and time on the recipient's clock, without an offset.
        #[schema(value_type = String, example = "2026-12-24T09:00:00")]
        time: NaiveDateTime,
        /// IANA name of the zone of recipients who name none.
        time_zone: String,
        /// What becomes of recipients whose time is past at the start; by default `skip`.
        #[serde(default)]
        if_past: IfPast,
    },
}

/// What becomes of recipients whose local time is past when the campaign starts.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IfPast {
    /// They are skipped.
    #[default]
    Skip,
    /// They are sent theirs at the start.
    Now,
    /// They are sent theirs at the same time of the next day that is not past.
    NextDay,
}

/// When a push is too late to be sent.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Expiry {
    /// At this instant.
    At(DateTime<Utc>),
    /// This long after its send time.
    AfterSeconds(u64),
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{from_value, to_value};

    use super::*;

    #[test]
    fn everything_that_a_schedule_can_be_is_described() {
        let at: DateTime<Utc> = "2026-12-24T09:00:00Z".parse().unwrap();
        let local = |if_past| campaign::SendAt::Local {
            time: at.naive_utc(),
            time_zone: "Asia/Tokyo".parse().unwrap(),
            if_past,
        };
        let schedules = [
            (campaign::SendAt::Now, None),
            (campaign::SendAt::Instant(at), Some(campaign::Expiry::At(at))),
            (local(campaign::IfPast::Skip), None),
            (local(campaign::IfPast::Now), None),
            (
                local(campaign::IfPast::NextDay),
                Some(campaign::Expiry::After(Duration::from_secs(60))),
            ),
        ];

        for (at, expires) in schedules {
            let json = to_value(campaign::Schedule { at, expires }).unwrap();
            from_value::<Schedule>(json.clone()).unwrap_or_else(|error| panic!("{json}: {error}"));
        }
    }
}
