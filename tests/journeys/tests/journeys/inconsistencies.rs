//! Inconsistencies as an operator meets them: with the command, on a running installation.
//!
//! They are made by hand, as a sender leaves them that dies between the two commits: grants and
//! an intent in SQL, pushes that are pending in Datastore. The intents are due in ten hours, so
//! that nothing is repaired before somebody asks for it.

use std::path::Path;
use std::time::Duration;

use campaign::{CampaignId, ChunkId, InconsistencyId, IntentId, Places};
use chrono::{DateTime, Utc};
use database::inconsistency::{self, Inconsistency, InconsistencyKind, InconsistencyState};
use database::shard::coupon_grant::{self, Occasion};
use database::shard::{chunk_grants, intent};
use database::stock_reservation::Holder;
use database::{Change, Insertion, Tx, stock};
use journeys::world::{World, users};
use serde_json::Value;

use crate::shell::{Shell, stdout};
use crate::stamp::on;

on! { optimistic Optimistic:
    what_only_sql_committed_is_listed_explained_and_repaired
    what_was_given_up_is_opened_again_and_keeps_why
    what_cannot_be_repaired_says_so
}
on! { mysql MySql:
    what_only_sql_committed_is_listed_explained_and_repaired
    what_was_given_up_is_opened_again_and_keeps_why
    what_cannot_be_repaired_says_so
}

/// So many users have their coupon in SQL and nowhere else.
const GRANTED: usize = 12;

async fn what_only_sql_committed_is_listed_explained_and_repaired(world: &World) {
    let shell = Shell::of(world, "inconsistencies");
    let campaign = waiting_campaign(world).await;
    let id = leave_behind(world, campaign).await;
    let other = CampaignId::allocate().to_string();

    let listed = shell.json(&["list"]).await;
    let table = shell.done(&["list", "--campaign", &campaign.to_string()]).await;
    let of_another = shell.json(&["list", "--campaign", &other]).await;
    let explained = shell.done(&["explain", &id]).await;
    let explanation = shell.json(&["explain", &id]).await;
    let before = world.api().progress(campaign).await;
    let repaired = shell.done(&["repair", &id]).await;
    let again = shell.json(&["repair", &id]).await;
    let afterwards = shell.json(&["explain", &id]).await;
    let csv = shell.done(&["export"]).await;
    let array = shell.json(&["export"]).await;

    assert_eq!(listed["items"][0]["id"], id.as_str());
    assert!(
        table.contains(&id) && table.contains("explain") && table.contains("repair"),
        "{table}"
    );
    assert_eq!(of_another["items"], Value::Array(Vec::new()));
    assert_documented(&explained);
    assert_eq!(explanation["action"], "raise");
    assert_eq!(explanation["sql"]["users"]["granted"], GRANTED);
    assert_eq!(explanation["datastore"]["pushes"]["pending"], GRANTED);
    assert_eq!((before.open_intents, before.inconsistencies.open), (1, 1));
    assert!(
        before
            .missing
            .iter()
            .any(|words| words.contains("1 inconsistencies are open")),
        "{before:?}"
    );
    assert_eq!(repaired, "It is repaired: rolled forward by reconcile.\n");
    assert_eq!(
        (&again["id"], &again["state"]),
        (&id.as_str().into(), &"repaired".into())
    );
    assert_eq!(afterwards["action"], "nothing");
    assert_eq!(afterwards["datastore"]["pushes"]["granted"], GRANTED);
    assert!(csv.starts_with("id,state,kind,") && csv.contains(&format!("{id},repaired,not_committed,")));
    assert_eq!(array.as_array().map(Vec::len), Some(1));

    world.clock().advance(Duration::from_secs(600));
    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 150)]);
    assert_eq!((progress.grants, progress.inconsistencies.repaired), (150, 1));
}

