//! Campaigns as an operator meets them: with the command, on a running installation.

use std::time::Duration;

use chrono::{DateTime, Utc};
use journeys::world::{World, until, users};
use serde_json::json;

use crate::shell::{Shell, stdout};
use crate::stamp::on;

on! { optimistic Optimistic:
    a_campaign_is_planned_started_held_followed_and_listed
    what_cannot_be_done_to_a_campaign_says_why
    how_fast_a_campaign_went_is_known_to_the_next
}
on! { mysql MySql:
    a_campaign_is_planned_started_held_followed_and_listed
    what_cannot_be_done_to_a_campaign_says_why
    how_fast_a_campaign_went_is_known_to_the_next
}

async fn a_campaign_is_planned_started_held_followed_and_listed(world: &World) {
    let shell = Shell::of(world, "campaigns");
    let audience = world.audience_with_devices(&users(150)).await;
    let at = world.clock().now() + Duration::from_secs(300);
    let id = world.campaign(audience).coupon(100).at(at).draft().await;
    let campaign = id.to_string();

    let planned = shell.done(&["plan", &campaign]).await;
    let started = shell.done(&["start", &campaign]).await;
    let expanded = world
        .until(id, "it is expanded", |progress| progress.expanded == 150)
        .await;
    let under_way = shell.json(&["plan", &campaign]).await;
    let paused = shell.done(&["pause", &campaign]).await;
    let held = shell.done(&["progress", &campaign]).await;
    let resumed = shell.json(&["resume", &campaign]).await;
    world.clock().advance(Duration::from_secs(600));
    let followed = shell.done(&["progress", &campaign, "--watch"]).await;
    let documents = shell.done(&["progress", &campaign, "--watch", "--json"]).await;
    let listed = shell.done(&["list"]).await;
    let shown = shell.done(&["show", &campaign]).await;
    let over = shell.json(&["plan", &campaign]).await;

    assert!(
        planned.starts_with("It is draft: 150 recipients in 2 chunks, 2 tasks at least.\n"),
        "{planned}"
    );
    for words in [
        "fan-out   ",
        "assumed: nothing was measured yet",
        "DELETES",
        "100 coupons are left for 150",
    ] {
        assert!(planned.contains(words), "{words}: {planned}");
    }
    assert!(
        started.starts_with("It is running. To follow it: noroshi campaigns progress"),
        "{started}"
    );
    assert_eq!(expanded.state, "running");
    assert_eq!(
        (&under_way["fan_out"]["left"], &under_way["delivery"]["left"]),
        (&json!(0), &json!(150))
    );
    assert!(paused.starts_with("It is paused. To let it go on:"), "{paused}");
    assert!(
        held.contains("150 pushes are pending and 0 granted, of 150 expanded"),
        "{held}"
    );
    assert!(held.contains("not closed: 0–1"), "{held}");
    assert_eq!(resumed["state"], "running");
    assert!(followed.starts_with("It is finished.\n"), "{followed}");
    assert!(
        followed.contains("sent     100  accepted") && followed.contains("skipped   50  coupon_exhausted"),
        "{followed}"
    );
    assert_eq!(documents.lines().count(), 1);
    assert!(
        listed.contains(&campaign) && listed.contains("finished"),
        "{listed}"
    );
    assert!(
        shown.contains("recipients") && shown.contains("noroshi campaigns verify"),
        "{shown}"
    );
    assert_eq!(over["delivery"]["ends_at"], json!(null));
}

async fn what_cannot_be_done_to_a_campaign_says_why(world: &World) {
    let shell = Shell::of(world, "campaigns");
    let audience = world.audience_with_devices(&users(1)).await;
    let campaign = world.campaign(audience).draft().await.to_string();

    let resumed = shell.run(&["resume", &campaign]).await;
    let cancelled = shell.done(&["cancel", &campaign]).await;
    let started = shell.run(&["start", &campaign]).await;
    let unknown = shell
        .run(&["verify", "00000000-0000-0000-0000-000000000007"])
        .await;

    for refused in [&resumed, &started, &unknown] {
        assert_eq!(refused.status.code(), Some(64), "{refused:?}");
        assert!(stdout(refused).is_empty(), "{refused:?}");
    }
    assert!(cancelled.starts_with("It is cancelled."), "{cancelled}");
}

async fn how_fast_a_campaign_went_is_known_to_the_next(world: &World) {
    let audience = world.audience_with_devices(&users(150)).await;
    let at = world.clock().now() + Duration::from_secs(300);
    let id = world.campaign(audience).at(at).start().await;
    world
        .until(id, "it is expanded", |progress| progress.expanded == 150)
        .await;

    let pace = async |what, is_so: fn(&serde_json::Value) -> bool| {
        let path = format!("/v1/campaigns/{id}/progress");
        until(what, async || {
            let progress: serde_json::Value = world.api().get(&path).await;
            is_so(&progress).then_some(progress)
        })
        .await
    };
    // Reconcile takes note of what is done, and does so again half a minute later.
    world.clock().advance(Duration::from_secs(40));
    let running = pace("its pace is known", |progress| progress["pace"].is_object()).await;
    world.clock().advance(Duration::from_secs(560));
    world.finished(id).await;

    assert_eq!(running["pace"]["settled_per_second"], 0);
    let eta: DateTime<Utc> = running["eta"].as_str().unwrap().parse().unwrap();
    assert!(eta >= at, "{running}");
}
