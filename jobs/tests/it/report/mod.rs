//! Reports of campaigns: what is in them, and that a maker's death does not show.

use std::time::Duration;

use campaign::{CampaignId, CouponId, IntentId, ReportId, Transition};
use database::report::{self as reports, ReportState, Subject};
use database::shard::coupon_grant::{self, Occasion};
use database::{Change, coupon, erasure};
use jobs::report;
use runtime::config::DatabaseUrl;
use runtime::job::{Outcome, Report as _};

use crate::world::World;

/// A world whose files have a database of their own.
async fn world() -> World {
    World::with(|config| config.files.database = Some(DatabaseUrl::embedded())).await
}

async fn begin(world: &World, campaign: CampaignId) -> ReportId {
    let (id, now) = (ReportId::allocate(), world.backends.process.clock.now());
    let begun = world.write_file(async |tx| reports::begin(tx, id, Subject::Campaign, campaign.0, now).await);
    assert_eq!(begun.await, Change::Applied);
    id
}

async fn state(world: &World, id: ReportId) -> ReportState {
    reports::get(&world.backends.files, id)
        .await
        .unwrap()
        .unwrap()
        .state
}

async fn content(world: &World, id: ReportId) -> String {
    let size = reports::get(&world.backends.files, id)
        .await
        .unwrap()
        .unwrap()
        .size;
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < size {
        let part = reports::find(&world.backends.files, id, bytes.len() as u64).await;
        bytes.extend(part.unwrap().unwrap().bytes);
    }
    String::from_utf8(bytes).unwrap()
}

