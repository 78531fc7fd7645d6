//! Grants, and how many a chunk may make.

use campaign::{CampaignId, CouponId, IntentId};
use database::shard::chunk_grants::{self, ChunkGrants};
use database::shard::coupon_grant::{self, Occasion};
use database::{Error, Insertion, sql};
use journeys::refusal;

use crate::engine::{Engine, World, on_every_engine};
use crate::write::{commit, noon, write};

on_every_engine! {
    a_chunk_is_opened_once_and_keeps_its_first_reservation
    a_closed_chunk_grants_nothing_and_is_not_opened_again
    the_lock_on_a_chunk_shows_what_an_earlier_transaction_granted
    a_user_is_granted_once_in_a_campaign
    a_row_that_the_store_refuses_is_told_apart_and_not_quoted
    a_full_chunk_is_granted_in_one_call
    users_are_listed_by_campaign
    an_erased_user_is_replaced_and_the_count_stays
}

async fn a_chunk_is_opened_once_and_keeps_its_first_reservation(world: World) {
    let (campaign, coupon) = (CampaignId::allocate(), CouponId::allocate());

    let first = write!(world.db, |tx| chunk_grants::open(tx, campaign, 0, coupon, 40));
    let second = write!(world.db, |tx| chunk_grants::open(tx, campaign, 0, coupon, 90));

    assert_eq!((first, second), (Insertion::New, Insertion::Existing));
    let found = chunk_grants::find(&world.db, campaign, 0).await.unwrap().unwrap();
    assert_eq!(
        (found.reserved, found.used, found.closed, found.left()),
        (40, 0, false, 40)
    );
}

async fn a_closed_chunk_grants_nothing_and_is_not_opened_again(world: World) {
    let (campaign, coupon) = (CampaignId::allocate(), CouponId::allocate());
    let _ = write!(world.db, |tx| chunk_grants::open(tx, campaign, 0, coupon, 40));
    write!(world.db, |tx| chunk_grants::add_used(tx, campaign, 0, 15));

    let used = write!(world.db, |tx| chunk_grants::close(tx, campaign, 0, coupon));
    let again = write!(world.db, |tx| chunk_grants::close(tx, campaign, 0, coupon));
    let never_opened = write!(world.db, |tx| chunk_grants::close(tx, campaign, 1, coupon));
    let late = write!(world.db, |tx| chunk_grants::open(tx, campaign, 1, coupon, 40));

    assert_eq!((used, again, never_opened), (15, 15, 0));
    assert_eq!(late, Insertion::Existing);
    for chunk_no in [0, 1] {
        assert_eq!(lock(&world, campaign, chunk_no).await.left(), 0);
    }
}

async fn the_lock_on_a_chunk_shows_what_an_earlier_transaction_granted(world: World) {
    let (campaign, coupon) = (CampaignId::allocate(), CouponId::allocate());
    let _ = write!(world.db, |tx| chunk_grants::open(tx, campaign, 0, coupon, 40));
    let mut earlier = world.db.begin().await.unwrap();
    chunk_grants::lock(&mut earlier, campaign, 0).await.unwrap();
    coupon_grant::insert(&mut earlier, occasion(campaign), &["u1"])
        .await
        .unwrap();
    chunk_grants::add_used(&mut earlier, campaign, 0, 1)
        .await
        .unwrap();

    let later = async {
        let mut tx = world.db.begin().await.unwrap();
        let grants = chunk_grants::lock(&mut tx, campaign, 0).await.unwrap().unwrap();
        let granted = coupon_grant::list_granted_among(&mut tx, campaign, &["u1", "u2"])
            .await
            .unwrap();
        tx.rollback().await;
        (grants.used, granted.len())
    };
    let (seen, ()) = tokio::join!(later, async {
        // Gives the later transaction the time to wait for the lock.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        commit(earlier).await;
    });

    assert_eq!(seen, (1, 1));
}

