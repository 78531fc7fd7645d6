//! That nothing is left open when everything has come to its end.

use campaign::CampaignId;
use database::{Db, Settings, sql};

use super::until::until;

/// Campaigns in one world at most.
const MOST: u32 = 1_000;

/// Every campaign that was started.
pub(super) async fn list_campaigns(db: &Db) -> Vec<CampaignId> {
    let campaigns = database::campaign::list(db, None, MOST)
        .await
        .expect("SQL answers");
    let started = campaigns.iter().filter(|campaign| campaign.started_at.is_some());
    started.map(|campaign| campaign.id).collect()
}

/// Waits until no transaction is open in the database, whose users have all gone: the server
/// may take a moment to see that.
pub(super) async fn expect_no_transaction(settings: &Settings) {
    let db = Db::connect(settings).await.expect("the server is there");
    until("no transaction is open", async || {
        let row = sql(
            "SELECT COUNT(*) AS open FROM information_schema.innodb_trx AS trx \
             JOIN information_schema.processlist AS session ON session.id = trx.trx_mysql_thread_id \
             WHERE session.db = DATABASE()",
        );
        let row = row.fetch_one(&db).await.expect("the server answers");
        let open: i64 = row.get("open").expect("a count is a number");
        (open == 0).then_some(())
    })
    .await;
    db.close().await;
}