async fn what_was_given_up_is_opened_again_and_keeps_why(world: &World) {
    let shell = Shell::of(world, "inconsistencies");
    let campaign = waiting_campaign(world).await;
    let id = leave_behind(world, campaign).await;
    give_up(world, &id, "datastore refused the request: PERMISSION_DENIED").await;

    let dead = shell.done(&["list", "--state", "dead"]).await;
    let explained = shell.done(&["explain", &id]).await;
    let before = world.api().progress(campaign).await;
    let repaired = shell.json(&["repair", &id]).await;
    let shown = shell.done(&["show", &id]).await;
    let left = shell.done(&["list"]).await;

    assert!(dead.contains(&id), "{dead}");
    assert!(
        explained.contains("PERMISSION_DENIED") && explained.contains("open it again, raise 12 pushes"),
        "{explained}"
    );
    assert_eq!(before.inconsistencies.dead, 1);
    let states = repaired["events"].as_array().unwrap().iter();
    let states: Vec<_> = states.map(|event| event["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["dead", "open", "repaired"]);
    assert!(
        shown.contains("given up") && shown.contains("PERMISSION_DENIED") && shown.contains("opened again"),
        "{shown}"
    );
    assert!(left.starts_with("There are none"), "{left}");

    world.clock().advance(Duration::from_secs(600));
    assert_eq!(world.finished(campaign).await.outcomes(), [("accepted", 150)]);
}

async fn what_cannot_be_repaired_says_so(world: &World) {
    let shell = Shell::of(world, "inconsistencies");
    let campaign = waiting_campaign(world).await;
    // A place that the chunk does not have, as if its push had been deleted.
    let places: Places = [450].into_iter().collect();
    let (intent, now) = (IntentId::allocate(), world.clock().now());
    let mut tx = world.db().begin().await.unwrap();
    intent::insert(
        &mut tx,
        intent,
        campaign,
        0,
        places.as_bytes(),
        now,
        in_ten_hours(now),
    )
    .await
    .unwrap();
    let id = note(&mut tx, intent, campaign, now).await;
    tx.commit().await.repeatable().unwrap();

    let explanation = shell.json(&["explain", &id]).await;
    let refused = shell.run(&["repair", &id]).await;
    let unknown = shell.run(&["show", &campaign.to_string()]).await;

    assert_eq!(explanation["action"], "impossible");
    assert_eq!(explanation["datastore"]["pushes"]["missing"], 1);
    assert_eq!(refused.status.code(), Some(70), "{refused:?}");
    assert!(stdout(&refused).starts_with("It was given up: its chunk, or a push of it, does not exist."));
    assert_eq!(unknown.status.code(), Some(64), "{unknown:?}");

    // Nothing was granted, so this is what a person would do.
    let mut tx = world.db().begin().await.unwrap();
    intent::close(&mut tx, &[intent], now).await.unwrap();
    let _ = inconsistency::resolve(&mut tx, intent, InconsistencyState::Repaired, "by hand", now)
        .await
        .unwrap();
    tx.commit().await.repeatable().unwrap();
    world.clock().advance(Duration::from_secs(600));
    world.finished(campaign).await;
}

/// A campaign with a coupon whose 150 pushes wait for its time, in five minutes.
async fn waiting_campaign(world: &World) -> CampaignId {
    let audience = world.audience_with_devices(&users(150)).await;
    let at = world.clock().now() + Duration::from_secs(300);
    let campaign = world.campaign(audience).coupon(200).at(at).start().await;
    world
        .until(campaign, "it is expanded", |progress| progress.expanded == 150)
        .await;
    campaign
}

fn in_ten_hours(now: DateTime<Utc>) -> DateTime<Utc> {
    now + Duration::from_secs(36_000)
}

/// Grants the coupon to the first users of the first chunk in SQL alone, and says so.
async fn leave_behind(world: &World, campaign: CampaignId) -> String {
    let (db, now) = (world.db(), world.clock().now());
    let pushes = world
        .push_store()
        .list_pushes(ChunkId::of(campaign, 0))
        .await
        .unwrap();
    let places: Places = pushes.iter().take(GRANTED).map(|push| push.place).collect();
    let users: Vec<_> = pushes
        .iter()
        .take(GRANTED)
        .filter_map(|push| push.user.as_deref())
        .collect();
    let stored = database::campaign::find(db, campaign).await.unwrap().unwrap();
    let occasion = Occasion {
        campaign_id: campaign,
        coupon_id: stored.plan.coupon_id.unwrap(),
        chunk_no: 0,
        intent_id: IntentId::allocate(),
        granted_at: now,
    };
    let holder = Holder {
        campaign_id: campaign,
        chunk_no: 0,
        shard: 0,
    };
    let wanted = u32::try_from(pushes.len()).unwrap();
    stock::reserve(db, db, holder, occasion.coupon_id, wanted, now)
        .await
        .unwrap();

    let mut tx = db.begin().await.unwrap();
    let intent = occasion.intent_id;
    coupon_grant::insert(&mut tx, occasion, &users).await.unwrap();
    chunk_grants::add_used(&mut tx, campaign, 0, 12).await.unwrap();
    let due_at = in_ten_hours(now);
    intent::insert(&mut tx, intent, campaign, 0, places.as_bytes(), now, due_at)
        .await
        .unwrap();
    let id = note(&mut tx, intent, campaign, now).await;
    tx.commit().await.repeatable().unwrap();
    id
}

async fn note(tx: &mut Tx, intent: IntentId, campaign: CampaignId, now: DateTime<Utc>) -> String {
    let noted = Inconsistency {
        id: InconsistencyId::allocate(),
        intent_id: intent,
        campaign_id: campaign,
        chunk_no: 0,
        kind: InconsistencyKind::NotCommitted,
        detail: "another datastore transaction was in the way".to_owned(),
        state: InconsistencyState::Open,
        resolution: None,
        detected_at: now,
        resolved_at: None,
    };
    let inserted = inconsistency::insert(tx, &noted).await.unwrap();
    assert_eq!(inserted, Insertion::New);
    noted.id.to_string()
}

/// Gives it up, as reconcile does after eight refusals.
async fn give_up(world: &World, id: &str, why: &str) {
    let now = world.clock().now();
    let found = inconsistency::find(world.db(), id.parse().unwrap())
        .await
        .unwrap()
        .unwrap();
    let mut tx = world.db().begin().await.unwrap();
    let (token, leased) = intent::lease_open(&mut tx, in_ten_hours(now), now, 1)
        .await
        .unwrap();
    let dead = intent::mark_dead(&mut tx, leased[0].id, token, why, now)
        .await
        .unwrap();
    let state = InconsistencyState::Dead;
    let noted = inconsistency::resolve(&mut tx, found.intent_id, state, why, now)
        .await
        .unwrap();
    tx.commit().await.repeatable().unwrap();
    assert_eq!((dead, noted), (Change::Applied, Change::Applied));
}

/// The documentation shows an explanation that is this one, but for ids and instants.
fn assert_documented(explanation: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/two-databases.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks = page
        .split("```")
        .filter(|block| block.starts_with("text\nInconsistency "));
    let shown: Vec<_> = blocks.map(|block| timeless(&block["text\n".len()..])).collect();
    assert_eq!(shown, [timeless(explanation)], "{explanation}");
}

/// The words, with ids and instants named as such.
fn timeless(text: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_end_matches(['.', ',', ':']);
        if bare.parse::<uuid::Uuid>().is_ok() {
            word.replace(bare, "ID")
        } else if bare.parse::<DateTime<Utc>>().is_ok() {
            word.replace(bare, "INSTANT")
        } else {
            word.to_owned()
        }
    };
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}
