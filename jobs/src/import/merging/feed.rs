//! Partitions' runs, from beside the file to the thread that merges them.

use std::ops::Range;

use audience::Position;
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
    pieces: Sender<Piece>,
) -> Result<(), database::Error> {
    for partition in partitions.clone() {
        let kinds = [RunKind::Carried, RunKind::Rows];
        let skipped = usize::from(partition > partitions.start);
        for kind in &kinds[skipped..] {
            let numbers = import_work::list_runs(files, audience, *kind, partition).await?;
            for numbers in numbers.chunks(RUNS) {
                let runs = import_work::find_runs(files, audience, *kind, partition, numbers).await?;
                let piece = match kind {
                    RunKind::Carried => Piece::Carried(runs),
                    RunKind::Rows | RunKind::Duplicates => Piece::Rows(runs),
                };
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
