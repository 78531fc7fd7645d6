//! A generated audience, row by row, the same each time.
//!
//! The ids are scattered over their space, as real ones are: ids that count up would flatter
//! every index on them.

use std::fmt::Write;

use bytes::Bytes;

/// The first line of the file.
const HEADER: &str = "user_id,time_zone,locale,name\n";

/// Rows of one block.
const BLOCK_ROWS: u64 = 1_000;

const NAMES: [&str; 8] = [
    "佐藤",
    "鈴木",
    "高橋",
    "田中",
    "Alice",
    "Bruno",
    "Chloé",
    "\"Doe, Jo\"",
];

/// Ten recipients' locales; empty is the message's default, and not every one has a text.
const LOCALES: [&str; 10] = [
    "ja",
    "",
    "ja-JP",
    "en",
    "ja",
    "en-US",
    "",
    "fr",
    "ja",
    "zh-Hant-TW",
];

/// Sixteen recipients' zones; empty is the campaign's.
const ZONES: [&str; 16] = [
    "Asia/Tokyo",
    "",
    "Asia/Tokyo",
    "Asia/Tokyo",
    "America/New_York",
    "Asia/Tokyo",
    "Asia/Tokyo",
    "",
    "Asia/Tokyo",
    "Europe/Paris",
    "Asia/Tokyo",
    "Asia/Tokyo",
    "",
    "Asia/Tokyo",
    "Asia/Kathmandu",
    "Asia/Tokyo",
];

/// The file of `users` recipients in blocks of some tens of kilobytes, none of them held.
pub(super) fn blocks(users: u64) -> impl Iterator<Item = Bytes> + Send {
    let starts = (0..users).step_by(usize::try_from(BLOCK_ROWS).expect("a thousand fits"));
    let rows = starts.map(move |start| block(start, users.min(start + BLOCK_ROWS)));
    std::iter::once(Bytes::from_static(HEADER.as_bytes())).chain(rows)
}

fn block(start: u64, end: u64) -> Bytes {
    let mut rows = String::new();
    for number in start..end {
        let scattered = scatter(number);
        let pick = |from: &[&'static str], bits: u32| from[(scattered >> bits) as usize % from.len()];
        let (zone, locale, name) = (pick(&ZONES, 8), pick(&LOCALES, 16), pick(&NAMES, 24));
        writeln!(rows, "u{scattered:016x},{zone},{locale},{name}").expect("a string takes what is written");
    }
    rows.into()
}

/// The finaliser of SplitMix64: scatters numbers, and never two to the same place.
fn scatter(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use audience::{AudienceReader, FileSettings};

    use super::*;

    fn file(users: u64) -> Vec<u8> {
        blocks(users).flat_map(Vec::from).collect()
    }

    #[test]
    fn every_generated_row_is_accepted_and_of_a_user_of_its_own() {
        let file = file(2_500);

        let mut reader = AudienceReader::open(file.as_slice(), FileSettings::default(), [0; 16]).unwrap();
        let mut users = HashSet::new();
        while let Some(row) = reader.next_row().unwrap() {
            let recipient = row.verdict.unwrap();
            assert!(users.insert(recipient.user_id.to_owned()));
        }

        assert_eq!(users.len(), 2_500);
    }

    #[test]
    fn the_same_audience_is_generated_each_time_and_a_larger_one_begins_with_it() {
        let (small, large) = (file(1_500), file(3_000));

        assert_eq!(small, file(1_500));
        assert!(large.starts_with(&small));
        assert_eq!(file(0), HEADER.as_bytes());
    }
}
