//! A queue's settings: checked against Cloud Tasks' limits, defaults filled in.

use std::time::Duration;

use gcloud_sdk::google::cloud::tasks::v2::{Queue, RateLimits, RetryConfig, queue};
use tonic::Status;

use super::names;
use super::proto_time::{duration, proto_duration};

/// The most dispatches a second that a queue may have, and what it gets if it does not say.
const DISPATCHES_PER_SECOND: f64 = 500.0;
/// The most concurrent dispatches a queue may have.
const MOST_CONCURRENT: i32 = 5_000;
const DEFAULT_CONCURRENT: i32 = 1_000;

const DEFAULT_ATTEMPTS: i32 = 100;
const DEFAULT_MIN_BACKOFF: Duration = Duration::from_millis(100);
const DEFAULT_MAX_BACKOFF: Duration = Duration::from_secs(3_600);
const DEFAULT_DOUBLINGS: i32 = 16;

/// The queue as it is created: running, every setting explicit.
pub(super) fn new_queue(queue: Queue) -> Result<Queue, Status> {
    let mut queue = completed(queue)?;
    queue.set_state(queue::State::Running);
    queue.purge_time = None;
    Ok(queue)
}

/// The queue with every setting explicit, or what is wrong with it.
pub(super) fn completed(mut queue: Queue) -> Result<Queue, Status> {
    names::queue_id(&queue.name)?;
    if queue.http_target.is_some() || queue.app_engine_routing_override.is_some() {
        return Err(Status::unimplemented(
            "Queue-level routing is not supported here: give each task its URL.",
        ));
    }
    queue.rate_limits = Some(complete_rate(queue.rate_limits.unwrap_or_default())?);
    queue.retry_config = Some(complete_retry(queue.retry_config.unwrap_or_default())?);
    Ok(queue)
}

fn complete_rate(given: RateLimits) -> Result<RateLimits, Status> {
    let rate = given.max_dispatches_per_second;
    if !(0.0..=DISPATCHES_PER_SECOND).contains(&rate) {
        return Err(invalid(
            "rate_limits.max_dispatches_per_second",
            "between 0 and 500",
        ));
    }
    if !(0..=MOST_CONCURRENT).contains(&given.max_concurrent_dispatches) {
        return Err(invalid(
            "rate_limits.max_concurrent_dispatches",
            "between 0 and 5000",
        ));
    }
    let rate = if rate == 0.0 { DISPATCHES_PER_SECOND } else { rate };
    Ok(RateLimits {
        max_dispatches_per_second: rate,
        max_burst_size: burst(rate),
        max_concurrent_dispatches: or_default(given.max_concurrent_dispatches, DEFAULT_CONCURRENT),
    })
}

/// Cloud Tasks picks it, "generally at least equal to `max_dispatches_per_second`".
#[expect(
    clippy::cast_possible_truncation,
    reason = "the rate was checked to be at most 500"
)]
fn burst(rate: f64) -> i32 {
    rate.ceil().max(1.0) as i32
}

/// The retry settings with every field explicit, or what is wrong with them.
pub(super) fn complete_retry(given: RetryConfig) -> Result<RetryConfig, Status> {
    if given.max_attempts < -1 {
        return Err(invalid(
            "retry_config.max_attempts",
            "at least -1, which means without limit",
        ));
    }
    if given.max_doublings < 0 {
        return Err(invalid("retry_config.max_doublings", "at least 0"));
    }
    let length = |field: &str, given: Option<prost_types::Duration>, default: Duration| match given {
        None => Ok(default),
        Some(given) => duration(&given).ok_or_else(|| invalid(field, "a duration of zero or more")),
    };
    let min_backoff = length("retry_config.min_backoff", given.min_backoff, DEFAULT_MIN_BACKOFF)?;
    let default_max = DEFAULT_MAX_BACKOFF.max(min_backoff);
    let max_backoff = length("retry_config.max_backoff", given.max_backoff, default_max)?;
    let max_duration = length(
        "retry_config.max_retry_duration",
        given.max_retry_duration,
        Duration::ZERO,
    )?;
    if max_backoff < min_backoff {
        return Err(invalid("retry_config.max_backoff", "at least min_backoff"));
    }
    Ok(RetryConfig {
        max_attempts: or_default(given.max_attempts, DEFAULT_ATTEMPTS),
        max_retry_duration: Some(proto_duration(max_duration)),
        min_backoff: Some(proto_duration(min_backoff)),
        max_backoff: Some(proto_duration(max_backoff)),
        max_doublings: or_default(given.max_doublings, DEFAULT_DOUBLINGS),
    })
}

/// Copies what the mask names from `given` into `current`; an empty mask means everything that
/// can be set.
pub(super) fn masked(mut current: Queue, given: Queue, mask: &[String]) -> Result<Queue, Status> {
    if mask.is_empty() {
        current.rate_limits = given.rate_limits;
        current.retry_config = given.retry_config;
        return Ok(current);
    }
    let rate = given.rate_limits.unwrap_or_default();
    let retry = given.retry_config.unwrap_or_default();
    for path in mask {
        let current_rate = current.rate_limits.get_or_insert_default();
        let current_retry = current.retry_config.get_or_insert_default();
        match path.as_str() {
            "rate_limits" => *current_rate = rate,
            "rate_limits.max_dispatches_per_second" => {
                current_rate.max_dispatches_per_second = rate.max_dispatches_per_second;
            }
            "rate_limits.max_concurrent_dispatches" => {
                current_rate.max_concurrent_dispatches = rate.max_concurrent_dispatches;
            }
            "retry_config" => *current_retry = retry,
            "retry_config.max_attempts" => current_retry.max_attempts = retry.max_attempts,
            "retry_config.max_retry_duration" => current_retry.max_retry_duration = retry.max_retry_duration,
            "retry_config.min_backoff" => current_retry.min_backoff = retry.min_backoff,
            "retry_config.max_backoff" => current_retry.max_backoff = retry.max_backoff,
            "retry_config.max_doublings" => current_retry.max_doublings = retry.max_doublings,
            unknown => {
                return Err(Status::invalid_argument(format!(
                    "update_mask: \"{unknown}\" cannot be updated."
                )));
            }
        }
    }
    Ok(current)
}

fn or_default(given: i32, default: i32) -> i32 {
    if given == 0 { default } else { given }
}

fn invalid(field: &str, must_be: &str) -> Status {
    Status::invalid_argument(format!("{field} must be {must_be}."))
}
