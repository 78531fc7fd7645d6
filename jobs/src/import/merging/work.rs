//! Merges partitions, on a thread of its own.

use audience::{ChunkSettings, Corrupt, Merge, Merged, Position};
use tokio::sync::mpsc::{Receiver, Sender};

/// Some of a partition.
#[derive(Debug)]
pub(super) enum Piece {
    /// Runs that were carried to it.
    Carried(Vec<Vec<u8>>),
    /// Runs of its own, in the order of the file.
    Rows(Vec<Vec<u8>>),
    /// No more.
    End(Position),
}

/// A partition that is merged; or a run is not what was stored, and nothing more comes.
pub(super) type Answer = Result<Merged, Corrupt>;

/// Merges what comes; ends early when nobody wants more.
pub(super) fn merge(
    settings: ChunkSettings,
    names: &[String],
    mut pieces: Receiver<Piece>,
    merged: &Sender<Answer>,
) {
    let mut merge = Merge::new(settings, names);
    while let Some(piece) = pieces.blocking_recv() {
        let answer = match take(&mut merge, piece) {
            Ok(None) => continue,
            Ok(Some(partition)) => Ok(partition),
            Err(corrupt) => Err(corrupt),
        };
        let goes_on = answer.is_ok();
        // Unheard is no fault: whoever listened has lost the lease, or was stopped.
        if merged.blocking_send(answer).is_err() || !goes_on {
            return;
        }
    }
}

fn take(merge: &mut Merge, piece: Piece) -> Result<Option<Merged>, Corrupt> {
    match piece {
        Piece::Carried(runs) => runs.iter().try_for_each(|run| merge.carry(run))?,
        Piece::Rows(runs) => runs.iter().try_for_each(|run| merge.add(run))?,
        Piece::End(position) => {
            let partition = merge.finish(position)?;
            for run in &partition.carried {
                merge.carry(run)?;
            }
            return Ok(Some(partition));
        }
    }
    Ok(None)
}
