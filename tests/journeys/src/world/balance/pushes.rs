//! Every recipient has one push, every push is final, every count agrees, nothing is held.

use std::collections::BTreeMap;

use campaign::{CampaignState, ChunkId, PushId, Reason, Standing, Tally};
use push_store::{Chunk, Push};

use super::Facts;

pub(super) fn complaints(facts: &Facts) -> Vec<String> {
    let mut complaints = recipients(facts);
    complaints.extend(ends(facts));
    complaints.extend(chunk_counts(facts));
    complaints.extend(totals(facts));
    complaints
}

/// Each recipient's push is at the recipient's place, once, and there is no other.
fn recipients(facts: &Facts) -> Vec<String> {
    let campaign = facts.campaign.id;
    let mut found = BTreeMap::<(ChunkId, u16), Vec<&Push>>::new();
    for push in &facts.pushes {
        found.entry((push.chunk, push.place)).or_default().push(push);
    }
    let mut complaints = Vec::new();
    for (no, recipients) in (0..).zip(&facts.recipients) {
        let is_expanded = facts.chunks.iter().any(|chunk| chunk.no == no);
        for (place, user) in (0..).zip(recipients) {
            let name = user.as_deref().unwrap_or("an erased user");
            match found.remove(&(ChunkId::of(campaign, no), place)).as_deref() {
                Some([push]) if belongs(push, user.as_deref()) => {}
                Some([push]) => complaints.push(format!("{name} has the push {push:?}")),
                Some(pushes) => complaints.push(format!("{name} has {} pushes", pushes.len())),
                // Cancelled before it was expanded: there is no push, and it reads as cancelled.
                None if is_expanded => complaints.push(format!("{name} has no push")),
                None => {}
            }
        }
    }
    complaints.extend(
        found
            .values()
            .flatten()
            .map(|push| format!("push {} is nobody's", push.id)),
    );
    complaints
}

/// Whether it is the push of that recipient, or of one who was erased.
fn belongs(push: &Push, user: Option<&str>) -> bool {
    match user {
        Some(user) => push.id == PushId::of(push.campaign, user),
        None => push.user.is_none(),
    }
}

/// Everything has ended as the campaign's state says, and nobody holds anything.
fn ends(facts: &Facts) -> Vec<String> {
    let mut complaints = Vec::new();
    match facts.campaign.state {
        CampaignState::Finished => {
            let missing = facts.recipients.len() - facts.chunks.len();
            if missing > 0 {
                complaints.push(format!("{missing} chunks are not expanded"));
            }
            let open = |push: &&Push| !push.standing.state().is_final();
            let open = facts.pushes.iter().filter(open);
            complaints.extend(open.map(|push| format!("push {} is {:?}", push.id, push.standing)));
        }
        CampaignState::Cancelled | CampaignState::Failed => {}
        state @ (CampaignState::Draft
        | CampaignState::Scheduled
        | CampaignState::Running
        | CampaignState::Paused) => complaints.push(format!("the campaign is {}", state.as_str())),
    }
    let held = |chunk: &&Chunk| {
        let record = &chunk.record;
        !record.state.is_closed() || record.lease.is_some() || record.due_at.is_some()
    };
    let held = facts.chunks.iter().filter(held);
    complaints.extend(held.map(|chunk| format!("chunk {} is held: {:?}", chunk.no, chunk.record)));
    if facts.queued > 0 {
        complaints.push(format!("{} chunks are in the index of queued ones", facts.queued));
    }
    complaints
}

/// The counts on each marker are those of the pushes below it.
fn chunk_counts(facts: &Facts) -> Vec<String> {
    let counted = |chunk: &Chunk| -> Tally {
        let pushes = facts.pushes.iter().filter(|push| push.chunk == chunk.id);
        pushes.map(|push| push.standing).collect()
    };
    let differs = |chunk: &&Chunk| {
        let counted = counted(chunk);
        counted != chunk.tally || counted.total() != u64::from(chunk.size)
    };
    let differing = facts.chunks.iter().filter(differs);
    differing
        .map(|chunk| {
            format!(
                "chunk {} of {} counts {:?}, its pushes are {:?}",
                chunk.no,
                chunk.size,
                chunk.tally,
                counted(chunk)
            )
        })
        .collect()
}

/// The totals that people are shown are those of the pushes, as they read in the campaign's
/// state, and add up to the audience.
fn totals(facts: &Facts) -> Vec<String> {
    let (state, audience) = (facts.campaign.state, facts.campaign.audience_size);
    let recipients: usize = facts.recipients.iter().map(Vec::len).sum();
    let pushes: Tally = facts.pushes.iter().map(|push| push.standing).collect();
    let pushes = pushes.read_in(state, audience);
    let shown = facts.total.tally.read_in(state, audience);
    let mut complaints = Vec::new();
    if audience != recipients as u64 {
        complaints.push(format!(
            "the audience is said to be {audience} and has {recipients} recipients"
        ));
    }
    if shown != pushes {
        complaints.push(format!("{shown:?} is shown, the pushes are {pushes:?}"));
    }
    if shown.total() != audience {
        complaints.push(format!(
            "{} pushes are shown of {audience} recipients",
            shown.total()
        ));
    }
    complaints
}

/// Whether a gateway accepted it.
pub(super) fn is_sent(push: &Push) -> bool {
    push.standing == Standing::Settled(Reason::Accepted)
}
