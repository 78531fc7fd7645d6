//! Which bytes of a file are asked for: `Range`, as RFC 9110 has it.

use std::ops::Range;

/// What the header asks for, of a file of so many bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it. So are several ranges answered, other units than bytes and what is no range at
    /// all: a server may pass over the header.
    Whole,
    /// These bytes, at least one.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Beyond,
}

impl Asked {
    /// By that header.
    pub(super) fn read(header: &str, size: u64) -> Self {
        let Some((first, last)) = single(header) else {
            return Self::Whole;
        };
        let range = match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..size.min(last.saturating_add(1)),
            (Some(first), None) if last.is_empty() => first..size,
            (None, Some(suffix)) if first.is_empty() => size.saturating_sub(suffix)..size,
            _ => return Self::Whole,
        };
        if range.is_empty() {
            return Self::Beyond;
        }
        Self::Part(range)
    }
}

/// Both sides of the only range.
fn single(header: &str) -> Option<(&str, &str)> {
    let (unit, ranges) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || ranges.contains(',') {
        return None;
    }
    let (first, last) = ranges.split_once('-')?;
    Some((first.trim(), last.trim()))
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_is_cut_to_what_is_there() {
        for (header, range) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-4", 2..5),
            ("bytes=2-", 2..10),
            ("bytes=9-99999999999999999999999", 9..10),
            ("bytes=-3", 7..10),
            ("bytes=-99", 0..10),
            ("Bytes = 1 - 2", 1..3),
        ] {
            assert_eq!(Asked::read(header, 10), Asked::Part(range), "{header}");
        }
    }

    #[test]
    fn bytes_that_are_not_there_are_told_from_what_is_no_range() {
        for header in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(Asked::read(header, 10), Asked::Beyond, "{header}");
        }
        assert_eq!(Asked::read("bytes=0-", 0), Asked::Beyond);
        for header in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=4-2",
            "bytes=a-b",
            "bytes=+1-2",
            "rows=0-1",
            "bytes=0-1,4-5",
        ] {
            assert_eq!(Asked::read(header, 10), Asked::Whole, "{header:?}");
        }
    }
}