async fn a_user_is_granted_once_in_a_campaign(world: World) {
    let (campaign, other) = (CampaignId::allocate(), CampaignId::allocate());
    write!(world.db, |tx| coupon_grant::insert(
        tx,
        occasion(campaign),
        &["u2"]
    ));
    write!(world.db, |tx| coupon_grant::insert(tx, occasion(other), &["u2"]));
    let mut tx = world.db.begin().await.unwrap();

    let again = coupon_grant::insert(&mut tx, occasion(campaign), &["u3", "u2", "u1"]).await;
    tx.rollback().await;

    assert!(matches!(again, Err(Error::UniqueViolation(_))), "{again:?}");
    assert_eq!(coupon_grant::count(&world.db, campaign).await.unwrap(), 1);
}

async fn a_row_that_the_store_refuses_is_told_apart_and_not_quoted(world: World) {
    let campaign = CampaignId::allocate();
    let refuse = match world.engine {
        Engine::Sqlite => refusal::ON_SQLITE,
        Engine::MySql => refusal::ON_MYSQL,
    };
    write!(world.db, |tx| sql(refuse).execute(tx));
    let mut tx = world.db.begin().await.unwrap();

    let refused = coupon_grant::insert(&mut tx, occasion(campaign), &["u1", refusal::USER]).await;
    tx.rollback().await;

    match refused {
        Err(Error::Refused(cause)) => assert!(!format!("{cause} {cause:?}").contains(refusal::USER)),
        other => panic!("{other:?}"),
    }
    assert_eq!(coupon_grant::count(&world.db, campaign).await.unwrap(), 0);
}

async fn a_full_chunk_is_granted_in_one_call(world: World) {
    let campaign = CampaignId::allocate();
    // As long as a user id may be: 128 bytes.
    let users: Vec<_> = (0..499).map(|number| format!("{number:0128}")).collect();
    let users: Vec<_> = users.iter().map(String::as_str).collect();

    let inserted = write!(world.db, |tx| coupon_grant::insert(
        tx,
        occasion(campaign),
        &users
    ));
    let granted = coupon_grant::list_granted_among(&world.db, campaign, &users)
        .await
        .unwrap();

    assert_eq!(inserted, 499);
    assert_eq!(granted.len(), 499);
}

async fn users_are_listed_by_campaign(world: World) {
    let campaigns = [CampaignId::allocate(), CampaignId::allocate()];
    for campaign in campaigns {
        write!(world.db, |tx| coupon_grant::insert(
            tx,
            occasion(campaign),
            &["u2", "u1", "u3"]
        ));
    }

    let users = coupon_grant::list_users(&world.db, campaigns[0], "u1", 10)
        .await
        .unwrap();

    assert_eq!(users, [("u2".to_owned(), 4), ("u3".to_owned(), 4)]);
}

async fn an_erased_user_is_replaced_and_the_count_stays(world: World) {
    let campaign = CampaignId::allocate();
    write!(world.db, |tx| coupon_grant::insert(
        tx,
        occasion(campaign),
        &["u1", "u2"]
    ));

    let replaced = write!(world.db, |tx| coupon_grant::replace_user(tx, "u1", "erased/1"));
    let repeat = write!(world.db, |tx| coupon_grant::replace_user(tx, "u1", "erased/1"));

    assert_eq!((replaced, repeat), (1, 0));
    assert_eq!(coupon_grant::count(&world.db, campaign).await.unwrap(), 2);
    let users = coupon_grant::list_users(&world.db, campaign, "", 10)
        .await
        .unwrap();
    assert_eq!(users, [("erased/1".to_owned(), 4), ("u2".to_owned(), 4)]);
}

pub(crate) async fn lock(world: &World, campaign: CampaignId, chunk_no: u32) -> ChunkGrants {
    write!(world.db, |tx| chunk_grants::lock(tx, campaign, chunk_no)).unwrap()
}

fn occasion(campaign_id: CampaignId) -> Occasion {
    Occasion {
        campaign_id,
        coupon_id: CouponId::allocate(),
        chunk_no: 4,
        intent_id: IntentId::allocate(),
        granted_at: noon(),
    }
}
