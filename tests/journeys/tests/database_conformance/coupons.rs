//! Coupons: stock, reservations, and grants.

use campaign::{CampaignId, CouponId, IntentId};
use database::shard::chunk_grants::{self, ChunkGrants};
use database::shard::coupon_grant::{self, Occasion};
use database::stock_reservation::{self, Holder};
use database::{Error, Insertion, coupon, stock};
use tokio::task::JoinSet;

use crate::engine::{World, on_every_engine};
use crate::write::{commit, noon, seconds, write};

on_every_engine! {
    a_coupon_is_found_as_it_was_inserted
    stock_is_reserved_once_for_a_chunk
    no_more_than_the_stock_is_reserved
    an_unlimited_stock_gives_what_is_wanted
    two_copies_of_one_reservation_at_once_are_one
    many_chunks_at_once_never_reserve_more_than_the_stock
    what_is_not_used_goes_back_to_the_stock_once
    unreturned_reservations_are_listed
    stock_goes_through_both_databases_and_back
    stock_returned_before_the_chunk_was_opened_stays_returned
    a_chunk_is_opened_once_and_keeps_its_first_reservation
    a_closed_chunk_grants_nothing_and_is_not_opened_again
    the_lock_on_a_chunk_shows_what_an_earlier_transaction_granted
    a_user_is_granted_once_in_a_campaign
    a_full_chunk_is_granted_in_one_call
    users_are_listed_by_campaign_and_campaigns_by_user
    an_erased_user_is_replaced_and_the_count_stays
}

async fn a_coupon_is_found_as_it_was_inserted(world: World) {
    let id = CouponId::allocate();
    let valid = (Some(noon()), Some(noon() + seconds(60)));

    write!(world.db, |tx| coupon::insert(
        tx,
        id,
        "500 yen",
        Some(3),
        valid,
        noon()
    ));

    let found = coupon::find(&world.db, id).await.unwrap().unwrap();
    assert_eq!(
        (found.name.as_str(), found.stock, found.reserved),
        ("500 yen", Some(3), 0)
    );
    assert_eq!((found.valid_from, found.valid_until), valid);
    assert_eq!(coupon::list(&world.db, None, 10).await.unwrap(), [found]);
    assert!(coupon::list(&world.db, Some(id), 10).await.unwrap().is_empty());
}

async fn stock_is_reserved_once_for_a_chunk(world: World) {
    let coupon = with_stock(&world, Some(100)).await;
    let holder = holder(0);

    let first = reserve(&world, holder, coupon, 40).await;
    let repeat = reserve(&world, holder, coupon, 90).await;

    assert_eq!((first, repeat), (40, 40));
    assert_eq!(reserved(&world, coupon).await, 40);
}

async fn no_more_than_the_stock_is_reserved(world: World) {
    let coupon = with_stock(&world, Some(100)).await;

    let amounts = [
        reserve(&world, holder(0), coupon, 60).await,
        reserve(&world, holder(1), coupon, 60).await,
        reserve(&world, holder(2), coupon, 60).await,
    ];

    assert_eq!(amounts, [60, 40, 0]);
    assert_eq!(reserved(&world, coupon).await, 100);
}

async fn an_unlimited_stock_gives_what_is_wanted(world: World) {
    let coupon = with_stock(&world, None).await;

    assert_eq!(reserve(&world, holder(0), coupon, 499).await, 499);
}

async fn two_copies_of_one_reservation_at_once_are_one(world: World) {
    let coupon = with_stock(&world, Some(100)).await;
    let holder = holder(0);

    let (first, second) = tokio::join!(
        reserve(&world, holder, coupon, 60),
        reserve(&world, holder, coupon, 60)
    );

    assert_eq!((first, second), (60, 60));
    assert_eq!(reserved(&world, coupon).await, 60);
}

async fn many_chunks_at_once_never_reserve_more_than_the_stock(world: World) {
    let coupon = with_stock(&world, Some(100)).await;
    let campaign = CampaignId::allocate();
    let mut chunks = JoinSet::new();
    for chunk_no in 0..20 {
        let db = world.db.clone();
        chunks.spawn(async move {
            let holder = Holder {
                campaign_id: campaign,
                chunk_no,
                shard: 0,
            };
            write!(db, |tx| stock_reservation::reserve(tx, holder, coupon, 7, noon()))
        });
    }

    let amounts = chunks.join_all().await;

    assert_eq!(amounts.iter().sum::<u32>(), 100);
    assert_eq!(reserved(&world, coupon).await, 100);
}

