//! Whom the SQL side grants, where something has happened since the attempt began.

use campaign::{CampaignId, CouponId, IntentId, Places, PushId};
use database::{Settings, create_database, migrate};
use tempfile::TempDir;

use super::*;

struct World {
    db: Db,
    campaign: CampaignId,
    coupon: CouponId,
    _directory: TempDir,
}

impl World {
    /// A chunk of some campaign that may grant ten.
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let settings = Settings::new(format!("sqlite:{}", directory.path().join("sql.db").display()));
        create_database(&settings).await.unwrap();
        let db = Db::connect(&settings).await.unwrap();
        migrate::run(&db).await.unwrap();
        let (campaign, coupon) = (CampaignId::allocate(), CouponId::allocate());
        let mut tx = db.begin().await.unwrap();
        let opened = chunk_grants::open(&mut tx, campaign, 0, coupon, 10).await;
        assert_eq!(opened.unwrap(), database::Insertion::New);
        tx.commit().await.repeatable().unwrap();
        Self {
            db,
            campaign,
            coupon,
            _directory: directory,
        }
    }

    /// A rendezvous for these users, at their places, of which the SQL side alone takes part.
    async fn grant(&self, users: &[&str], validity: Validity) -> Chosen {
        let (chosen, told) = watch::channel(None);
        let candidates = (0..).zip(users).map(|(place, user)| Candidate {
            push: PushId::of(self.campaign, user),
            place,
            user: (*user).to_owned(),
        });
        let mut side = SqlSide {
            db: self.db.clone(),
            occasion: Occasion {
                campaign_id: self.campaign,
                coupon_id: self.coupon,
                chunk_no: 0,
                intent_id: IntentId::allocate(),
                granted_at: DateTime::UNIX_EPOCH,
            },
            validity,
            intent_due_at: DateTime::UNIX_EPOCH,
            candidates: candidates.collect(),
            may_lock: watch::channel(true).1,
            chosen,
            tx: None,
        };
        side.prepare().await.unwrap();
        assert!(matches!(side.commit().await, Verdict::Committed));
        told.borrow().unwrap()
    }

    /// How many users have the coupon, and how many the chunk has counted.
    async fn granted(&self) -> (u64, u32) {
        let grants = coupon_grant::count(&self.db, self.campaign).await.unwrap();
        let chunk = chunk_grants::find(&self.db, self.campaign, 0).await.unwrap();
        (grants, chunk.unwrap().used)
    }
}

fn places(places: &[u16]) -> Places {
    places.iter().copied().collect()
}

/// The attempt had found nobody erased when it began.
#[tokio::test]
async fn a_user_whose_grant_an_erasure_has_renamed_is_granted_no_other() {
    let world = World::new().await;
    world.grant(&["ann", "bob"], Validity::Valid).await;
    let mut tx = world.db.begin().await.unwrap();
    erasure::request(&mut tx, "bob", DateTime::UNIX_EPOCH)
        .await
        .unwrap();
    let renamed = coupon_grant::replace_user(&mut tx, "bob", "erased:1").await;
    tx.commit().await.repeatable().unwrap();

    let chosen = world.grant(&["ann", "bob", "cy"], Validity::Valid).await;

    assert_eq!(renamed.unwrap(), 1);
    assert_eq!((chosen.granted, chosen.erased), (places(&[0, 2]), places(&[1])));
    assert_eq!(world.granted().await, (3, 3));
}

#[tokio::test]
async fn who_has_the_coupon_keeps_it_when_its_time_is_over() {
    let world = World::new().await;
    world.grant(&["ann"], Validity::Valid).await;

    let chosen = world.grant(&["ann", "bob"], Validity::Invalid).await;

    assert_eq!((chosen.granted, chosen.erased), (places(&[0]), Places::NONE));
    assert_eq!(world.granted().await, (1, 1));
}
