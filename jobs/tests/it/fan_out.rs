//! Fan-out by several processes: who has which stripe, and what becomes of it.

use campaign::{AudienceId, CampaignId, Transition};
use database::fan_out_stripe::{self, CHUNKS};
use database::{chunk_tally, fan_out_progress};
use jobs::fan_out;
use runtime::Backends;
use runtime::job::{Outcome, Report as _};
use tokio::task::JoinHandle;

use crate::world::World;

/// Recipients, each of whom has a chunk: some stripes, the last of them not whole.
const USERS: u32 = CHUNKS * 4 + 10;

/// One recipient a chunk, and one chunk after the other.
async fn world() -> (World, AudienceId) {
    let world = World::with(|config| {
        config.fan_out.mutations = 2.try_into().unwrap();
        config.fan_out.in_flight = 1.try_into().unwrap();
    })
    .await;
    let rows = (0..USERS).map(|user| format!("u{user}\n"));
    let file = format!("user_id\n{}", rows.collect::<String>());
    let audience = world.upload(file.as_bytes()).await;
    jobs::import::run(&world.backends).await.unwrap();
    (world, audience)
}

/// A pass that goes on beside the test.
fn begin(backends: &Backends) -> JoinHandle<fan_out::Report> {
    let tasks = backends.process.tasks.clone();
    let backends = backends.clone();
    tasks.spawn(async move { fan_out::run(&backends).await.unwrap() })
}

async fn until_expanded(world: &World, campaign: CampaignId, chunks: u32) {
    let first = (0..chunks).collect::<Vec<_>>();
    world
        .until(async || {
            let store = &world.backends.push_store;
            store.list_unexpanded(campaign, &first).await.unwrap().is_empty()
        })
        .await;
}

/// Every recipient has one push, everything is counted once, and nothing is in anybody's hands.
async fn is_expanded_once(world: &World, campaign: CampaignId) {
    let mut users = world
        .pushes(campaign)
        .await
        .into_iter()
        .map(|push| push.user.unwrap())
        .collect::<Vec<_>>();
    users.sort_unstable();
    let mut expected = (0..USERS).map(|user| format!("u{user}")).collect::<Vec<_>>();
    expected.sort_unstable();
    assert_eq!(users, expected);
    let db = &world.backends.db;
    let total = chunk_tally::total(db, campaign).await.unwrap();
    assert_eq!(
        (total.chunks, total.expanded),
        (u64::from(USERS), u64::from(USERS))
    );
    assert_eq!(fan_out_stripe::count_open(db, campaign).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_processes_share_a_campaign() {
    let (world, audience) = world().await;
    let campaign = world.start_campaign(audience).await;
    let processes = [(); 3].map(|()| begin(&world.process_with(|_| {})));

    let mut chunks = Vec::new();
    for process in processes {
        chunks.push(process.await.unwrap().chunks);
    }

    is_expanded_once(&world, campaign).await;
    assert_eq!(chunks.iter().sum::<u32>(), USERS, "{chunks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stops_gives_its_stripes_back_at_once() {
    let (world, audience) = world().await;
    let campaign = world.start_campaign(audience).await;
    let stopping = world.process_with(|_| {});
    let pass = begin(&stopping);
    until_expanded(&world, campaign, 5).await;

    stopping.process.stop.request();
    let stopped = pass.await.unwrap();
    let rest = fan_out::run(&world.backends).await.unwrap();

    assert!((5..CHUNKS).contains(&stopped.chunks), "{stopped}");
    assert_eq!(stopped.chunks + rest.chunks, USERS);
    is_expanded_once(&world, campaign).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_gone_loses_its_stripes_when_their_lease_ends() {
    let (world, audience) = world().await;
    let campaign = world.start_campaign(audience).await;
    let pass = begin(&world.process_with(|_| {}));
    until_expanded(&world, campaign, 5).await;
    pass.abort();
    let _ = pass.await;

    let before = fan_out::run(&world.backends).await.unwrap();
    let open = fan_out_stripe::count_open(&world.backends.db, campaign)
        .await
        .unwrap();
    world.hand.advance(world.backends.process.config.fan_out.lease);
    let after = fan_out::run(&world.backends).await.unwrap();

    assert!(open >= 1, "it is still the other's");
    assert!(before.chunks >= USERS - CHUNKS * 2, "{before}");
    assert!(after.chunks > 0, "{after}");
    assert_eq!(after.outcome(), Outcome::Worked);
    let markers = world.pushes(campaign).await.len();
    assert_eq!(markers, USERS as usize);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stripe_that_two_processes_do_at_once_is_expanded_once() {
    let (world, audience) = world().await;
    let campaign = world.start_campaign(audience).await;
    let slow = begin(&world.process_with(|_| {}));
    until_expanded(&world, campaign, 5).await;

    // By the other's clock, the first one has not been heard of for long.
    let ahead = world.process_with(|config| config.fan_out.in_flight = 8.try_into().unwrap());
    world
        .hand
        .advance(world.backends.process.config.fan_out.lease * 2);
    let taken_over = fan_out::run(&ahead).await.unwrap();
    let slow = slow.await.unwrap();

    assert!(slow.chunks + taken_over.chunks >= USERS);
    is_expanded_once(&world, campaign).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_campaign_starts_no_more_chunks_and_goes_on_where_it_was() {
    let (world, audience) = world().await;
    let campaign = world.start_campaign(audience).await;
    let pass = begin(&world.backends);
    until_expanded(&world, campaign, 5).await;

    world.transition(campaign, Transition::Pause).await;
    world.hand.advance(std::time::Duration::from_millis(250));
    let until_paused = pass.await.unwrap();
    let while_paused = fan_out::run(&world.backends).await.unwrap();
    world.transition(campaign, Transition::Resume).await;
    let resumed = fan_out::run(&world.backends).await.unwrap();

    assert!((5..USERS).contains(&until_paused.chunks), "{until_paused}");
    assert_eq!(while_paused.outcome(), Outcome::Idle);
    assert_eq!(until_paused.chunks + resumed.chunks, USERS);
    is_expanded_once(&world, campaign).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_expanded_is_not_looked_at_again() {
    let (world, audience) = world().await;
    let campaign = world.expand_campaign(audience).await;

    let again = fan_out::run(&world.backends).await.unwrap();

    assert_eq!(again, fan_out::Report::default());
    let begun = fan_out_progress::find(&world.backends.db, campaign)
        .await
        .unwrap();
    assert_eq!(begun, Some(USERS.div_ceil(CHUNKS)));
}
