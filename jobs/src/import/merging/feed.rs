//! Partitions' runs, from beside the file to the thread that merges them.

use std::ops::Range;

use audience::{Position, Role};
use campaign::AudienceId;
use database::Db;
use database::import_work::{self, RunKind};
use tokio::sync::mpsc::Sender;

use super::work::Piece;

/// Runs, of at most 1 MiB each, that are read at once.
const RUNS: usize = 8;

/// Sends the partitions in their order, with what was carried to the first of them; what is
/// carried from there on, the thread knows itself. Ends early when nobody listens any more.
pub(super) async fn feed(
    files: &Db,
    audience: AudienceId,
    partitions: Range<u32>,
    of_file: Role,
    pieces: Sender<Piece>,
) -> Result<(), database::Error> {
    for partition in partitions.clone() {
        let runs = [
            (RunKind::Carried, Role::Carried),
            (RunKind::Required, Role::Required),
            (RunKind::Excluded, Role::Excluded),
            (RunKind::Rows, of_file),
            (RunKind::Included, Role::Included),
        ];
        let skipped = usize::from(partition > partitions.start);
        for (kind, role) in runs.into_iter().skip(skipped) {
            let numbers = import_work::list_runs(files, audience, kind, partition).await?;
            for numbers in numbers.chunks(RUNS) {
                let runs = import_work::find_runs(files, audience, kind, partition, numbers).await?;
                let piece = Piece::Runs(role, runs);
                if pieces.send(piece).await.is_err() {
                    return Ok(());
                }
            }
        }
        let position = if partition + 1 == partitions.end {
            Position::Last
        } else {
            Position::Middle
        };
        if pieces.send(Piece::End(position)).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}
