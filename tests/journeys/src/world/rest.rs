//! That nothing is left open when everything has come to its end.

use std::collections::HashSet;

use campaign::CampaignId;
use database::{Db, Error, Settings, sql};

use super::until::until;

/// Campaigns in one world at most.
const MOST: u32 = 1_000;

/// Every campaign to an audience that was started.
pub(super) async fn list_campaigns(db: &Db) -> Vec<CampaignId> {
    let campaigns = database::campaign::list(db, None, MOST)
        .await
        .expect("SQL answers");
    let started = campaigns
        .iter()
        .filter(|campaign| campaign.started_at.is_some() && campaign.plan.audience_id.is_some());
    started.map(|campaign| campaign.id).collect()
}

/// Waits until no transaction is open in the database, whose users have all gone: the server
/// may take a moment to see that.
pub(super) async fn expect_no_transaction(settings: &Settings) {
    let db = Db::connect(settings).await.expect("the server is there");
    until("no transaction is open", async || {
        let open = transactions(&db).await.expect("the server answers");
        let ours = sessions(&db).await.expect("the server answers");
        open.is_disjoint(&ours).then_some(())
    })
    .await;
    db.close().await;
}

/// The sessions with an open transaction, of all databases.
async fn transactions(db: &Db) -> Result<HashSet<u64>, Error> {
    let open = sql("SELECT trx_mysql_thread_id AS session FROM information_schema.innodb_trx");
    let open: Vec<u64> = open.list(db, |row| row.get("session")).await?;
    Ok(open.into_iter().collect())
}

/// The sessions in this database. MySQL cannot join its table of them: it holds the text of
/// every statement, and fails on one with bytes that are no text.
async fn sessions(db: &Db) -> Result<HashSet<u64>, Error> {
    let name = sql("SELECT DATABASE() AS name").fetch_one(db).await?;
    let name: String = name.get("name")?;
    let sessions = sql("SHOW PROCESSLIST").fetch_all(db).await?;
    let mut ours = HashSet::new();
    for session in sessions {
        if session.get::<Option<String>>("db")?.as_ref() == Some(&name) {
            ours.insert(session.get("Id")?);
        }
    }
    Ok(ours)
}
