//! Campaigns whose time is not now.

use chrono::{DateTime, TimeDelta, Utc};
use journeys::world::{World, users};

use crate::stamp::on_all_stores;

on_all_stores! {
    a_scheduled_campaign_is_expanded_before_its_time_and_sent_at_it
    a_campaign_in_local_time_reaches_each_zone_at_its_own
}

async fn a_scheduled_campaign_is_expanded_before_its_time_and_sent_at_it(world: &World) {
    let audience = world.audience_with_devices(&users(150)).await;
    let time = world.clock().now() + TimeDelta::hours(2);

    let campaign = world.campaign(audience).coupon(None).at(time).schedule().await;
    let before = world.api().progress(campaign).await;
    world.clock().advance_to(time - TimeDelta::minutes(5));
    world
        .until(campaign, "all are expanded", |progress| progress.expanded == 150)
        .await;
    let accepted_before = world.gateway().accepted();
    world.clock().advance_to(time);

    let progress = world.finished(campaign).await;
    assert_eq!((before.state.as_str(), before.expanded), ("scheduled", 0));
    assert_eq!(accepted_before, []);
    assert_eq!(progress.outcomes(), [("accepted", 150)]);
    let sent = world.gateway().accepted();
    assert!(sent.iter().all(|entry| entry.received_at >= time));
}

/// It is noon in UTC. At eight in the evening by their own clocks, those in Tokyo had theirs an
/// hour ago; Paris is next; who names no zone goes by the campaign's, New York's.
async fn a_campaign_in_local_time_reaches_each_zone_at_its_own(world: &World) {
    let users = users(180);
    world.api().register(&users).await;
    let audience = world.audience().of(&users).column("time_zone", |no| {
        ["Asia/Tokyo", "Europe/Paris", ""][no % 3].to_owned()
    });
    let audience = audience.import().await;
    let evening = "2026-07-01T20:00:00".parse().unwrap();
    let in_paris: DateTime<Utc> = "2026-07-01T18:00:00Z".parse().unwrap();
    let in_new_york: DateTime<Utc> = "2026-07-02T00:00:00Z".parse().unwrap();

    let campaign = world.campaign(audience).at_local(evening, "America/New_York");
    let campaign = campaign.start().await;
    world
        .until(campaign, "all are expanded", |progress| progress.expanded == 180)
        .await;
    world.clock().advance_to(in_paris);
    world
        .until(campaign, "Paris has it", |progress| progress.count("sent") == 60)
        .await;
    world.clock().advance_to(in_new_york);

    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 120), ("local_time_past", 60)]);
    for (no, user) in users.iter().enumerate() {
        let sent = world.gateway().accepted_for(campaign, user);
        let sent: Vec<_> = sent.iter().map(|entry| entry.received_at).collect();
        match (no % 3, sent.as_slice()) {
            (0, []) => {}
            (1, [at]) => assert!((in_paris..in_new_york).contains(at), "{user}: {at}"),
            (2, [at]) => assert!(*at >= in_new_york, "{user}: {at}"),
            (_, sent) => panic!("{user} was sent it at {sent:?}"),
        }
    }
}
