//! Audiences that are made of others.

use std::collections::BTreeSet;
use std::time::Duration;

use audience::Unpacked;
use campaign::{AudienceId, ChunkId, FileRole, PushId, Reason, Sources, Standing};
use database::audience::AudienceState;
use jobs::import;
use push_store::Afterwards;

use super::{pass, small_world};
use crate::world::World;

/// A file of users `from..to`, with a variable.
fn file(from: u32, to: u32, variable: &str) -> Vec<u8> {
    let rows = (from..to).map(|row| format!("u{row:05},{variable}{row}\n"));
    format!("user_id,{variable}\n{}", rows.collect::<String>()).into_bytes()
}

fn users(range: impl IntoIterator<Item = u32>) -> BTreeSet<String> {
    range.into_iter().map(|row| format!("u{row:05}")).collect()
}

async fn ready(world: &World, from: u32, to: u32, variable: &str) -> AudienceId {
    let audience = world.upload(&file(from, to, variable)).await;
    pass(world).await;
    audience
}

async fn made(world: &World, file: &[u8], sources: &Sources) -> AudienceId {
    let audience = world.make(file, sources).await;
    pass(world).await;
    audience
}

/// Who is in it, each once.
async fn who(world: &World, audience: AudienceId) -> BTreeSet<String> {
    let found = world.audience(audience).await;
    assert_eq!(found.state, AudienceState::Ready, "{found:?}");
    let recipients = world.recipients(audience).await;
    let users: BTreeSet<_> = recipients.iter().flatten().cloned().collect();
    assert_eq!(users.len(), recipients.len());
    assert_eq!(users.len() as u64, found.progress.size);
    users
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_added_to_an_audience_and_its_rows_count_first() {
    let world = small_world().await;
    let base = ready(&world, 0, 3_000, "a").await;
    let sources = Sources {
        include: vec![base],
        ..Sources::default()
    };

    let audience = made(&world, &file(2_000, 4_000, "b"), &sources).await;

    assert_eq!(who(&world, audience).await, users(0..4_000));
    let mut values = BTreeSet::new();
    for chunk in world.chunks(audience).await {
        let unpacked = Unpacked::open(&chunk.recipients).unwrap();
        for recipient in unpacked.iter().flatten() {
            let (a, b) = (
                recipient.variables.get("a").unwrap(),
                recipient.variables.get("b").unwrap(),
            );
            values.insert(format!("{} {a} {b}", recipient.user_id));
        }
    }
    assert!(values.contains("u00001 a1 "));
    assert!(values.contains("u02500  b2500"), "the file's row");
    assert!(values.contains("u03999  b3999"));
    assert_eq!(world.audience(audience).await.progress.variables, r#"["b","a"]"#);
    assert!(world.report(audience).await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_files_users_are_taken_from_an_audience() {
    let world = small_world().await;
    let base = ready(&world, 0, 3_000, "a").await;
    let sources = Sources {
        file: FileRole::Excluded,
        include: vec![base],
        ..Sources::default()
    };

    let audience = made(&world, &file(2_000, 4_000, "b"), &sources).await;
    let nobody = made(&world, &file(0, 3_000, "b"), &sources).await;

    assert_eq!(who(&world, audience).await, users(0..2_000));
    let refused = world.audience(nobody).await;
    assert_eq!(refused.state, AudienceState::Refused);
    assert_eq!(
        refused.refusal.as_deref(),
        Some("no recipient is left: everybody is excluded, or nobody is included")
    );
    assert_eq!((world.runs(nobody).await, world.parts(nobody).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn audiences_are_included_and_excluded_without_a_file() {
    let world = small_world().await;
    let (first, second) = (
        ready(&world, 0, 2_000, "a").await,
        ready(&world, 1_000, 3_000, "a").await,
    );
    let third = ready(&world, 500, 1_500, "a").await;
    let sources = Sources {
        include: vec![first, second],
        exclude: vec![third],
        ..Sources::default()
    };

    let audience = made(&world, b"", &sources).await;

    assert_eq!(who(&world, audience).await, users((0..500).chain(1_500..3_000)));
    assert_eq!(world.report(audience).await, None, "there are no rows to tell of");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_chosen_by_what_became_of_a_campaign() {
    let world = small_world().await;
    let base = ready(&world, 0, 1_000, "a").await;
    let campaign = world.expand_campaign(base).await;
    let now = world.backends.process.clock.now();
    let (accepted, gone) = (
        Standing::Settled(Reason::Accepted),
        Standing::Settled(Reason::Unregistered),
    );
    for (no, chunk) in (0..).zip(world.chunks(base).await) {
        let unpacked = Unpacked::open(&chunk.recipients).unwrap();
        let results: Vec<_> = unpacked
            .iter()
            .flatten()
            .filter_map(|recipient| match recipient.user_id {
                user if user < "u00100" => Some((PushId::of(campaign, user), accepted)),
                user if user < "u00300" => Some((PushId::of(campaign, user), gone)),
                _ => None,
            })
            .collect();
        let id = ChunkId::of(campaign, no);
        let settled = world
            .backends
            .push_store
            .settle(id, &results, Afterwards::GoOn, now);
        settled.await.unwrap().unwrap();
    }
    let of = |exclude_sent_in, only_failed_in| Sources {
        include: vec![base],
        exclude_sent_in,
        only_failed_in,
        ..Sources::default()
    };

    let not_sent = made(&world, b"", &of(vec![campaign], None)).await;
    let failed = made(&world, b"", &of(Vec::new(), Some(campaign))).await;

    assert_eq!(who(&world, not_sent).await, users(100..1_000));
    assert_eq!(who(&world, failed).await, users(100..300));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audience_of_lists_goes_on_where_it_was_cut_off() {
    let world = small_world().await;
    let base = ready(&world, 0, 20_000, "a").await;
    let excluded = ready(&world, 5_000, 6_000, "a").await;
    let sources = Sources {
        include: vec![base],
        exclude: vec![excluded],
        ..Sources::default()
    };
    let file = file(19_000, 25_000, "b");
    let whole = made(&world, &file, &sources).await;
    let audience = world.make(&file, &sources).await;

    for micros in (1_000..200_000).step_by(15_000) {
        let cut = tokio::time::timeout(Duration::from_micros(micros), import::run(&world.backends));
        if let Ok(ended) = cut.await {
            ended.unwrap();
        }
        world.hand.advance(Duration::from_secs(60));
    }
    pass(&world).await;

    assert_eq!(
        who(&world, audience).await,
        users((0..5_000).chain(6_000..25_000))
    );
    let (audience, whole) = (world.audience(audience).await, world.audience(whole).await);
    assert_eq!(audience.digest, whole.digest);
    assert_eq!(audience.progress, whole.progress);
}
