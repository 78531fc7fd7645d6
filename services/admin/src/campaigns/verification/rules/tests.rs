//! Facts of a chunk that ended well, and one thing wrong with them.

use std::collections::{HashMap, HashSet};

use campaign::{
    AudienceId, CampaignId, CampaignState, ChunkId, ChunkRecord, ChunkState, CouponId, PushId, Reason,
    Standing, TimerKey,
};
use chrono::{DateTime, Utc};
use database::chunk_tally::ChunkTally;
use database::shard::chunk_grants::ChunkGrants;
use uuid::Uuid;

use super::*;

const NO: u32 = 7;

fn subject() -> Subject {
    Subject {
        campaign: CampaignId(Uuid::from_u128(1)),
        audience: AudienceId(Uuid::from_u128(2)),
        has_coupon: true,
    }
}

fn noon() -> DateTime<Utc> {
    "2026-07-01T12:00:00Z".parse().unwrap()
}

fn push(place: u16, user: &str) -> Push {
    let campaign = subject().campaign;
    Push {
        id: PushId::of(campaign, user),
        chunk: ChunkId::of(campaign, NO),
        campaign,
        place,
        user: Some(user.to_owned()),
        locale: None,
        variables: Vec::new(),
        message: None,
        standing: Standing::Settled(Reason::Accepted),
        settled_at: Some(noon()),
    }
}

/// A chunk of three recipients, the second of whom was erased, all sent with a coupon.
fn good() -> Facts {
    let erased = Push {
        user: None,
        standing: Standing::Settled(Reason::Erased),
        ..push(1, "b")
    };
    let pushes = vec![push(0, "a"), erased, push(2, "c")];
    let tally: Tally = pushes.iter().map(|push| push.standing).collect();
    let chunk = Chunk {
        id: ChunkId::of(subject().campaign, NO),
        campaign: subject().campaign,
        no: NO,
        audience: subject().audience,
        digest: [9; 32],
        size: 3,
        timer: TimerKey(Uuid::from_u128(3)),
        expires_at: noon(),
        record: ChunkRecord::closed(noon()),
        attempts: 0,
        tally: tally.clone(),
        version: 4,
        accepted_at: None,
    };
    Facts {
        no: NO,
        packed: Some(Packed {
            digest: [9; 32],
            users: vec![Some("a".to_owned()), None, Some("c".to_owned())],
        }),
        total: Some(ChunkTally::of(
            subject().campaign,
            NO,
            4,
            ChunkState::Done,
            &tally,
        )),
        datastore: InDatastore::Read {
            chunk: Some(Box::new(chunk)),
            pushes,
            are_of_one_version: true,
        },
        grants: HashMap::from([("a".to_owned(), NO), ("c".to_owned(), NO)]),
        stock: Some(ChunkGrants {
            coupon_id: CouponId(Uuid::from_u128(5)),
            reserved: 3,
            used: 2,
            closed: true,
        }),
        erased: HashSet::new(),
    }
}

fn chunk(facts: &mut Facts) -> &mut Chunk {
    match &mut facts.datastore {
        InDatastore::Read {
            chunk: Some(chunk), ..
        } => chunk,
        other => panic!("{other:?}"),
    }
}

fn pushes(facts: &mut Facts) -> &mut Vec<Push> {
    match &mut facts.datastore {
        InDatastore::Read { pushes, .. } => pushes,
        other @ InDatastore::Unreadable(_) => panic!("{other:?}"),
    }
}

fn take_marker(facts: &mut Facts) {
    if let InDatastore::Read { chunk, .. } = &mut facts.datastore {
        *chunk = None;
    }
}

fn found(facts: &Facts, stage: Stage) -> Vec<(Kind, Verdict)> {
    let differences = differences(facts, subject(), stage);
    differences
        .iter()
        .map(|difference| (difference.kind, difference.verdict))
        .collect()
}

