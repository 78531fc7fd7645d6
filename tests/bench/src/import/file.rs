//! The file that everybody reads.
//!
//! Ids are scattered as real ones are; each row has one of a few time zones and locales, and two
//! variables. One row in a hundred repeats an earlier one's user.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64_with_seed;

const ZONES: [&str; 5] = ["", "Asia/Tokyo", "Asia/Tokyo", "America/New_York", "Europe/Paris"];
const LOCALES: [&str; 3] = ["ja", "en-US", "zh-Hant-TW"];
const NAMES: [&str; 4] = ["佐藤", "Alice", "高橋", "Chloé"];
const AREAS: [&str; 3] = ["Tokyo/Minato", "Osaka/Kita", "Sapporo/Chuo"];

/// How often a user comes again.
const DUPLICATE_EVERY: u64 = 100;

/// An audience file on disk.
#[derive(Clone, Debug)]
pub(super) struct AudienceFile {
    pub(super) path: PathBuf,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// Users in it.
    pub(super) users: u64,
}

impl AudienceFile {
    /// Writes one of so many rows.
    pub(super) fn write(rows: u64, path: &Path) -> anyhow::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(b"user_id,time_zone,locale,name,area\n")?;
        for row in 0..rows {
            let user = if is_duplicate(row) { earlier(row) } else { row };
            let scattered = xxh3_64_with_seed(&user.to_le_bytes(), 0);
            let mixed = xxh3_64_with_seed(&row.to_le_bytes(), 1);
            let pick = |from: &[&'static str], shift: u32| from[(mixed >> shift) as usize % from.len()];
            writeln!(
                file,
                "user-{scattered:016x},{},{},{},{}",
                pick(&ZONES, 0),
                pick(&LOCALES, 8),
                pick(&NAMES, 16),
                pick(&AREAS, 24)
            )?;
        }
        let file = file.into_inner()?;
        let duplicates = (0..rows).filter(|row| is_duplicate(*row)).count() as u64;
        Ok(Self {
            path: path.to_owned(),
            rows,
            bytes: file.metadata()?.len(),
            users: rows - duplicates,
        })
    }
}

/// A row before a duplicate, about half as far in the file, that is none itself.
fn earlier(row: u64) -> u64 {
    row / 2 / DUPLICATE_EVERY * DUPLICATE_EVERY
}

fn is_duplicate(row: u64) -> bool {
    row % DUPLICATE_EVERY == DUPLICATE_EVERY - 1
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_file_has_the_users_that_it_says() {
        let directory = tempfile::tempdir().unwrap();

        let file = AudienceFile::write(10_000, &directory.path().join("file")).unwrap();

        let text = std::fs::read_to_string(&file.path).unwrap();
        let users: HashSet<_> = text.lines().skip(1).map(|line| line.split(',').next()).collect();
        assert_eq!(text.lines().count() as u64, file.rows + 1);
        assert_eq!(users.len() as u64, file.users);
        assert_eq!(text.len() as u64, file.bytes);
    }
}
