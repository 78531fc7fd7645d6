//! What is different in a campaign as a whole: known when its last chunk is recounted.

use database::campaign::Campaign as Row;
use database::shard::{coupon_grant, intent};
use runtime::Backends;

use super::difference::{Difference, DifferenceKind, Stage, Verdict};
use super::facts::Facts;
use crate::error::Error;

/// Numbers past the last chunk that are looked at: a fault that makes one chunk too many makes the
/// next.
const BEYOND: u32 = 64;

/// What the pages so far came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    /// The chunk that is next.
    pub(super) next: u32,
    recipients: u64,
    grants: u64,
    erased: u64,
}

impl Sums {
    /// Adds a chunk's. A cursor may have been made up, so nothing overflows.
    pub(super) fn add(&mut self, facts: &Facts) {
        let size = facts.packed.as_ref().map_or(0, |packed| packed.users.len());
        self.recipients = self.recipients.saturating_add(size as u64);
        self.grants = self.grants.saturating_add(facts.grants.len() as u64);
        self.erased = self.erased.saturating_add(facts.erased_users());
    }

    pub(super) fn from_bytes(bytes: [u8; 28]) -> Self {
        let number = |at: usize| {
            let bytes = bytes[at..]
                .first_chunk()
                .expect("three numbers of eight bytes follow the first four");
            u64::from_be_bytes(*bytes)
        };
        let [a, b, c, d, ..] = bytes;
        Self {
            next: u32::from_be_bytes([a, b, c, d]),
            recipients: number(4),
            grants: number(12),
            erased: number(20),
        }
    }

    pub(super) fn to_bytes(self) -> [u8; 28] {
        let mut bytes = [0; 28];
        bytes[..4].copy_from_slice(&self.next.to_be_bytes());
        for (at, number) in [(4, self.recipients), (12, self.grants), (20, self.erased)] {
            bytes[at..at + 8].copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }
}

/// What only the last page can tell.
pub(super) async fn differences(
    backends: &Backends,
    row: &Row,
    stage: Stage,
    sums: Sums,
) -> Result<Vec<Difference>, Error> {
    let db = &backends.db;
    let mut differences = Vec::new();
    if sums.recipients != row.audience_size {
        differences.push(Difference::of_campaign(
            DifferenceKind::AudienceDiffers,
            Verdict::Fault,
            format!(
                "its audience is counted as {} recipients, its chunks have {}",
                row.audience_size, sums.recipients
            ),
        ));
    }
    differences.extend(beyond(backends, row).await?);
    let grants = coupon_grant::count(db, row.id).await?;
    if grants > sums.grants.saturating_add(sums.erased) {
        differences.push(Difference::of_campaign(
            DifferenceKind::GrantForeign,
            // While it runs, grants are made in chunks that were recounted before.
            stage.passing(),
            format!(
                "SQL has {grants} grants of it, {} of them to its recipients",
                sums.grants
            ),
        ));
    }
    let open = intent::count_open(db, row.id).await?;
    if open > 0 {
        differences.push(Difference::of_campaign(
            DifferenceKind::IntentsOpen,
            stage.passing(),
            format!("{open} intents are open: see its inconsistencies"),
        ));
    }
    Ok(differences)
}

/// Markers of chunks that the audience does not have, next to those that it has.
async fn beyond(backends: &Backends, row: &Row) -> Result<Option<Difference>, Error> {
    let numbers = row.chunk_count..row.chunk_count.saturating_add(BEYOND);
    let numbers: Vec<_> = numbers.collect();
    let found = backends.push_store.list_chunks(row.id, &numbers).await?;
    Ok(found.first().map(|chunk| {
        let detail = format!("{} markers lie beyond the last chunk", found.len());
        Difference::of_chunk(DifferenceKind::MarkerBeyond, Verdict::Fault, chunk.no, detail)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_pages_came_to_survives_the_cursor() {
        let sums = Sums {
            next: 64,
            recipients: u64::MAX,
            grants: 7,
            erased: 1,
        };

        assert_eq!(Sums::from_bytes(sums.to_bytes()), sums);
    }
}
