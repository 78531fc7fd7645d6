//! The step of the pipeline that a Commit to Datastore takes, told by what it writes.
//!
//! Pushes tell more than their chunk: one that is raised to granted makes a raise of it, whatever
//! becomes of the chunk at the same time. What no Commit tells is who makes it: a sender that
//! puts back a chunk it may not work on writes what one writes that gives back its lease.

use campaign::{ChunkState, PushState};
use gcloud_sdk::google::datastore::v1::mutation::Operation;
use gcloud_sdk::google::datastore::v1::value::ValueType;
use gcloud_sdk::google::datastore::v1::{Entity, Mutation};

/// What a Commit does to a chunk and its pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Fan-out makes the chunk and its pushes.
    Expand,
    /// Dispatch marks the chunk as handed to the queue.
    Queue,
    /// A sender takes the lease.
    Lease,
    /// Pushes are raised to granted: by the sender at the rendezvous, or by a redo.
    Raise,
    /// Pushes get their final state, and the attempt goes on.
    Settle,
    /// The chunk waits again; pushes may get their final state with it.
    GiveBack,
    /// The chunk is done; the last pushes may get their final state with it.
    Close,
    /// The chunk of a campaign that was ended is closed.
    Cancel,
    /// A user is taken off a push.
    Erase,
    /// The chunk and its pushes are deleted.
    Delete,
}

impl Step {
    /// The step of these mutations; `None` if they are none of the pipeline's.
    pub(super) fn of(mutations: &[Mutation]) -> Option<Self> {
        let mut updated = Vec::with_capacity(mutations.len());
        for mutation in mutations {
            match mutation.operation.as_ref()? {
                Operation::Insert(_) => return Some(Self::Expand),
                Operation::Delete(_) => return Some(Self::Delete),
                Operation::Update(entity) | Operation::Upsert(entity) => updated.push(entity),
            }
        }
        of_updates(&updated)
    }
}

fn of_updates(entities: &[&Entity]) -> Option<Step> {
    let chunk = entities.iter().find(|entity| kind(entity) == Some("Chunk"))?;
    let chunk = ChunkState::parse(text(chunk, "state")?)?;
    let mut pushes = entities
        .iter()
        .filter(|entity| kind(entity) == Some("Push"))
        .peekable();
    let settles = pushes.peek().is_some();
    for push in pushes {
        if text(push, "user").is_none() {
            return Some(Step::Erase);
        }
        if PushState::parse(text(push, "state")?)? == PushState::Granted {
            return Some(Step::Raise);
        }
    }
    Some(match chunk {
        ChunkState::Waiting => Step::GiveBack,
        ChunkState::Done => Step::Close,
        // Late results of a former holder apply, whoever has the chunk now.
        ChunkState::Queued | ChunkState::Leased | ChunkState::Cancelled if settles => Step::Settle,
        ChunkState::Queued => Step::Queue,
        ChunkState::Leased => Step::Lease,
        ChunkState::Cancelled => Step::Cancel,
    })
}

/// The kind of an entity: the last of its key's path.
fn kind(entity: &Entity) -> Option<&str> {
    Some(&entity.key.as_ref()?.path.last()?.kind)
}

fn text<'a>(entity: &'a Entity, name: &str) -> Option<&'a str> {
    match entity.properties.get(name)?.value_type.as_ref()? {
        ValueType::StringValue(text) => Some(text),
        _ => None,
    }
}