/// An audience of so many users and a campaign to it that is expanded.
async fn campaign_to(world: &World, users: u32) -> CampaignId {
    let rows = (0..users).map(|no| format!("u{no:05}\n"));
    let file = format!("user_id\n{}", rows.collect::<String>());
    let audience = world.upload(file.as_bytes()).await;
    jobs::import::run(&world.backends).await.unwrap();
    world.expand_campaign(audience).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_recipient_has_a_line_and_an_erased_one_no_name() {
    let world = world().await;
    let audience = world
        .upload("user_id\nu1\n=1+1\n\"a,b\"\ngone\n".as_bytes())
        .await;
    jobs::import::run(&world.backends).await.unwrap();
    let coupon = CouponId::allocate();
    let now = world.backends.process.clock.now();
    world
        .write(async |tx| coupon::insert(tx, coupon, "ten percent", Some(9), (None, None), now).await)
        .await;
    let campaign = world.start_campaign_with(audience, coupon).await;
    jobs::fan_out::run(&world.backends).await.unwrap();
    let occasion = Occasion {
        campaign_id: campaign,
        coupon_id: coupon,
        chunk_no: 0,
        intent_id: IntentId::allocate(),
        granted_at: now,
    };
    world
        .write(async |tx| coupon_grant::insert(tx, occasion, &["u1"]).await)
        .await;
    world
        .write(async |tx| erasure::request(tx, "gone", now).await)
        .await;
    let id = begin(&world, campaign).await;

    let pass = report::run(&world.backends).await.unwrap();

    assert_eq!(pass.to_string(), "1 reports ready, 0 given up");
    assert_eq!(
        content(&world, id).await,
        format!(
            "user_id,state,reason,sent_at,coupon\r\nu1,pending,,,{coupon}\r\n'=1+1,pending,,,\r\n\
             \"a,b\",pending,,,\r\n,pending,,,\r\n"
        )
    );
    assert_eq!(
        report::run(&world.backends).await.unwrap().outcome(),
        Outcome::Idle
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_expanded_stands_as_the_campaign_does() {
    let world = world().await;
    let audience = world.upload(b"user_id\nu1\nu2\n").await;
    jobs::import::run(&world.backends).await.unwrap();
    let campaign = world.start_campaign(audience).await;
    let running = begin(&world, campaign).await;
    report::run(&world.backends).await.unwrap();

    world.transition(campaign, Transition::Cancel).await;
    let cancelled = begin(&world, campaign).await;
    report::run(&world.backends).await.unwrap();

    let header = "user_id,state,reason,sent_at,coupon\r\n";
    assert_eq!(
        content(&world, running).await,
        format!("{header}u1,pending,,,\r\nu2,pending,,,\r\n")
    );
    assert_eq!(
        content(&world, cancelled).await,
        format!("{header}u1,cancelled,campaign_cancelled,,\r\nu2,cancelled,campaign_cancelled,,\r\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_maker_that_died_is_gone_on_with_and_no_line_is_lost_or_doubled() {
    let world = world().await;
    let campaign = campaign_to(&world, 5_000).await;
    let undisturbed = begin(&world, campaign).await;
    report::run(&world.backends).await.unwrap();
    let whole = content(&world, undisturbed).await;
    let lines: Vec<_> = whole.split_inclusive('\n').collect();
    let id = begin(&world, campaign).await;
    let start = lines[..1 + 4 * 499].concat();
    let now = world.backends.process.clock.now();
    let until = now + Duration::from_secs(30);
    // One that has made four chunks, and dies.
    let died = world.write_file(async |tx| {
        reports::claim(tx, Subject::Campaign, now, until).await?;
        reports::append(tx, id, 0, start.as_bytes(), r#"{"chunk":4}"#).await
    });
    assert_eq!(died.await, Change::Applied);

    let early = report::run(&world.backends).await.unwrap();
    world.hand.advance(Duration::from_secs(31));
    let late = report::run(&world.backends).await.unwrap();

    assert_eq!((early.ready, late.ready), (0, 1));
    assert_eq!(lines.len(), 5_001);
    assert!(content(&world, id).await == whole);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_makers_at_once_one_makes_it() {
    let world = world().await;
    let campaign = campaign_to(&world, 3_000).await;
    let id = begin(&world, campaign).await;
    let other = world.process_with(|_| {});

    let (one, two) = tokio::join!(report::run(&world.backends), report::run(&other));

    assert_eq!(one.unwrap().ready + two.unwrap().ready, 1);
    assert_eq!(content(&world, id).await.lines().count(), 3_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_let_go_of_when_it_was_kept_long_enough() {
    let world = world().await;
    let campaign = campaign_to(&world, 1_000).await;
    let id = begin(&world, campaign).await;
    report::run(&world.backends).await.unwrap();
    let audience = world.begin_upload(b"user_id\n").await;
    let now = world.backends.process.clock.now();
    // Of an audience that nobody wants any more, half a report.
    let half = ReportId(audience.0);
    let appended = world
        .write_file(async |tx| {
            assert_eq!(
                reports::begin(tx, half, Subject::Audience, audience.0, now).await?,
                Change::Applied
            );
            reports::append(tx, half, 0, b"half", "{}").await
        })
        .await;
    assert_eq!(appended, Change::Applied);
    let kept = jobs::prune::run(&world.backends).await.unwrap().reports;
    let cancelled = world.write(async |tx| database::audience::cancel(tx, audience, now).await);
    assert_eq!(cancelled.await, Change::Applied);

    world.hand.advance(Duration::from_secs(7 * 86_400));
    let pruned = jobs::prune::run(&world.backends).await.unwrap().reports;
    let again = jobs::prune::run(&world.backends).await.unwrap().reports;

    // With them that of the audience that the campaign is to.
    assert_eq!((kept, pruned, again), (0, 3, 0));
    assert_eq!(state(&world, id).await, ReportState::Expired);
    assert_eq!(reports::find(&world.backends.files, id, 0).await.unwrap(), None);
    assert_eq!(reports::get(&world.backends.files, half).await.unwrap(), None);
    assert_eq!(reports::find(&world.backends.files, half, 0).await.unwrap(), None);
}
