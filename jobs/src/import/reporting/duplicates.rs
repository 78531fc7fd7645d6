//! Duplicates in the order of the file, from beside the file to the thread that writes lines.

use audience::{Corrupt, Duplicate, LINES_OF_A_DUPLICATE_RUN, read_duplicates};
use campaign::AudienceId;
use database::Db;
use database::import_work::{self, RunKind};
use tokio::sync::mpsc::{Receiver, Sender};

/// Runs that are read at once: together a few megabytes at most, however the duplicates lie.
const RUNS: usize = 256;

/// Sends the runs of one stretch of lines after the other, from that of `line` on, until nobody
/// listens any more.
pub(super) async fn feed(
    files: &Db,
    audience: AudienceId,
    line: u64,
    stretches: Sender<Vec<Vec<u8>>>,
) -> Result<(), database::Error> {
    for stretch in stretch_of(line).. {
        let kind = RunKind::Duplicates;
        let numbers = import_work::list_runs(files, audience, kind, stretch).await?;
        let mut runs = Vec::new();
        for numbers in numbers.chunks(RUNS) {
            runs.extend(import_work::find_runs(files, audience, kind, stretch, numbers).await?);
        }
        if stretches.send(runs).await.is_err() {
            break;
        }
    }
    Ok(())
}

fn stretch_of(line: u64) -> u32 {
    // A file has fewer lines than 2^32.
    (line / u64::from(LINES_OF_A_DUPLICATE_RUN)) as u32
}

/// The duplicates, asked for line by line.
pub(super) struct Duplicates {
    stretches: Receiver<Vec<Vec<u8>>>,
    /// Which stretch comes next.
    next: u32,
    rest: std::vec::IntoIter<Duplicate>,
}

impl Duplicates {
    /// Those that [`feed`] sends from `line` on.
    pub(super) fn new(stretches: Receiver<Vec<Vec<u8>>>, line: u64) -> Self {
        Self {
            stretches,
            next: stretch_of(line),
            rest: Vec::new().into_iter(),
        }
    }

    /// The line of the accepted row, if the row on this line is a duplicate. Lines rise. Without
    /// the duplicates, because nobody feeds them any more, nothing is known.
    pub(super) fn find(&mut self, line: u32) -> Result<Option<u32>, Unknown> {
        while stretch_of(line.into()) >= self.next {
            let runs = self.stretches.blocking_recv().ok_or(Unknown::Unfed)?;
            let runs = runs.iter().map(Vec::as_slice);
            self.rest = read_duplicates(self.next, runs)?.into_iter();
            self.next += 1;
        }
        while let Some(duplicate) = self.rest.as_slice().first() {
            if duplicate.line > line {
                break;
            }
            let Duplicate { line: found, of_line } = *duplicate;
            self.rest.next();
            if found == line {
                return Ok(Some(of_line));
            }
        }
        Ok(None)
    }
}

/// Why it is not known whether a row is a duplicate.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unknown {
    /// Nobody wants to know any more.
    #[error("the duplicates are not sent any more")]
    Unfed,
    /// What is stored is not what was.
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
}
