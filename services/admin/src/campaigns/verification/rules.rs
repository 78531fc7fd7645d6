//! What must hold of one chunk, and what is different where it does not.
//!
//! Pure: the facts are read elsewhere. A difference that work under way removes is told from one
//! that is a fault by the campaign's stage alone, so that after the end nothing is excused.

mod grants;

use std::collections::HashMap;

use campaign::{ChunkId, PushId, Tally};
use push_store::{Chunk, Push};

use super::difference::{Difference, DifferenceKind as Kind, Stage, Verdict};
use super::facts::{Facts, InDatastore, Packed, Subject};

pub(super) use grants::needs_grant;

/// Everything that is different in the chunk.
pub(super) fn differences(facts: &Facts, subject: Subject, stage: Stage) -> Vec<Difference> {
    let no = facts.no;
    let Some(packed) = &facts.packed else {
        let detail = "the audience has no such chunk";
        return vec![Difference::of_chunk(
            Kind::AudienceDiffers,
            Verdict::Fault,
            no,
            detail,
        )];
    };
    let (chunk, pushes, are_of_one_version) = match &facts.datastore {
        InDatastore::Read {
            chunk,
            pushes,
            are_of_one_version,
        } => (chunk.as_deref(), pushes, *are_of_one_version),
        InDatastore::Unreadable(words) => {
            return vec![Difference::of_chunk(Kind::Unreadable, Verdict::Fault, no, words)];
        }
    };
    let Some(chunk) = chunk else {
        return without_marker(no, pushes, stage, are_of_one_version);
    };
    let mut differences = Vec::new();
    differences.extend(marker(chunk, packed, subject, no));
    differences.extend(recipients(packed, pushes, subject, no));
    differences.extend(counts(chunk, pushes, stage, are_of_one_version));
    differences.extend(unsettled(chunk, stage));
    differences.extend(total(chunk, facts, stage));
    if subject.has_coupon {
        differences.extend(grants::differences(facts, stage));
    }
    differences
}

fn without_marker(no: u32, pushes: &[Push], stage: Stage, are_of_one_version: bool) -> Vec<Difference> {
    let missing = match stage {
        Stage::UnderWay | Stage::Finished => Some(Difference::of_chunk(
            Kind::MarkerMissing,
            stage.passing(),
            no,
            "it is not expanded",
        )),
        // What a campaign that ended early did not expand, it never will.
        Stage::Ending(_) | Stage::Ended(_) => None,
    };
    let verdict = if are_of_one_version {
        Verdict::Fault
    } else {
        stage.passing()
    };
    let orphans = Difference::of_pushes(
        Kind::PushesWithoutMarker,
        verdict,
        no,
        &ids(pushes),
        "pushes are there without the marker that is inserted with them",
    );
    missing.into_iter().chain(orphans).collect()
}

fn marker(chunk: &Chunk, packed: &Packed, subject: Subject, no: u32) -> Option<Difference> {
    let differs = [
        (chunk.digest != packed.digest, "digest"),
        (chunk.audience != subject.audience, "audience"),
        (usize::from(chunk.size) != packed.users.len(), "size"),
        (chunk.no != no, "number"),
        (chunk.campaign != subject.campaign, "campaign"),
    ];
    let differs = differs.iter().filter(|(differs, _)| *differs);
    let differs: Vec<_> = differs.map(|(_, what)| *what).collect();
    (!differs.is_empty()).then(|| {
        let detail = format!("its marker has another {} than the audience", differs.join(", "));
        Difference::of_chunk(Kind::MarkerDiffers, Verdict::Fault, no, detail)
    })
}

