//! What an inconsistency means, and what its repair would do: pure, from what both stores hold.

use database::inconsistency::InconsistencyKind;
use database::shard::intent::{Intent, IntentState};
use serde::Serialize;
use utoipa::ToSchema;

use super::datastore::{InDatastore, NamedPushes};

/// What a repair would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RepairAction {
    /// Nothing: it is repaired.
    Nothing,
    /// Raise pushes to granted, and close the intent.
    Raise,
    /// Close the intent: Datastore has followed.
    Close,
    /// Try again until Datastore can be read.
    Retry,
    /// Nothing that helps: what it would raise is not there.
    Impossible,
}

/// How the two stores stand to each other now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Datastore cannot be read.
    NotKnown,
    /// There is no such chunk.
    NoChunk,
    /// So many of its pushes are not there.
    NoPushes(u64),
    /// So many pushes do not know of their coupon.
    Behind(u64),
    /// Every push knows of its coupon, or is final.
    Agreed,
}

/// What it all comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Conclusion {
    /// Which failure it was, and how the stores stand to each other since.
    pub(super) failure: String,
    pub(super) action: RepairAction,
    /// What a repair would do, in words.
    pub(super) repair: String,
}

/// Concludes from what both stores hold.
pub(super) fn conclude(
    kind: InconsistencyKind,
    intent: Option<&Intent>,
    datastore: &InDatastore,
) -> Conclusion {
    let standing = standing(datastore);
    let state = intent.map(|intent| intent.state);
    let action = action(state, standing);
    Conclusion {
        failure: format!("{} {}", what_failed(kind), since_then(intent, standing)),
        action,
        repair: repair(state, standing),
    }
}

fn standing(datastore: &InDatastore) -> Standing {
    match datastore {
        InDatastore::Failed { .. } => Standing::NotKnown,
        InDatastore::Read { chunk: None, .. } => Standing::NoChunk,
        InDatastore::Read { pushes: None, .. } => Standing::Agreed,
        InDatastore::Read {
            pushes: Some(NamedPushes { missing, pending, .. }),
            ..
        } => match (missing, pending) {
            (0, 0) => Standing::Agreed,
            (0, pending) => Standing::Behind(*pending),
            (missing, _) => Standing::NoPushes(*missing),
        },
    }
}

fn action(intent: Option<IntentState>, standing: Standing) -> RepairAction {
    match (intent, standing) {
        (None | Some(IntentState::Closed), _) => RepairAction::Nothing,
        (Some(IntentState::Open | IntentState::Dead), standing) => match standing {
            Standing::NotKnown => RepairAction::Retry,
            Standing::NoChunk | Standing::NoPushes(_) => RepairAction::Impossible,
            Standing::Behind(_) => RepairAction::Raise,
            Standing::Agreed => RepairAction::Close,
        },
    }
}

fn what_failed(kind: InconsistencyKind) -> &'static str {
    match kind {
        InconsistencyKind::NotCommitted => {
            "SQL committed the coupons. Datastore refused its own commit, because another transaction was in \
             the way, and kept nothing of it."
        }
        InconsistencyKind::Unknown => {
            "SQL committed the coupons. Datastore's answer to its own commit was lost: it may have kept it \
             or not."
        }
        InconsistencyKind::Found => {
            "SQL committed the coupons, and nobody has told what became of Datastore's commit: the sender \
             died between the two, or lost its stores. Reconcile found the intent open."
        }
    }
}

fn since_then(intent: Option<&Intent>, standing: Standing) -> String {
    let Some(intent) = intent else {
        return "Its intent was closed, and deleted when the campaign was pruned.".to_owned();
    };
    match intent.state {
        IntentState::Closed => when_closed(standing),
        IntentState::Open => when_open(standing),
        IntentState::Dead => {
            let why = intent
                .last_error
                .as_deref()
                .unwrap_or("for no reason that is known");
            format!("{} Reconcile has given it up: {why}.", when_open(standing))
        }
    }
}

fn when_closed(standing: Standing) -> String {
    match standing {
        Standing::Behind(behind) => format!(
            "Its intent is closed, and yet {} pending: a fault, or somebody else's hands.",
            pushes_are(behind)
        ),
        Standing::NotKnown | Standing::NoChunk | Standing::NoPushes(_) | Standing::Agreed => {
            "Since then Datastore has followed, and the intent was closed.".to_owned()
        }
    }
}

fn when_open(standing: Standing) -> String {
    match standing {
        Standing::NotKnown => "Datastore cannot be read now, so how it stands cannot be told.".to_owned(),
        Standing::NoChunk => {
            "The chunk is not in Datastore: somebody else's hands have deleted it.".to_owned()
        }
        Standing::NoPushes(missing) => format!(
            "{} not in Datastore: somebody else's hands have deleted them.",
            pushes_are(missing)
        ),
        Standing::Behind(behind) => format!("Datastore has not followed: {} pending.", pushes_are(behind)),
        Standing::Agreed => "Datastore has followed; only the intent is still to be closed.".to_owned(),
    }
}

