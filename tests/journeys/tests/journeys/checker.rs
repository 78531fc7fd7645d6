//! That the books' rules find what they are there for: facts of a campaign that ended well, and
//! one thing wrong with them.

use campaign::{ChunkState, Reason, Standing};
use journeys::world::balance::{Facts, complaints};
use journeys::world::{Doubles, Stores, World, users};

/// What is wrong, and the complaint that must come of it.
type Wrong = (&'static str, fn(&mut Facts));

const WRONGS: &[Wrong] = &[
    ("has no push", |facts| drop(facts.pushes.pop())),
    ("has 2 pushes", |facts| facts.pushes.push(facts.pushes[0].clone())),
    ("is nobody's", |facts| drop(facts.recipients[0].pop())),
    ("chunks are not expanded", |facts| drop(facts.chunks.pop())),
    ("is Pending", |facts| facts.pushes[0].standing = Standing::Pending),
    ("is held", |facts| {
        facts.chunks[0].record.state = ChunkState::Queued
    }),
    ("index of queued", |facts| facts.queued = 1),
    ("its pushes are", |facts| facts.chunks[0].tally.pending += 1),
    ("is shown", |facts| facts.total.tally.pending += 1),
    ("has no grant", |facts| drop(facts.grants.pop_first())),
    ("has a grant and no push", |facts| {
        facts.grants.extend([("nobody".to_owned(), 0)])
    }),
    ("has a grant, and a push", |facts| {
        facts.pushes[0].standing = Standing::Settled(Reason::CouponExhausted);
    }),
    ("and a push of another", |facts| {
        *facts.grants.first_entry().unwrap().get_mut() += 1
    }),
    ("intents are open", |facts| facts.open_intents = 1),
    ("inconsistencies are open", |facts| facts.open_inconsistencies = 1),
    ("may still grant", |facts| facts.chunk_grants[0].closed = false),
    ("are not returned", |facts| facts.reservations[0].returned = None),
    ("the chunks count", |facts| facts.chunk_grants[0].used += 1),
    ("the chunks keep", |facts| facts.reservations[0].amount += 1),
    ("the coupon counts", |facts| {
        facts.coupon.as_mut().unwrap().reserved += 1
    }),
    ("no gateway accepted it", |facts| drop(facts.deliveries.pop())),
    ("was accepted, and is not sent", |facts| {
        facts.pushes[0].standing = Standing::Settled(Reason::NoDevice);
    }),
    ("were sent twice", |facts| {
        facts.deliveries.push(facts.deliveries[0].clone())
    }),
    ("shows on", |facts| facts.deliveries[0].collapse_id = None),
    ("before the start", |facts| {
        facts.deliveries[0].received_at = Default::default()
    }),
];

#[tokio::test]
async fn each_rule_of_the_books_finds_its_wrong() {
    let world = World::start(Stores::Optimistic).await.unwrap();
    let audience = world.audience_with_devices(&users(150)).await;
    let campaign = world.campaign(audience).coupon(200).start().await;
    world.finished(campaign).await;
    let facts = Facts::read(&world.books(), campaign).await;

    for (expected, spoil) in WRONGS {
        let mut spoilt = facts.clone();
        spoil(&mut spoilt);
        let found = complaints(&spoilt, Doubles::None);
        assert!(
            found.iter().any(|complaint| complaint.contains(expected)),
            "{expected}: {found:#?}"
        );
    }
    assert_eq!(complaints(&facts, Doubles::None), Vec::<String>::new());
    world.end().await;
}
