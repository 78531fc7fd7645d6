//! Words for tests: instants, ids and transactions that must succeed.

use campaign::{AudienceId, CampaignId, CouponId, Lane};
use chrono::{DateTime, Duration, TimeZone, Utc};
use database::campaign::{CouponFor, Kind, Plan};
use database::{Commit, Db, Tx};

/// A fixed instant, with microseconds.
pub(crate) fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 29, 12, 0, 0).unwrap() + Duration::microseconds(123_456)
}

pub(crate) fn seconds(count: i64) -> Duration {
    Duration::seconds(count)
}

/// Commits, and fails the test unless the store has it.
pub(crate) async fn commit(tx: Tx) {
    match tx.commit().await {
        Commit::Committed => {}
        other => panic!("not committed: {other:?}"),
    }
}

/// Runs writes in a transaction of their own and commits it.
macro_rules! write {
    ($db:expr, |$tx:ident| $work:expr) => {{
        let mut transaction = $db.begin().await.unwrap();
        let $tx = &mut transaction;
        let answer = $work.await.unwrap();
        crate::write::commit(transaction).await;
        answer
    }};
}
pub(crate) use write;

pub(crate) fn plan() -> Plan {
    Plan {
        name: "Spring 狼煙".to_owned(),
        lane: Lane::Fast,
        audience_id: Some(AudienceId::allocate()),
        coupon_id: Some(CouponId::allocate()),
        coupon_for: CouponFor::All,
        message: r#"{"title": "hello"}"#.to_owned(),
        schedule: r#"{"at": "now"}"#.to_owned(),
        starts_at: None,
        expires_at: Some(noon() + seconds(3600)),
        max_per_second: Some(250),
        canary: Some(r#"{"percent": 1}"#.to_owned()),
    }
}

/// Inserts a draft of [`plan`].
pub(crate) async fn draft(db: &Db) -> CampaignId {
    draft_of(db, &plan()).await
}

/// Inserts a draft of that plan.
pub(crate) async fn draft_of(db: &Db, plan: &Plan) -> CampaignId {
    let id = CampaignId::allocate();
    let kind = Kind::Broadcast;
    write!(db, |tx| database::campaign::insert(tx, id, kind, plan, noon()));
    id
}
