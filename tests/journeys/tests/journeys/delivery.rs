//! A campaign reaches everybody, once, with what it was to say.

use campaign::CouponId;
use journeys::world::{World, users};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::stamp::on_all_stores;

on_all_stores! {
    a_campaign_with_a_coupon_reaches_everybody_and_is_finished
    a_campaign_without_a_coupon_reaches_everybody_and_is_finished
    templates_are_rendered_with_each_recipients_own_variables
    campaigns_that_run_at_once_share_a_coupons_stock_and_nothing_else
    a_draft_that_is_made_twice_under_one_key_is_made_once
}

async fn a_campaign_with_a_coupon_reaches_everybody_and_is_finished(world: &World) {
    let audience = world.audience_with_devices(&users(250)).await;

    let campaign = world.campaign(audience).coupon(None).start().await;

    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 250)]);
    assert_eq!((progress.grants, progress.expanded), (250, 250));
    assert_eq!(world.gateway().accepted().len(), 250);
}

async fn a_campaign_without_a_coupon_reaches_everybody_and_is_finished(world: &World) {
    let audience = world.audience_with_devices(&users(250)).await;

    let campaign = world.campaign(audience).start().await;

    let progress = world.finished(campaign).await;
    assert_eq!(progress.outcomes(), [("accepted", 250)]);
    assert_eq!(progress.grants, 0);
}

/// The ledger has no texts. But a picture must be an https URL, and a message has a largest size:
/// who is refused tells what was rendered for whom.
async fn templates_are_rendered_with_each_recipients_own_variables(world: &World) {
    let users = users(150);
    world.api().register(&users).await;
    let audience = world.audience().of(&users);
    let audience = audience.column("name", |no| {
        if no < 5 {
            "x".repeat(1_000)
        } else {
            format!("n{no}")
        }
    });
    let audience = audience.column("picture", |no| match no {
        10..20 => "ftp://pictures.example/1".to_owned(),
        _ => "https://pictures.example/1".to_owned(),
    });
    let audience = audience.import().await;

    let five_names = "{{ name }}".repeat(5);
    let texts = json!({"title": "For {{ name }}", "body": five_names, "image": "{{ picture }}"});
    let campaign = world.campaign(audience).texts(texts).start().await;

    let progress = world.finished(campaign).await;
    let refused = [("payload_too_large", 5), ("render_failed", 10)];
    assert_eq!(progress.outcomes(), [("accepted", 135), refused[0], refused[1]]);
    assert_eq!(world.gateway().accepted_for(campaign, "user-00004").len(), 0);
    assert_eq!(world.gateway().accepted_for(campaign, "user-00010").len(), 0);
    assert_eq!(world.gateway().accepted_for(campaign, "user-00020").len(), 1);
}

async fn campaigns_that_run_at_once_share_a_coupons_stock_and_nothing_else(world: &World) {
    #[derive(Deserialize)]
    struct Coupon {
        id: CouponId,
    }
    let users = users(300);
    world.api().register(&users).await;
    let (some, others) = (&users[..200], &users[100..]);
    let coupon = json!({"name": "shared", "stock": 250});
    let coupon: Coupon = world.api().post("/v1/coupons", Some(&coupon)).await;
    let (first, second) = tokio::join!(
        world.audience().of(some).import(),
        world.audience().of(others).import(),
    );

    let (first, second) = tokio::join!(
        world.campaign(first).sharing(coupon.id).start(),
        world.campaign(second).sharing(coupon.id).start(),
    );

    let first = world.finished(first).await;
    let second = world.finished(second).await;
    assert_eq!(first.grants + second.grants, 250);
    assert_eq!(first.count("sent") + second.count("sent"), 250);
    assert_eq!(first.count("skipped") + second.count("skipped"), 150);
}

async fn a_draft_that_is_made_twice_under_one_key_is_made_once(world: &World) {
    let audience = world.audience_with_devices(&users(10)).await;
    let plan = world.campaign(audience).coupon(10).into_plan();
    let other = world.campaign(audience).saying("Another", "text").into_plan();

    let made = world.api().post_once("/v1/campaigns", "key-1", &plan).await;
    let again = world.api().post_once("/v1/campaigns", "key-1", &plan).await;
    let misused = world.api().post_once("/v1/campaigns", "key-1", &other).await;

    assert_eq!((made.status, &made), (StatusCode::CREATED, &again));
    assert_eq!(misused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let list = world.api().ask(Method::GET, "/v1/campaigns", None).await.unwrap();
    assert_eq!(list.body["items"].as_array().map(Vec::len), Some(1));
    let coupons: Value = world.api().get("/v1/coupons").await;
    assert_eq!(coupons["items"].as_array().map(Vec::len), Some(1));
}