/// Every recipient has one push, by its computed key, and every push is a recipient's. Of one who
/// was erased only the place is known.
fn recipients(packed: &Packed, pushes: &[Push], subject: Subject, no: u32) -> Vec<Difference> {
    let by_id: HashMap<_, _> = pushes.iter().map(|push| (push.id, push)).collect();
    let by_place: HashMap<_, _> = pushes.iter().map(|push| (push.place, push)).collect();
    let (mut missing, mut named, mut owned) = (Vec::new(), Vec::new(), Vec::new());
    for (place, user) in (0_u16..).zip(&packed.users) {
        let (expected, push) = match user {
            Some(user) => {
                let id = PushId::of(subject.campaign, user);
                (id, by_id.get(&id).filter(|push| push.place == place))
            }
            None => (
                PushId::of_erased(subject.campaign, no, place),
                by_place.get(&place),
            ),
        };
        match push {
            None => missing.push(expected),
            Some(push) => {
                owned.push(push.id);
                if user.is_none() && push.user.is_some() {
                    named.push(push.id);
                }
            }
        }
    }
    owned.sort_unstable();
    let chunk = ChunkId::of(subject.campaign, no);
    let is_foreign = |push: &&Push| {
        owned.binary_search(&push.id).is_err() || push.campaign != subject.campaign || push.chunk != chunk
    };
    let foreign: Vec<_> = pushes.iter().filter(is_foreign).map(|push| push.id).collect();
    let fault = Verdict::Fault;
    [
        Difference::of_pushes(Kind::PushMissing, fault, no, &missing, "recipients have no push"),
        Difference::of_pushes(
            Kind::PushForeign,
            fault,
            no,
            &foreign,
            "pushes are nobody's of the chunk",
        ),
        // The erasure begins with the audience; the push is next, whatever the campaign's state.
        Difference::of_pushes(
            Kind::PushNotErased,
            Verdict::NotYet,
            no,
            &named,
            "pushes name users who are being erased",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn counts(chunk: &Chunk, pushes: &[Push], stage: Stage, are_of_one_version: bool) -> Option<Difference> {
    let counted: Tally = pushes.iter().map(|push| push.standing).collect();
    let verdict = if are_of_one_version {
        Verdict::Fault
    } else {
        stage.passing()
    };
    (counted != chunk.tally).then(|| {
        let detail = format!(
            "it counts {}, its pushes are {}",
            words(&chunk.tally),
            words(&counted)
        );
        Difference::of_chunk(Kind::CountsDiffer, verdict, chunk.no, detail)
    })
}

/// After the end every push is final and every chunk closed; where the campaign ended early,
/// pushes that are not final read as cancelled.
fn unsettled(chunk: &Chunk, stage: Stage) -> Option<Difference> {
    let is_closed = chunk.record.state.is_closed();
    let is_done = match stage {
        Stage::UnderWay | Stage::Finished => chunk.is_settled() && is_closed,
        Stage::Ending(_) | Stage::Ended(_) => is_closed,
    };
    (!is_done).then(|| {
        let Tally { pending, granted, .. } = chunk.tally;
        let detail = format!(
            "it is {}, with {pending} pushes pending and {granted} granted",
            chunk.record.state.as_str()
        );
        Difference::of_chunk(Kind::Unsettled, stage.passing(), chunk.no, detail)
    })
}

/// SQL's counts, which were read first, are those of the chunk or of an earlier version of it.
fn total(chunk: &Chunk, facts: &Facts, stage: Stage) -> Option<Difference> {
    let differs = |kind, verdict, detail: String| Some(Difference::of_chunk(kind, verdict, chunk.no, detail));
    let Some(total) = &facts.total else {
        let detail = "SQL has no counts of it".to_owned();
        return differs(Kind::TotalsBehind, stage.passing(), detail);
    };
    if total.version < chunk.version {
        let detail = format!(
            "SQL has counts of version {}, it is at {}",
            total.version, chunk.version
        );
        return differs(Kind::TotalsBehind, stage.passing(), detail);
    }
    let as_read = match stage {
        Stage::UnderWay | Stage::Finished => chunk.tally.clone(),
        Stage::Ending(state) | Stage::Ended(state) => chunk.tally_as_read(state),
    };
    let is_same = [&chunk.tally, &as_read].contains(&&total.tally)
        && total.version == chunk.version
        && total.closed == chunk.record.state.is_closed();
    if is_same {
        return None;
    }
    let detail = format!(
        "SQL counts {} at version {}, it counts {} at {}",
        words(&total.tally),
        total.version,
        words(&chunk.tally),
        chunk.version
    );
    differs(Kind::TotalsDiffer, Verdict::Fault, detail)
}

fn ids(pushes: &[Push]) -> Vec<PushId> {
    pushes.iter().map(|push| push.id).collect()
}

/// Counts in words: `3 pending, 96 accepted`.
fn words(tally: &Tally) -> String {
    let unsettled = [(tally.pending, "pending"), (tally.granted, "granted")];
    let settled = tally
        .settled
        .iter()
        .map(|(reason, count)| (*count, reason.as_str()));
    let counts = unsettled
        .into_iter()
        .chain(settled)
        .filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts.map(|(count, word)| format!("{count} {word}")).collect();
    if counts.is_empty() {
        "nothing".to_owned()
    } else {
        counts.join(", ")
    }
}

#[cfg(test)]
mod tests;
