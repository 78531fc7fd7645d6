//! The users that a campaign is sent to, as the file that is uploaded.
//!
//! All have the campaign's time zone, so that every chunk but the last is full. Ids are
//! scattered as real ones are; each push has a locale and two variables.

use std::fmt::Write;

use xxhash_rust::xxh3::xxh3_64_with_seed;

const HEADER: &str = "user_id,locale,name,area\n";
const LOCALES: [&str; 4] = ["ja", "en", "ja-JP", "zh-Hant-TW"];
const NAMES: [&str; 4] = ["佐藤", "Alice", "高橋", "Chloé"];
const AREAS: [&str; 3] = ["Tokyo/Minato", "Osaka/Kita", "Sapporo/Chuo"];

/// Rows of one part of the file; a part stays well below what an upload part may have.
const PART_ROWS: u64 = 10_000;

/// The file of `users` rows, in parts.
pub(super) fn parts(users: u64) -> impl Iterator<Item = String> {
    let starts = (0..users).step_by(usize::try_from(PART_ROWS).expect("ten thousand fits"));
    starts.map(move |start| {
        let mut part = if start == 0 {
            HEADER.to_owned()
        } else {
            String::new()
        };
        for number in start..users.min(start + PART_ROWS) {
            let scattered = xxh3_64_with_seed(&number.to_le_bytes(), 0);
            let pick = |from: &[&'static str]| from[(scattered >> 8) as usize % from.len()];
            let (locale, name, area) = (pick(&LOCALES), pick(&NAMES), pick(&AREAS));
            writeln!(part, "user-{scattered:016x},{locale},{name},{area}")
                .expect("a string takes what is written");
        }
        part
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_file_has_one_header_and_a_row_for_every_user() {
        let file: String = parts(PART_ROWS + 2).collect();

        let users: HashSet<_> = file.lines().skip(1).map(|line| line.split(',').next()).collect();

        assert_eq!(file.lines().next(), HEADER.lines().next());
        assert_eq!(file.lines().count() as u64, PART_ROWS + 3);
        assert_eq!(users.len() as u64, PART_ROWS + 2);
    }
}
