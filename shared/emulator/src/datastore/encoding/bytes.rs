//! The pieces that encodings are made of.
//!
//! A byte string is written with every `00` as `00 FF` and ends with `00 01`; so no string is
//! the beginning of another, and shorter ones sort first. A number is written big-endian with
//! its sign turned. Turning every bit of an encoding turns its order.

const ZERO: u8 = 0x00;
const ESCAPED: u8 = 0xFF;
const END: u8 = 0x01;

/// Appends a string of any bytes with its end mark.
pub(crate) fn push_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        out.push(byte);
        if byte == ZERO {
            out.push(ESCAPED);
        }
    }
    out.extend([ZERO, END]);
}

/// Reads what [`push_bytes`] wrote and the rest behind it. `None`: not such an encoding.
pub(crate) fn split_bytes(encoded: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut bytes = Vec::new();
    let mut rest = encoded;
    loop {
        match rest {
            [ZERO, END, tail @ ..] => return Some((bytes, tail)),
            [ZERO, ESCAPED, tail @ ..] => {
                bytes.push(ZERO);
                rest = tail;
            }
            [ZERO, ..] | [] => return None,
            [byte, tail @ ..] => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
}

/// Appends an integer in eight bytes.
pub(crate) fn push_i64(out: &mut Vec<u8>, number: i64) {
    out.extend((number ^ i64::MIN).to_be_bytes());
}

/// Reads what [`push_i64`] wrote and the rest behind it.
pub(crate) fn split_i64(encoded: &[u8]) -> Option<(i64, &[u8])> {
    let (number, rest) = encoded.split_first_chunk::<8>()?;
    Some((i64::from_be_bytes(*number) ^ i64::MIN, rest))
}

/// Appends a floating-point number in eight bytes: the two zeros are one value, and a NaN is
/// greater than infinity.
pub(crate) fn push_f64(out: &mut Vec<u8>, number: f64) {
    let bits = if number.is_nan() {
        f64::NAN.to_bits() & (u64::MAX >> 1)
    } else if number == 0.0 {
        0
    } else {
        number.to_bits()
    };
    let negative = bits >> 63 == 1;
    let ordered = if negative { !bits } else { bits | 1 << 63 };
    out.extend(ordered.to_be_bytes());
}

/// Turns every bit from `start` on, and so the order.
pub(crate) fn invert_from(out: &mut [u8], start: usize) {
    for byte in &mut out[start..] {
        *byte = !*byte;
    }
}

/// The least byte string that is greater than every one beginning with `prefix`; `None` when
/// there is no such string.
pub(crate) fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != u8::MAX)?;
    let mut after = prefix[..=last].to_vec();
    after[last] += 1;
    Some(after)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(push: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        push(&mut out);
        out
    }

    proptest! {
        #[test]
        fn strings_keep_their_order_and_come_back(a: Vec<u8>, b: Vec<u8>, tail: Vec<u8>) {
            let left = encoded(|out| push_bytes(out, &a));
            let right = encoded(|out| push_bytes(out, &b));

            prop_assert_eq!(left.cmp(&right), a.cmp(&b));

            let behind = [left, tail.clone()].concat();
            prop_assert_eq!(split_bytes(&behind), Some((a, &tail[..])));
        }

        #[test]
        fn integers_keep_their_order_and_come_back(a: i64, b: i64) {
            let left = encoded(|out| push_i64(out, a));
            let right = encoded(|out| push_i64(out, b));

            prop_assert_eq!(left.cmp(&right), a.cmp(&b));
            prop_assert_eq!(split_i64(&left), Some((a, &[][..])));
        }

        #[test]
        fn floating_point_numbers_keep_their_order(a: f64, b: f64) {
            let left = encoded(|out| push_f64(out, a));
            let right = encoded(|out| push_f64(out, b));

            if let Some(order) = a.partial_cmp(&b) {
                prop_assert_eq!(left.cmp(&right), order);
            }
        }

        #[test]
        fn the_string_after_a_prefix_bounds_what_begins_with_it(prefix: Vec<u8>, tail: Vec<u8>) {
            let begun = [prefix.clone(), tail].concat();

            if let Some(after) = after_prefix(&prefix) {
                prop_assert!(begun < after);
                prop_assert!(!after.starts_with(&prefix));
            }
        }
    }

    #[test]
    fn no_number_is_greater_than_nan() {
        let nan = encoded(|out| push_f64(out, -f64::NAN));

        assert!(encoded(|out| push_f64(out, f64::INFINITY)) < nan);
    }
}
