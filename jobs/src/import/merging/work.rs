//! Merges partitions, on a thread of its own.

use audience::{Corrupt, Merge, Merged, Position, Role};
use tokio::sync::mpsc::{Receiver, Sender};

/// Some of a partition.
#[derive(Debug)]
pub(super) enum Piece {
    /// Runs of one role, in the order of the file.
    Runs(Role, Vec<Vec<u8>>),
    /// No more.
    End(Position),
}

/// A partition that is merged; or a run is not what was stored, and nothing more comes.
pub(super) type Answer = Result<Merged, Corrupt>;

/// Merges what comes; ends early when nobody wants more.
pub(super) fn merge(mut merge: Merge, mut pieces: Receiver<Piece>, merged: &Sender<Answer>) {
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
        Piece::Runs(role, runs) => runs.iter().try_for_each(|run| merge.add(role, run))?,
        Piece::End(position) => {
            let partition = merge.finish(position)?;
            for run in &partition.carried {
                merge.add(Role::Carried, run)?;
            }
            return Ok(Some(partition));
        }
    }
    Ok(None)
}
