//! When a campaign is sent, and when it is too late.
//!
//! A campaign is sent at once, at one instant, or when each recipient's own clock shows a given
//! time. A local time that a DST change skips is the first instant after the gap; one that
//! happens twice is the earlier. Everything is a function of the schedule, the zone and the
//! start, so every process computes the same send time.

use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, TZ_VARIANTS, Tz};
use serde::{Deserialize, Serialize};

use crate::message::MAX_TTL;
use crate::retry::later;
use crate::seconds;

/// A push that names no expiry expires this long after its send time: the longest time for
/// which FCM keeps a message.
pub const DEFAULT_LIFETIME: Duration = MAX_TTL;

/// A scheduled campaign starts this long before its first push is due, so that its chunks are there
/// when the time comes.
pub const START_LEAD: TimeDelta = TimeDelta::minutes(10);

/// When a campaign is sent and when its pushes expire.
///
/// ```json
/// {"at": {"local": {"time": "2026-12-24T09:00:00", "time_zone": "Asia/Tokyo", "if_past": "next_day"}},
///  "expires": {"after_seconds": 7200}}
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// When it is sent.
    pub at: SendAt,
    /// When it is too late; by default [`DEFAULT_LIFETIME`] after the send time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Expiry>,
}

/// When a campaign is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SendAt {
    /// As soon as it is started.
    Now,
    /// To everybody at one instant, or as soon as it is started if that is later.
    Instant(DateTime<Utc>),
    /// To each recipient when the clocks of the recipient's zone show `time`.
    Local {
        /// The date and time on the recipient's clock.
        time: NaiveDateTime,
        /// The zone of recipients who name none.
        time_zone: Tz,
        /// What becomes of recipients whose time is past when the campaign starts.
        #[serde(default)]
        if_past: IfPast,
    },
}

/// What becomes of recipients whose local time is past when the campaign starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IfPast {
    /// They are skipped with the reason `local_time_past`.
    #[default]
    Skip,
    /// They are sent theirs at the start.
    Now,
    /// They are sent theirs at the same time of the next day that is not past.
    NextDay,
}

/// When a push is too late to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// At this instant, whatever the send time.
    At(DateTime<Utc>),
    /// This long after the push's send time.
    #[serde(rename = "after_seconds", with = "seconds")]
    After(Duration),
}

/// When the pushes of one zone are due. Never is later than any instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SendTime {
    /// Not before this instant.
    At(DateTime<Utc>),
    /// Never: the zone's local time was past at the start.
    LocalTimePast,
}

/// A schedule by which nothing could be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct ScheduleError {
    /// Which field, as a path in the schedule's JSON: `expires.after_seconds`.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Schedule {
    /// Sent as soon as it is started, with the default expiry.
    pub const NOW: Self = Self {
        at: SendAt::Now,
        expires: None,
    };

    /// Checks what a person can get wrong, and names the field.
    pub fn validate(&self) -> Result<(), ScheduleError> {
        let check = |holds: bool, field, reason| {
            if holds {
                Ok(())
            } else {
                Err(ScheduleError { field, reason })
            }
        };
        let (field, starts_at) = match self.at {
            SendAt::Now => ("at", None),
            SendAt::Instant(instant) => ("at.instant", Some(instant)),
            SendAt::Local { time, .. } => ("at.local.time", Some(time.and_utc())),
        };
        let is_storable = |instant: DateTime<Utc>| (1_000..9_999).contains(&instant.year());
        check(
            starts_at.is_none_or(is_storable),
            field,
            "must be of the years 1000 to 9998",
        )?;
        match self.expires {
            None => Ok(()),
            Some(Expiry::After(lifetime)) => {
                let is_lifetime = !lifetime.is_zero() && lifetime <= DEFAULT_LIFETIME;
                check(
                    is_lifetime,
                    "expires.after_seconds",
                    "must be from 1 to 2419200 (4 weeks)",
                )
            }
            Some(Expiry::At(instant)) => {
                check(
                    is_storable(instant),
                    "expires.at",
                    "must be of the years 1000 to 9998",
                )?;
                let is_later = self.starts_at().is_none_or(|starts_at| instant > starts_at);
                check(is_later, "expires.at", "must be later than the first send time")
            }
        }
    }

    /// When pushes to recipients of `zone` are due in a campaign that was started at
    /// `started_at`; `None` is the campaign's own zone.
    pub fn send_time(&self, zone: Option<Tz>, started_at: DateTime<Utc>) -> SendTime {
        match self.at {
            SendAt::Now => SendTime::At(started_at),
            SendAt::Instant(instant) => SendTime::At(instant.max(started_at)),
            SendAt::Local {
                time,
                time_zone,
                if_past,
            } => local_send_time(time, zone.unwrap_or(time_zone), if_past, started_at),
        }
    }

    /// The earliest instant at which a recipient of any zone may be due; `None` is at once.
    ///
    /// A scheduled campaign starts then, and this instant is its `started_at` even if it was
    /// started a moment later: by that moment the easternmost zones' time would be past.
    pub fn starts_at(&self) -> Option<DateTime<Utc>> {
        match self.at {
            SendAt::Now => None,
            SendAt::Instant(instant) => Some(instant),
            SendAt::Local { time, .. } => TZ_VARIANTS.iter().map(|zone| instant_of(time, *zone)).min(),
        }
    }

    /// The instant from which a push with that send time is no longer sent.
    pub fn expires_at(&self, send_time: DateTime<Utc>) -> DateTime<Utc> {
        let lifetime = match self.expires {
            Some(Expiry::At(instant)) => return instant,
            Some(Expiry::After(lifetime)) => lifetime,
            None => DEFAULT_LIFETIME,
        };
        later(send_time, lifetime)
    }
}

/// How long a gateway may keep a push that is handed over at `now`: until its expiry, at most
/// its message's own `ttl`. `None` is too late. To be asked right before each send.
pub fn time_to_live(
    ttl: Option<Duration>,
    expires_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Option<Duration> {
    let left = (expires_at - now).to_std().ok().filter(|left| !left.is_zero())?;
    Some(ttl.map_or(left, |ttl| ttl.min(left)))
}

fn local_send_time(time: NaiveDateTime, zone: Tz, if_past: IfPast, started_at: DateTime<Utc>) -> SendTime {
    let instant = instant_of(time, zone);
    if instant >= started_at {
        return SendTime::At(instant);
    }
    match if_past {
        IfPast::Skip => SendTime::LocalTimePast,
        IfPast::Now => SendTime::At(started_at),
        IfPast::NextDay => SendTime::At(next_day(time, zone, started_at)),
    }
}

/// The first instant from `started_at` on at which the zone's clocks show that time of day.
fn next_day(time: NaiveDateTime, zone: Tz, started_at: DateTime<Utc>) -> DateTime<Utc> {
    let today = started_at.with_timezone(&zone).date_naive();
    // A zone that crossed the date line had a day of two dates, hence more than "tomorrow".
    (0..=3)
        .filter_map(|days| today.checked_add_days(Days::new(days)))
        .map(|day| instant_of(day.and_time(time.time()), zone))
        .find(|instant| *instant >= started_at)
        .unwrap_or(started_at)
}

/// The instant at which the zone's clocks show `time`: the earlier of two, or the first after
/// the gap that swallowed it.
fn instant_of(time: NaiveDateTime, zone: Tz) -> DateTime<Utc> {
    if let Some(instant) = zone.from_local_datetime(&time).earliest() {
        return instant.to_utc();
    }
    GapInfo::new(&time, &zone)
        .and_then(|gap| gap.end)
        .map_or_else(|| time.and_utc(), |end| end.to_utc())
}