/// What is done to the facts, and the differences that must come of it in a finished campaign.
type Wrong = (fn(&mut Facts), &'static [Kind]);

const WRONGS: &[Wrong] = &[
    (take_marker, &[Kind::MarkerMissing, Kind::PushesWithoutMarker]),
    (|facts| chunk(facts).digest = [8; 32], &[Kind::MarkerDiffers]),
    (|facts| chunk(facts).no = 8, &[Kind::MarkerDiffers]),
    (
        |facts| drop(pushes(facts).pop()),
        &[Kind::PushMissing, Kind::CountsDiffer],
    ),
    (
        |facts| pushes(facts).push(push(3, "z")),
        &[Kind::PushForeign, Kind::CountsDiffer, Kind::GrantMissing],
    ),
    (
        // Somebody else's in the place of a recipient.
        |facts| pushes(facts)[0] = push(0, "z"),
        &[Kind::PushMissing, Kind::PushForeign, Kind::GrantMissing],
    ),
    (
        |facts| pushes(facts)[0].campaign = CampaignId(Uuid::nil()),
        &[Kind::PushForeign],
    ),
    (
        |facts| chunk(facts).tally.pending += 1,
        &[Kind::CountsDiffer, Kind::Unsettled, Kind::TotalsDiffer],
    ),
    (|facts| facts.total = None, &[Kind::TotalsBehind]),
    (
        |facts| facts.total.as_mut().unwrap().version = 3,
        &[Kind::TotalsBehind],
    ),
    (
        |facts| facts.total.as_mut().unwrap().tally.granted += 1,
        &[Kind::TotalsDiffer],
    ),
    (
        |facts| facts.total.as_mut().unwrap().version = 5,
        &[Kind::TotalsDiffer],
    ),
    (
        |facts| facts.total.as_mut().unwrap().closed = false,
        &[Kind::TotalsDiffer],
    ),
    (
        |facts| facts.grants.retain(|user, _| user != "a"),
        &[Kind::GrantMissing],
    ),
    (
        |facts| facts.grants.extend([("a".to_owned(), 8)]),
        &[Kind::GrantElsewhere],
    ),
    (
        |facts| facts.stock.as_mut().unwrap().used = 4,
        &[Kind::GrantCountDiffers],
    ),
    (|facts| facts.stock = None, &[Kind::GrantCountDiffers]),
    (|facts| facts.packed = None, &[Kind::AudienceDiffers]),
    (
        |facts| facts.datastore = InDatastore::Unreadable("odd".to_owned()),
        &[Kind::Unreadable],
    ),
];

#[test]
fn a_chunk_that_ended_well_has_no_difference() {
    for stage in [
        Stage::UnderWay,
        Stage::Finished,
        Stage::Ending(CampaignState::Cancelled),
        Stage::Ended(CampaignState::Failed),
    ] {
        assert_eq!(found(&good(), stage), [], "{stage:?}");
    }
}

#[test]
fn each_wrong_is_found_and_is_a_fault_once_the_campaign_is_finished() {
    for (at, (spoil, expected)) in WRONGS.iter().enumerate() {
        let mut facts = good();
        spoil(&mut facts);

        let found = found(&facts, Stage::Finished);

        let kinds: Vec<_> = found.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, *expected, "wrong {at}");
        assert!(
            found.iter().all(|(_, verdict)| *verdict == Verdict::Fault),
            "wrong {at}"
        );
    }
}

#[test]
fn of_a_running_campaign_what_is_missing_is_only_not_there_yet() {
    let mut unexpanded = good();
    take_marker(&mut unexpanded);
    pushes(&mut unexpanded).clear();
    let mut pending = good();
    pushes(&mut pending)[0].standing = Standing::Pending;
    let tally: Tally = pushes(&mut pending).iter().map(|push| push.standing).collect();
    chunk(&mut pending).tally = tally;
    chunk(&mut pending).version = 5;

    assert_eq!(
        found(&unexpanded, Stage::UnderWay),
        [(Kind::MarkerMissing, Verdict::NotYet)]
    );
    assert_eq!(
        found(&pending, Stage::UnderWay),
        [
            (Kind::Unsettled, Verdict::NotYet),
            (Kind::TotalsBehind, Verdict::NotYet),
            (Kind::GrantUnexpected, Verdict::NotYet),
        ]
    );
}

#[test]
fn what_is_gone_is_a_fault_even_while_the_campaign_runs() {
    let mut facts = good();
    pushes(&mut facts).remove(0);

    let found = found(&facts, Stage::UnderWay);

    assert_eq!(
        found,
        [
            (Kind::PushMissing, Verdict::Fault),
            (Kind::CountsDiffer, Verdict::Fault)
        ]
    );
}

#[test]
fn a_chunk_that_moved_while_it_was_read_is_not_blamed() {
    let mut facts = good();
    pushes(&mut facts)[0].standing = Standing::Settled(Reason::NoDevice);
    if let InDatastore::Read {
        are_of_one_version, ..
    } = &mut facts.datastore
    {
        *are_of_one_version = false;
    }

    assert_eq!(
        found(&facts, Stage::UnderWay),
        [(Kind::CountsDiffer, Verdict::NotYet)]
    );
}

#[test]
fn what_a_cancelled_campaign_did_not_expand_or_send_is_no_difference() {
    let ended = Stage::Ended(CampaignState::Cancelled);
    let mut unexpanded = good();
    take_marker(&mut unexpanded);
    pushes(&mut unexpanded).clear();
    let mut unsent = good();
    pushes(&mut unsent)[0].standing = Standing::Granted;
    let tally: Tally = pushes(&mut unsent).iter().map(|push| push.standing).collect();
    chunk(&mut unsent).tally = tally;
    chunk(&mut unsent).record.state = ChunkState::Cancelled;
    let as_read = chunk(&mut unsent).tally_as_read(CampaignState::Cancelled);
    unsent.total.as_mut().unwrap().tally = as_read;

    assert_eq!(found(&unexpanded, ended), []);
    assert_eq!(found(&unsent, ended), []);
}

#[test]
fn erased_users_are_counted_and_not_looked_for() {
    let mut facts = good();
    // The grant of the erased one has another name by now, and so has that of one being erased.
    facts.stock.as_mut().unwrap().used = 3;
    facts.grants.remove("c");
    facts.erased.insert("c".to_owned());

    assert_eq!(found(&facts, Stage::Finished), []);
}

#[test]
fn a_push_that_names_an_erased_user_will_not_for_long() {
    let mut facts = good();
    pushes(&mut facts)[1].user = Some("b".to_owned());

    assert_eq!(
        found(&facts, Stage::Finished),
        [(Kind::PushNotErased, Verdict::NotYet)]
    );
}
