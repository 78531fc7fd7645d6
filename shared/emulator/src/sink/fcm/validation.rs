//! What makes a message that parses a valid one.

use std::time::Duration;

use super::message::{AndroidNotification, Message, Notification, Pairs, Text};
use super::problem::Violation;

/// The most bytes of payload, and of an APNs payload as JSON.
const PAYLOAD: usize = 4_096;
/// The most bytes of payload in a message to a topic or a condition.
const TOPIC_PAYLOAD: usize = 2_048;
/// The longest time to live: four weeks.
const LONGEST_TTL: Duration = Duration::from_secs(4 * 7 * 24 * 3_600);

/// Whom a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target<'m> {
    /// The field that names it: `fid`, `token`, `topic` or `condition`.
    pub(super) field: &'static str,
    /// The address, topic or condition itself.
    pub(super) address: &'m str,
}

/// Checks a message and finds its target.
pub(super) fn target<'m>(message: &'m Message<'_>) -> Result<Target<'m>, Violation> {
    let target = one_target(message)?;
    let android = message.android.as_ref();
    check_keys("message.data", message.data.as_ref())?;
    check_keys(
        "message.android.data",
        android.and_then(|android| android.data.as_ref()),
    )?;
    if let Some(ttl) = android.and_then(|android| android.ttl.as_ref()) {
        check_ttl(ttl)?;
    }
    check_words(message)?;
    check_size(message, target.field)?;
    Ok(target)
}

fn one_target<'m>(message: &'m Message<'_>) -> Result<Target<'m>, Violation> {
    let fields = [
        ("fid", &message.fid),
        ("token", &message.token),
        ("topic", &message.topic),
        ("condition", &message.condition),
    ];
    let mut given = fields.into_iter().filter_map(|(field, value)| {
        value
            .as_ref()
            .map(Text::as_str)
            .map(|address| Target { field, address })
    });
    match (given.next(), given.next()) {
        (None, _) => Err(violation("message", "Recipient of the message is not set.")),
        (Some(_), Some(second)) => Err(violation(
            &format!("message.{}", second.field),
            "oneof field 'target' is already set: exactly one of fid, token, topic and condition may be.",
        )),
        (Some(target), None) if target.address.is_empty() => Err(violation(
            &format!("message.{}", target.field),
            "The recipient must not be empty.",
        )),
        (Some(target), None) => Ok(target),
    }
}

fn check_keys(field: &str, data: Option<&Pairs<'_>>) -> Result<(), Violation> {
    let reserved = |key: &str| key == "from" || key == "gcm" || key.starts_with("google");
    let mut keys = data
        .into_iter()
        .flat_map(|pairs| &pairs.0)
        .map(|(key, _)| key.as_str());
    match keys.find(|key| reserved(key) || key.is_empty()) {
        Some(key) => Err(violation(
            &format!("{field}[{key}]"),
            &format!("Invalid data payload key: {key}"),
        )),
        None => Ok(()),
    }
}

