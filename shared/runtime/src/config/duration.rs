//! Durations as people write them: `"200ms"`, `"90s"`, `"10m"`, `"1h"`, `"30d"`.
//!
//! A whole number and one unit, nothing else, so that a setting has one obvious reading. For
//! use as `#[serde(with = "duration")]`.

use std::time::Duration;

use serde::{Deserializer, Serializer, de::Error};

use super::secret::text;

/// Units from the largest to the smallest, in milliseconds.
const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Ten years, in milliseconds: no setting needs more, and no sum of instants can overflow.
const LONGEST: u64 = 3_650 * 86_400_000;

const RULE: &str = "must be a whole number with a unit, as in \"200ms\", \"90s\", \"10m\", \"1h\" or \"30d\", and at most \"3650d\"";

/// Writes the largest unit in which the duration is a whole number; what is below a
/// millisecond is cut.
pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

/// Reads a number and a unit.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    parse(&text(deserializer, RULE)?).ok_or_else(|| D::Error::custom(RULE))
}

/// The duration in the largest unit in which it is a whole number: `"90s"`, `"10m"`.
pub(super) fn format(duration: Duration) -> String {
    let millis = duration.as_millis();
    let (unit, size) = UNITS
        .into_iter()
        .find(|(_, size)| millis > 0 && millis.is_multiple_of(u128::from(*size)))
        .unwrap_or(("s", 1_000));
    format!("{}{unit}", millis / u128::from(size))
}

fn parse(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let (_, size) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let millis = number.parse::<u64>().ok()?.checked_mul(size)?;
    (millis <= LONGEST).then(|| Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_whole_number_and_a_unit() {
        for (text, millis) in [
            ("200ms", 200),
            ("90s", 90_000),
            ("10m", 600_000),
            ("1h", 3_600_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
            assert_eq!(format(Duration::from_millis(millis)), text);
        }
        for text in [
            "",
            "10",
            "s",
            "1.5s",
            "-1s",
            "1 s",
            "1h30m",
            "99999999999999999999d",
            "3651d",
            "1S",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
