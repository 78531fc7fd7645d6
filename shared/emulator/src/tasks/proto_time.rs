//! Between protobuf's times, chrono's, and the microseconds that are stored.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use prost_types::Timestamp;

/// The instant as a protobuf timestamp, cut to microseconds as Cloud Tasks does.
pub(super) fn timestamp(at: DateTime<Utc>) -> Timestamp {
    let micros = i32::try_from(at.timestamp_subsec_micros()).unwrap_or(0);
    Timestamp {
        seconds: at.timestamp(),
        nanos: micros * 1_000,
    }
}

/// The instant of a protobuf timestamp; `None` if it is not a valid one.
pub(super) fn instant(timestamp: &Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(timestamp.seconds, u32::try_from(timestamp.nanos).ok()?)
}

/// The instant that was stored as microseconds since the epoch; the end of time if chrono
/// cannot hold it.
pub(super) fn from_micros(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The instant so much later, or the end of time.
pub(super) fn later(at: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by)
        .ok()
        .and_then(|by| at.checked_add_signed(by))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The length of a protobuf duration; `None` if it is negative or out of range.
pub(super) fn duration(duration: &prost_types::Duration) -> Option<Duration> {
    let (seconds, nanos) = (
        u64::try_from(duration.seconds).ok()?,
        u32::try_from(duration.nanos).ok()?,
    );
    Some(Duration::new(seconds, nanos))
}

/// The length as a protobuf duration.
pub(super) fn proto_duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or(0),
    }
}