/// A protobuf duration in JSON: decimal seconds with up to nine digits of fraction, and `s`.
fn check_ttl(ttl: &Text<'_>) -> Result<(), Violation> {
    const FIELD: &str = "message.android.ttl";
    let length = ttl.as_str().strip_suffix('s').and_then(|number| {
        let (seconds, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let well_formed = digits(seconds) && digits(fraction) && fraction.len() <= 9;
        let nanos = format!("{fraction:0<9}").parse().ok()?;
        well_formed.then(|| {
            seconds
                .parse()
                .ok()
                .map(|seconds: u32| Duration::new(seconds.into(), nanos))
        })?
    });
    match length {
        None => Err(violation(
            FIELD,
            "Illegal duration format; duration must end with 's'",
        )),
        Some(length) if length > LONGEST_TTL => Err(violation(
            FIELD,
            "Invalid TTL: it must be from 0 to 2419200 seconds",
        )),
        Some(_) => Ok(()),
    }
}

/// The fields that take one word of a few, in any case.
fn check_words(message: &Message<'_>) -> Result<(), Violation> {
    let android = message.android.as_ref();
    let notification = android.and_then(|android| android.notification.as_ref());
    let fields: [(&str, Option<&Text<'_>>, &[&str]); 4] = [
        (
            "priority",
            android.and_then(|android| android.priority.as_ref()),
            &["NORMAL", "HIGH"],
        ),
        (
            "notification.visibility",
            notification.and_then(|notification| notification.visibility.as_ref()),
            &["VISIBILITY_UNSPECIFIED", "PRIVATE", "PUBLIC", "SECRET"],
        ),
        (
            "notification.notification_priority",
            notification.and_then(|notification| notification.notification_priority.as_ref()),
            &[
                "PRIORITY_UNSPECIFIED",
                "PRIORITY_MIN",
                "PRIORITY_LOW",
                "PRIORITY_DEFAULT",
                "PRIORITY_HIGH",
                "PRIORITY_MAX",
            ],
        ),
        (
            "notification.proxy",
            notification.and_then(|notification| notification.proxy.as_ref()),
            &["PROXY_UNSPECIFIED", "ALLOW", "DENY", "IF_PRIORITY_LOWERED"],
        ),
    ];
    for (field, value, words) in fields {
        let Some(value) = value.map(Text::as_str) else {
            continue;
        };
        if !words.iter().any(|word| value.eq_ignore_ascii_case(word)) {
            let field = format!("message.android.{field}");
            return Err(violation(
                &field,
                &format!("Invalid value at '{field}': \"{value}\""),
            ));
        }
    }
    Ok(())
}

fn check_size(message: &Message<'_>, target: &str) -> Result<(), Violation> {
    let limit = match target {
        "topic" | "condition" => TOPIC_PAYLOAD,
        _ => PAYLOAD,
    };
    if payload_bytes(message) > limit {
        return Err(violation(
            "message",
            &format!("Message too big: its payload exceeds {limit} bytes"),
        ));
    }
    let apns = message.apns.as_ref().and_then(|apns| apns.payload.as_ref());
    if apns.is_some_and(|payload| payload.0.len() > PAYLOAD) {
        return Err(violation(
            "message.apns.payload",
            "APNs payload too big: it exceeds 4096 bytes",
        ));
    }
    Ok(())
}

/// The keys and values of all data and the texts of the notifications. (Google does not publish
/// how exactly it counts.)
fn payload_bytes(message: &Message<'_>) -> usize {
    let android = message.android.as_ref();
    let webpush = message.webpush.as_ref();
    let data = [
        message.data.as_ref(),
        android.and_then(|android| android.data.as_ref()),
        webpush.and_then(|webpush| webpush.data.as_ref()),
    ];
    let data: usize = data
        .into_iter()
        .flatten()
        .flat_map(|pairs| &pairs.0)
        .map(pair_bytes)
        .sum();
    let notification = message
        .notification
        .as_ref()
        .map_or(0, |Notification { title, body, image }| {
            text_bytes([title, body, image])
        });
    let android = android
        .and_then(|android| android.notification.as_ref())
        .map_or(0, |AndroidNotification { title, body, tag, .. }| {
            text_bytes([title, body, tag])
        });
    let webpush = webpush
        .and_then(|webpush| webpush.notification.as_ref())
        .map_or(0, |notification| notification.0.len());
    data + notification + android + webpush
}

fn pair_bytes((key, value): &(Text<'_>, Text<'_>)) -> usize {
    key.as_str().len() + value.as_str().len()
}

fn text_bytes<const N: usize>(texts: [&Option<Text<'_>>; N]) -> usize {
    texts.into_iter().flatten().map(|text| text.as_str().len()).sum()
}

fn violation(field: &str, description: &str) -> Violation {
    Violation {
        field: field.to_owned(),
        description: description.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::fcm::message::SendRequest;

    fn checked(message: serde_json::Value) -> Result<(), Violation> {
        let body = serde_json::json!({ "message": message }).to_string();
        let request: SendRequest<'_> = serde_json::from_str(&body).unwrap();
        target(&request.message).map(|_| ())
    }

    fn ttl(ttl: &str) -> Result<(), Violation> {
        checked(serde_json::json!({ "token": "t", "android": { "ttl": ttl } }))
    }

    #[test]
    fn a_time_to_live_is_a_duration_of_at_most_four_weeks() {
        for good in ["0s", "86400s", "3.5s", "2419200s", "1.000000001s"] {
            assert_eq!(ttl(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "s",
            "60",
            "-1s",
            "1e3s",
            "2419200.1s",
            "2419201s",
            "1.s",
            "1.0000000001s",
            "1ms",
        ] {
            assert!(ttl(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_payload_may_have_4096_bytes_and_half_of_it_to_a_topic() {
        let message = |target: &str, bytes: usize| serde_json::json!({ target: "t", "data": { "key": "x".repeat(bytes - 3) } });

        assert!(checked(message("token", 4_096)).is_ok());
        assert!(checked(message("token", 4_097)).is_err());
        assert!(checked(message("topic", 2_048)).is_ok());
        assert!(checked(message("topic", 2_049)).is_err());
    }
}
