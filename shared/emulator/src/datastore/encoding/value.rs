//! The order of property values.
//!
//! Types come one after the other: null, fixed-point numbers (integers and timestamps, the
//! latter as microseconds, on one scale), booleans, byte sequences (strings and blobs alike),
//! floating-point numbers, geographical points, keys. An integer and a timestamp of as many
//! microseconds are one value to an index, and so are a string and a blob of the same bytes.
//! Arrays and embedded entities have no place of their own: their parts are indexed.

use gcloud_sdk::google::datastore::v1::value::ValueType;
use prost_types::Timestamp;

use super::bytes::{invert_from, push_bytes, push_f64, push_i64, split_bytes};
use super::path::push_element;

const NULL: u8 = 0x10;
const FIXED_POINT: u8 = 0x20;
const BOOLEAN: u8 = 0x30;
const BYTES: u8 = 0x40;
const FLOATING_POINT: u8 = 0x50;
const GEO_POINT: u8 = 0x60;
const KEY: u8 = 0x70;

/// Whether an index runs from small to great or from great to small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// The least value first.
    Ascending,
    /// The greatest value first.
    Descending,
}

/// Appends a value so that it sorts in that direction. Arrays and embedded entities append
/// nothing and answer `false`.
pub(crate) fn push_value(out: &mut Vec<u8>, value: &ValueType, direction: Direction) -> bool {
    let start = out.len();
    match value {
        ValueType::NullValue(_) => out.push(NULL),
        ValueType::IntegerValue(number) => {
            out.push(FIXED_POINT);
            push_i64(out, *number);
        }
        ValueType::TimestampValue(at) => {
            out.push(FIXED_POINT);
            push_i64(out, micros(at));
        }
        ValueType::BooleanValue(truth) => out.extend([BOOLEAN, u8::from(*truth)]),
        ValueType::StringValue(text) => {
            out.push(BYTES);
            push_bytes(out, text.as_bytes());
        }
        ValueType::BlobValue(bytes) => {
            out.push(BYTES);
            push_bytes(out, bytes);
        }
        ValueType::DoubleValue(number) => {
            out.push(FLOATING_POINT);
            push_f64(out, *number);
        }
        ValueType::GeoPointValue(point) => {
            out.push(GEO_POINT);
            push_f64(out, point.latitude);
            push_f64(out, point.longitude);
        }
        ValueType::KeyValue(key) => {
            out.push(KEY);
            let mut path = Vec::new();
            for element in &key.path {
                if let Some(id) = &element.id_type {
                    push_element(&mut path, &element.kind, id);
                }
            }
            let partition = key.partition_id.as_ref();
            push_bytes(
                out,
                partition
                    .map_or("", |partition| &partition.namespace_id)
                    .as_bytes(),
            );
            push_bytes(out, &path);
        }
        ValueType::ArrayValue(_) | ValueType::EntityValue(_) => return false,
    }
    if direction == Direction::Descending {
        invert_from(out, start);
    }
    true
}

/// The length of the value at the beginning of an index entry in that direction.
pub(crate) fn value_length(encoded: &[u8], direction: Direction) -> Option<usize> {
    let turned;
    let plain = match direction {
        Direction::Ascending => encoded,
        Direction::Descending => {
            turned = encoded.iter().map(|byte| !byte).collect::<Vec<_>>();
            &turned
        }
    };
    let (tag, rest) = plain.split_first()?;
    let length = match *tag {
        NULL => 0,
        BOOLEAN => 1,
        FIXED_POINT | FLOATING_POINT => 8,
        GEO_POINT => 16,
        BYTES => rest.len() - split_bytes(rest)?.1.len(),
        KEY => rest.len() - split_bytes(split_bytes(rest)?.1)?.1.len(),
        _ => return None,
    };
    (length <= rest.len()).then_some(length + 1)
}

/// A timestamp in the microseconds that Datastore keeps of it.
pub(crate) fn micros(at: &Timestamp) -> i64 {
    at.seconds
        .saturating_mul(1_000_000)
        .saturating_add(i64::from(at.nanos / 1_000))
}

/// The timestamp of so many microseconds.
pub(crate) fn timestamp(micros: i64) -> Timestamp {
    let nanos = micros.rem_euclid(1_000_000) * 1_000;
    Timestamp {
        seconds: micros.div_euclid(1_000_000),
        nanos: i32::try_from(nanos).expect("less than a second of nanoseconds fits"),
    }
}

#[cfg(test)]
mod tests {
    use gcloud_sdk::google::r#type::LatLng;
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = ValueType> {
        prop_oneof![
            Just(ValueType::NullValue(0)),
            any::<i64>().prop_map(ValueType::IntegerValue),
            any::<bool>().prop_map(ValueType::BooleanValue),
            ".{0,4}".prop_map(ValueType::StringValue),
            any::<Vec<u8>>().prop_map(ValueType::BlobValue),
            any::<f64>().prop_map(ValueType::DoubleValue),
            (any::<f64>(), any::<f64>()).prop_map(|(latitude, longitude)| {
                ValueType::GeoPointValue(LatLng { latitude, longitude })
            }),
        ]
    }

    fn encoded(value: &ValueType, direction: Direction) -> Vec<u8> {
        let mut out = Vec::new();
        assert!(push_value(&mut out, value, direction));
        out
    }

    proptest! {
        #[test]
        fn descending_is_the_reverse_of_ascending(a in value(), b in value()) {
            let up = encoded(&a, Direction::Ascending).cmp(&encoded(&b, Direction::Ascending));
            let down = encoded(&a, Direction::Descending).cmp(&encoded(&b, Direction::Descending));

            prop_assert_eq!(down, up.reverse());
        }

        #[test]
        fn a_value_says_where_it_ends(value in value(), tail: Vec<u8>) {
            for direction in [Direction::Ascending, Direction::Descending] {
                let mut entry = encoded(&value, direction);
                let length = entry.len();
                entry.extend(&tail);

                prop_assert_eq!(value_length(&entry, direction), Some(length));
            }
        }

        #[test]
        fn timestamps_come_back(instant in -62_135_596_800_000_000i64..253_402_300_799_999_999) {
            prop_assert_eq!(micros(&timestamp(instant)), instant);
        }
    }

    #[test]
    fn types_come_one_after_the_other() {
        let ascending = [
            ValueType::NullValue(0),
            ValueType::IntegerValue(-5),
            ValueType::TimestampValue(Timestamp {
                seconds: 0,
                nanos: 9_000,
            }),
            ValueType::IntegerValue(10),
            ValueType::BooleanValue(false),
            ValueType::BooleanValue(true),
            ValueType::StringValue(String::new()),
            ValueType::BlobValue(b"abc".to_vec()),
            ValueType::StringValue("abd".to_owned()),
            ValueType::DoubleValue(-7.5),
            ValueType::DoubleValue(0.0),
            ValueType::DoubleValue(f64::INFINITY),
            ValueType::DoubleValue(f64::NAN),
            ValueType::GeoPointValue(LatLng {
                latitude: 1.0,
                longitude: 2.0,
            }),
        ];

        let encodings = ascending.map(|value| encoded(&value, Direction::Ascending));

        assert!(encodings.is_sorted());
    }
}