fn repair(intent: Option<IntentState>, standing: Standing) -> String {
    let redo = match standing {
        Standing::NotKnown => "try again, and again until Datastore answers".to_owned(),
        Standing::NoChunk | Standing::NoPushes(_) => {
            "find nothing to raise, and give it up: restore Datastore first".to_owned()
        }
        Standing::Behind(behind) => format!("raise {} to granted and close the intent", pushes(behind)),
        Standing::Agreed => "close the intent, and change nothing else".to_owned(),
    };
    match intent {
        None | Some(IntentState::Closed) => "change nothing: no intent is open".to_owned(),
        Some(IntentState::Open) => redo,
        Some(IntentState::Dead) => format!("open it again, {redo}"),
    }
}

fn pushes(count: u64) -> String {
    match count {
        1 => "1 push".to_owned(),
        _ => format!("{count} pushes"),
    }
}

fn pushes_are(count: u64) -> String {
    match count {
        1 => "1 push is".to_owned(),
        _ => format!("{count} pushes are"),
    }
}

#[cfg(test)]
mod tests {
    use campaign::{CampaignId, IntentId};
    use chrono::DateTime;

    use super::*;
    use crate::inconsistencies::datastore::ChunkSummary;

    fn intent(state: IntentState) -> Intent {
        Intent {
            id: IntentId::allocate(),
            campaign_id: CampaignId::allocate(),
            chunk_no: 0,
            users: [0; 64],
            state,
            attempts: 8,
            due_at: DateTime::UNIX_EPOCH,
            last_error: Some("permission denied".to_owned()),
            created_at: DateTime::UNIX_EPOCH,
            closed_at: None,
        }
    }

    fn holds(pending: u64, granted: u64, missing: u64) -> InDatastore {
        let chunk = ChunkSummary {
            state: "waiting",
            leased_until: None,
        };
        let pushes = NamedPushes {
            pending,
            granted,
            missing,
            ..NamedPushes::default()
        };
        InDatastore::Read {
            chunk: Some(chunk),
            pushes: Some(pushes),
        }
    }

    fn no_chunk() -> InDatastore {
        InDatastore::Read {
            chunk: None,
            pushes: Some(NamedPushes::default()),
        }
    }

    fn down() -> InDatastore {
        InDatastore::Failed {
            error: "datastore is not reachable".to_owned(),
        }
    }

    #[test]
    fn what_a_repair_does_follows_from_both_sides() {
        use RepairAction::{Close, Impossible, Nothing, Raise, Retry};
        let of = |state: Option<IntentState>, datastore| {
            let intent = state.map(intent);
            conclude(InconsistencyKind::Unknown, intent.as_ref(), &datastore).action
        };

        for (datastore, unclosed, closed) in [
            (holds(0, 12, 0), Close, Nothing),
            (holds(12, 0, 0), Raise, Nothing),
            (holds(5, 7, 0), Raise, Nothing),
            (holds(5, 6, 1), Impossible, Nothing),
            (no_chunk(), Impossible, Nothing),
            (down(), Retry, Nothing),
        ] {
            assert_eq!(of(Some(IntentState::Open), datastore.clone()), unclosed);
            assert_eq!(of(Some(IntentState::Dead), datastore.clone()), unclosed);
            assert_eq!(of(Some(IntentState::Closed), datastore.clone()), closed);
            assert_eq!(of(None, datastore), closed);
        }
    }

    #[test]
    fn a_dead_intent_is_told_with_its_reason_and_what_opening_it_would_do() {
        let dead = intent(IntentState::Dead);

        let behind = conclude(InconsistencyKind::NotCommitted, Some(&dead), &holds(1, 11, 0));
        let gone = conclude(InconsistencyKind::Found, Some(&dead), &no_chunk());

        assert!(behind.failure.contains("1 push is pending"), "{behind:?}");
        assert!(
            behind
                .failure
                .ends_with("Reconcile has given it up: permission denied.")
        );
        assert_eq!(
            behind.repair,
            "open it again, raise 1 push to granted and close the intent"
        );
        assert_eq!(
            gone.repair,
            "open it again, find nothing to raise, and give it up: restore Datastore first"
        );
    }

    #[test]
    fn a_closed_intent_that_left_pushes_behind_is_called_a_fault() {
        let closed = intent(IntentState::Closed);

        let told = conclude(InconsistencyKind::Unknown, Some(&closed), &holds(3, 9, 0));

        assert!(told.failure.contains("3 pushes are pending: a fault"), "{told:?}");
        assert_eq!(told.repair, "change nothing: no intent is open");
    }
}
