//! Coupons and what chunks reserve of their stock.

use campaign::{CampaignId, ChunkState, CouponId, Tally};
use database::chunk_tally::{self, ChunkTally};
use database::shard::chunk_grants;
use database::stock_reservation::{self, Holder};
use database::{coupon, stock};
use tokio::task::JoinSet;

use crate::engine::{World, on_every_engine};
use crate::grants::lock;
use crate::write::{noon, seconds, write};

on_every_engine! {
    a_coupon_is_found_as_it_was_inserted
    stock_is_reserved_once_for_a_chunk
    no_more_than_the_stock_is_reserved
    an_unlimited_stock_gives_what_is_wanted
    two_copies_of_one_reservation_at_once_are_one
    many_chunks_at_once_never_reserve_more_than_the_stock
    what_is_not_used_goes_back_to_the_stock_once
    a_reservation_after_a_return_takes_nothing
    unreturned_reservations_are_listed
    closed_chunks_that_returned_nothing_are_listed_by_pages
    stock_goes_through_both_databases_and_back
    stock_returned_before_the_chunk_was_opened_stays_returned
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
            tx,
            holder,
            coupon,
            25,
            noon()
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

/// As one does that was in doubt until its campaign had ended.
async fn a_reservation_after_a_return_takes_nothing(world: World) {
    let coupon = with_stock(&world, Some(100)).await;
    let (db, holder) = (&world.db, holder(0));

    for _ in 0..2 {
        stock::return_unused(db, db, holder, coupon, noon())
            .await
            .unwrap();
    }
    let late = stock::reserve(db, db, holder, coupon, 60, noon()).await.unwrap();

    assert_eq!((late, reserved(&world, coupon).await), (0, 0));
    assert_eq!(lock(&world, holder.campaign_id, 0).await.left(), 0);
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
        tx,
        holders[1],
        coupon,
        1,
        noon()
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

async fn closed_chunks_that_returned_nothing_are_listed_by_pages(world: World) {
    let coupon = with_stock(&world, None).await;
    let campaign = CampaignId::allocate();
    let states = [
        ChunkState::Done,
        ChunkState::Leased,
        ChunkState::Cancelled,
        ChunkState::Done,
        ChunkState::Done,
    ];
    for (no, state) in (0..).zip(states) {
        let tally = ChunkTally::of(campaign, no, 1, state, &Tally::default());
        let _ = write!(world.db, |tx| chunk_tally::replace(tx, &tally));
    }
    let holder = |no| Holder::in_main(campaign, no);
    reserve(&world, holder(2), coupon, 1).await;
    write!(world.db, |tx| stock_reservation::return_unused(
        tx,
        holder(3),
        coupon,
        0,
        noon()
    ));

    let list = async |from, limit| {
        let listed = stock_reservation::list_closed_unreturned(&world.db, campaign, from, limit).await;
        listed.unwrap()
    };

    assert_eq!(list(0, 2).await, [0, 2]);
    assert_eq!(list(3, 2).await, [4]);
    let returned = stock_reservation::count_returned(&world.db, campaign).await;
    assert_eq!(returned.unwrap(), 1);
}

async fn stock_goes_through_both_databases_and_back(world: World) {
    let coupon = with_stock(&world, Some(100)).await;
    let (db, holder) = (&world.db, holder(0));

    let first = stock::reserve(db, db, holder, coupon, 60, noon()).await.unwrap();
    let repeat = stock::reserve(db, db, holder, coupon, 60, noon()).await.unwrap();
    write!(db, |tx| chunk_grants::add_used(tx, holder.campaign_id, 0, 25));
    for _ in 0..2 {
        stock::return_unused(db, db, holder, coupon, noon())
            .await
            .unwrap();
    }

    assert_eq!((first, repeat), (60, 60));
    assert_eq!(reserved(&world, coupon).await, 25);
    assert_eq!(lock(&world, holder.campaign_id, 0).await.left(), 0);
}

async fn stock_returned_before_the_chunk_was_opened_stays_returned(world: World) {
    let coupon = with_stock(&world, Some(100)).await;
    let (db, holder) = (&world.db, holder(0));
    reserve(&world, holder, coupon, 60).await;

    stock::return_unused(db, db, holder, coupon, noon())
        .await
        .unwrap();
    stock::reserve(db, db, holder, coupon, 60, noon()).await.unwrap();

    assert_eq!(reserved(&world, coupon).await, 0);
    assert_eq!(lock(&world, holder.campaign_id, 0).await.left(), 0);
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

/// A chunk of some campaign, its number different for each.
fn holder(chunk_no: u32) -> Holder {
    Holder {
        campaign_id: CampaignId(uuid::Uuid::from_u128(1)),
        chunk_no,
        shard: 0,
    }
}