async fn what_is_not_used_goes_back_to_the_stock_once(world: World) {
    let coupon = with_stock(&world, Some(100)).await;
    let holder = holder(0);
    reserve(&world, holder, coupon, 60).await;

    for _ in 0..2 {
        write!(world.db, |tx| stock_reservation::return_unused(
            tx, holder, coupon, 25
        ));
    }

    assert_eq!(reserved(&world, coupon).await, 25);
    let reservation = stock_reservation::find(&world.db, holder).await.unwrap().unwrap();
    assert_eq!((reservation.amount, reservation.returned), (60, Some(35)));
    assert_eq!(
        reserve(&world, holder, coupon, 60).await,
        60,
        "a late repeat takes nothing more"
    );
    assert_eq!(reserved(&world, coupon).await, 25);
}

async fn unreturned_reservations_are_listed(world: World) {
    let coupon = with_stock(&world, None).await;
    let campaign_id = CampaignId::allocate();
    let holders = [0, 1, 2].map(|chunk_no| Holder {
        campaign_id,
        chunk_no,
        shard: 0,
    });
    for holder in holders {
        reserve(&world, holder, coupon, 1).await;
    }
    write!(world.db, |tx| stock_reservation::return_unused(
        tx, holders[1], coupon, 1
    ));

    let listed = stock_reservation::list_unreturned(&world.db, campaign_id, 0, 10)
        .await
        .unwrap();
    let rest = stock_reservation::list_unreturned(&world.db, campaign_id, 1, 10)
        .await
        .unwrap();

    assert_eq!(
        listed
            .iter()
            .map(|reservation| reservation.chunk_no)
            .collect::<Vec<_>>(),
        [0, 2]
    );
    assert_eq!(
        rest.iter()
            .map(|reservation| reservation.chunk_no)
            .collect::<Vec<_>>(),
        [2]
    );
}

async fn stock_goes_through_both_databases_and_back(world: World) {
    let coupon = with_stock(&world, Some(100)).await;
    let (db, holder) = (&world.db, holder(0));

    let first = stock::reserve(db, db, holder, coupon, 60, noon()).await.unwrap();
    let repeat = stock::reserve(db, db, holder, coupon, 60, noon()).await.unwrap();
    write!(db, |tx| chunk_grants::add_used(tx, holder.campaign_id, 0, 25));
    for _ in 0..2 {
        stock::return_unused(db, db, holder, coupon).await.unwrap();
    }

    assert_eq!((first, repeat), (60, 60));
    assert_eq!(reserved(&world, coupon).await, 25);
    assert_eq!(lock(&world, holder.campaign_id, 0).await.left(), 0);
}

async fn stock_returned_before_the_chunk_was_opened_stays_returned(world: World) {
    let coupon = with_stock(&world, Some(100)).await;
    let (db, holder) = (&world.db, holder(0));
    reserve(&world, holder, coupon, 60).await;

    stock::return_unused(db, db, holder, coupon).await.unwrap();
    stock::reserve(db, db, holder, coupon, 60, noon()).await.unwrap();

    assert_eq!(reserved(&world, coupon).await, 0);
    assert_eq!(lock(&world, holder.campaign_id, 0).await.left(), 0);
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

async fn users_are_listed_by_campaign_and_campaigns_by_user(world: World) {
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
    let newest = coupon_grant::list_by_user(&world.db, "u1", None, 1)
        .await
        .unwrap();
    let older = coupon_grant::list_by_user(&world.db, "u1", Some(newest[0].campaign_id), 10)
        .await
        .unwrap();

    assert_eq!(users, [("u2".to_owned(), 4), ("u3".to_owned(), 4)]);
    assert_eq!(newest[0].campaign_id, campaigns[1]);
    assert_eq!(
        older.iter().map(|grant| grant.campaign_id).collect::<Vec<_>>(),
        [campaigns[0]]
    );
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
    assert!(
        coupon_grant::list_by_user(&world.db, "u1", None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

async fn with_stock(world: &World, stock: Option<u64>) -> CouponId {
    let id = CouponId::allocate();
    write!(world.db, |tx| coupon::insert(
        tx,
        id,
        "500 yen",
        stock,
        (None, None),
        noon()
    ));
    id
}

async fn reserve(world: &World, holder: Holder, coupon: CouponId, wanted: u32) -> u32 {
    write!(world.db, |tx| stock_reservation::reserve(
        tx,
        holder,
        coupon,
        wanted,
        noon()
    ))
}

async fn reserved(world: &World, coupon: CouponId) -> u64 {
    coupon::find(&world.db, coupon).await.unwrap().unwrap().reserved
}

async fn lock(world: &World, campaign: CampaignId, chunk_no: u32) -> ChunkGrants {
    write!(world.db, |tx| chunk_grants::lock(tx, campaign, chunk_no)).unwrap()
}

/// A chunk of some campaign, its number different for each.
fn holder(chunk_no: u32) -> Holder {
    Holder {
        campaign_id: CampaignId(uuid::Uuid::from_u128(1)),
        chunk_no,
        shard: 0,
    }
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
