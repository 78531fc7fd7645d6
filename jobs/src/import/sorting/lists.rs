//! Sorts the lists that take part beside the file: other audiences, and campaigns' users.
//!
//! They are read chunk by chunk; a thread spreads their users over the partitions of the file.

use audience::{Corrupt, Run, Spread, Unpacked, Widening};
use campaign::{CampaignId, ChunkId, PushState};
use database::audience_chunk;
use database::import_work::RunKind;
use futures::future::try_join;
use runtime::Backends;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::super::begun::{Begun, List, Of};
use super::super::halt::Halt;
use super::super::hold::Hold;
use super::super::silent;
use super::{Sorted, store_runs};
use crate::Error;

/// The chunk that comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ListPlace {
    pub(super) list: usize,
    pub(super) chunk: u32,
}

/// A chunk of a list, and the place behind it.
#[derive(Debug)]
struct Piece {
    of: Of,
    content: Content,
    behind: ListPlace,
}

#[derive(Debug)]
enum Content {
    /// Packed recipients.
    Packed(Vec<u8>),
    /// User ids.
    Users(Vec<String>),
}

#[derive(Debug)]
struct Batch {
    kind: RunKind,
    runs: Vec<Run>,
    behind: ListPlace,
}

/// Sorts the rest of the lists.
pub(super) async fn run(
    hold: &mut Hold<'_>,
    begun: &Begun,
    key: [u8; 16],
    batches: u32,
    sorted: Sorted,
) -> Result<(), Halt> {
    if sorted.lists.list == begun.lists.len() {
        return Ok(());
    }
    let (backends, lists, from) = (hold.backends.clone(), begun.lists.clone(), sorted.lists);
    let (pieces_in, pieces) = mpsc::channel(1);
    let (batches_in, spread) = mpsc::channel(1);
    let (settings, names) = (begun.clone(), sorted.variables.clone());
    let tracker = hold.backends.process.tasks.tracker();
    let spreading = tracker.spawn_blocking(move || spread_all(pieces, &settings, key, &names, &batches_in));
    let feeding = async { Ok(feed(&backends, &lists, from, pieces_in).await?) };
    let storing = store(hold, begun, batches, sorted, spread);
    match try_join(feeding, storing).await? {
        ((), true) => Ok(()),
        ((), false) => Err(silent(spreading).await),
    }
}

/// Stores what is spread, to the end; says whether there was one.
async fn store(
    hold: &mut Hold<'_>,
    begun: &Begun,
    mut batches: u32,
    mut sorted: Sorted,
    mut spread: Receiver<Result<Batch, Corrupt>>,
) -> Result<bool, Halt> {
    while let Some((batch, turn)) = hold.next(&mut spread).await? {
        let batch = batch.map_err(|error| Error::stored("a chunk of another audience", error))?;
        sorted.lists = batch.behind;
        hold.progress.phase_done =
            hold.claim.audience.uploaded_bytes + bytes_before(&begun.lists, batch.behind);
        store_runs(hold, batches, batch.kind, batch.runs, &mut sorted).await?;
        batches += 1;
        drop(turn);
        if batch.behind.list == begun.lists.len() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn bytes_before(lists: &[List], place: ListPlace) -> u64 {
    let whole: u64 = lists[..place.list].iter().map(List::bytes).sum();
    let begun = lists.get(place.list).map_or(0, |list| {
        list.bytes() * u64::from(place.chunk) / u64::from(list.chunks.max(1))
    });
    whole + begun
}

/// Reads the lists chunk by chunk, until nobody listens any more.
async fn feed(
    backends: &Backends,
    lists: &[List],
    from: ListPlace,
    pieces: Sender<Piece>,
) -> Result<(), Error> {
    for (at, list) in lists.iter().enumerate().skip(from.list) {
        let first = if at == from.list { from.chunk } else { 0 };
        // A list without chunks is passed by the first that it does not have.
        for no in first..list.chunks.max(1) {
            let content = read(backends, list, no).await?;
            let is_last = no + 1 >= list.chunks;
            let behind = if is_last {
                ListPlace {
                    list: at + 1,
                    chunk: 0,
                }
            } else {
                ListPlace {
                    list: at,
                    chunk: no + 1,
                }
            };
            let of = list.of;
            if pieces.send(Piece { of, content, behind }).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

async fn read(backends: &Backends, list: &List, no: u32) -> Result<Content, Error> {
    if no >= list.chunks {
        return Ok(Content::Users(Vec::new()));
    }
    match list.of {
        Of::Included(audience) | Of::Excluded(audience) => {
            let chunk = audience_chunk::find(&backends.db, audience, no).await?;
            let chunk = chunk.ok_or_else(|| {
                Error::stored(format!("chunk {no} of audience {audience}"), "it is not there")
            })?;
            Ok(Content::Packed(chunk.recipients))
        }
        Of::SentIn(campaign) => users_in(backends, campaign, no, PushState::Sent).await,
        Of::FailedIn(campaign) => users_in(backends, campaign, no, PushState::Failed).await,
    }
}

/// Users of a chunk whose push is in that state. Of a chunk that is not expanded there are none.
async fn users_in(
    backends: &Backends,
    campaign: CampaignId,
    no: u32,
    state: PushState,
) -> Result<Content, Error> {
    let pushes = backends.push_store.list_pushes(ChunkId::of(campaign, no)).await?;
    let users = pushes
        .into_iter()
        .filter(|push| push.standing.state() == state)
        .filter_map(|push| push.user);
    Ok(Content::Users(users.collect()))
}

/// Spreads what comes, on a thread of its own; ends early when nobody wants more batches.
fn spread_all(
    mut pieces: Receiver<Piece>,
    begun: &Begun,
    key: [u8; 16],
    names: &[String],
    batches: &Sender<Result<Batch, Corrupt>>,
) {
    let mut spread = Spread::new(key, begun.partitions);
    while let Some(piece) = pieces.blocking_recv() {
        let batch = match spread_piece(&mut spread, &piece, names) {
            Err(corrupt) => Err(corrupt),
            // A batch is of one kind.
            Ok(()) if spread.bytes() >= begun.batch_bytes || piece.behind.chunk == 0 => Ok(Batch {
                kind: kind(piece.of),
                runs: spread.take(),
                behind: piece.behind,
            }),
            Ok(()) => continue,
        };
        let goes_on = batch.is_ok();
        // Unheard is no fault: whoever listened has lost the lease, or was stopped.
        if batches.blocking_send(batch).is_err() || !goes_on {
            return;
        }
    }
}

fn spread_piece(spread: &mut Spread, piece: &Piece, names: &[String]) -> Result<(), Corrupt> {
    match &piece.content {
        Content::Users(users) => users.iter().for_each(|user| spread.push_user(user)),
        Content::Packed(packed) => {
            let chunk = Unpacked::open(packed)?;
            let mut widening = Widening::new(names, chunk.variables());
            for recipient in chunk.iter().flatten() {
                match piece.of {
                    Of::Included(_) => spread.push(0, &widening.widen(&recipient)),
                    Of::Excluded(_) | Of::SentIn(_) | Of::FailedIn(_) => spread.push_user(recipient.user_id),
                }
            }
        }
    }
    Ok(())
}

fn kind(of: Of) -> RunKind {
    match of {
        Of::Included(_) => RunKind::Included,
        Of::Excluded(_) | Of::SentIn(_) => RunKind::Excluded,
        Of::FailedIn(_) => RunKind::Required,
    }
}
