//! Every grant has an intent, and an intent that is closed was kept.

use std::collections::HashSet;

use anyhow::ensure;
use campaign::{CampaignId, ChunkId, IntentId, Places, Standing};
use database::shard::intent::UserMap;
use database::{Db, sql};
use journeys::world::Books;

/// Intents whose pushes were looked at. States do not fall, so once is enough.
#[derive(Debug, Default)]
pub(super) struct Promises {
    kept: HashSet<IntentId>,
}

impl Promises {
    pub(super) async fn check(&mut self, books: &Books, campaign: CampaignId) -> anyhow::Result<()> {
        let alone = count_without_intent(&books.db, campaign)
            .await
            .unwrap_or_default();
        ensure!(alone == 0, "{alone} grants were committed without an intent");
        for (id, no, users) in list_closed(&books.db, campaign).await.unwrap_or_default() {
            if self.kept.contains(&id) {
                continue;
            }
            let Ok(pushes) = books.push_store.list_pushes(ChunkId::of(campaign, no)).await else {
                return Ok(());
            };
            let named = Places::from_bytes(users);
            let pushes = pushes.iter().filter(|push| named.contains(push.place));
            let pending = pushes.filter(|push| push.standing == Standing::Pending).count();
            ensure!(
                pending == 0,
                "an intent of chunk {no} is closed, and {pending} of its pushes are pending"
            );
            self.kept.insert(id);
        }
        Ok(())
    }
}

async fn count_without_intent(db: &Db, campaign: CampaignId) -> Result<u64, database::Error> {
    let statement = "SELECT COUNT(*) AS alone FROM coupon_grant LEFT JOIN intent \
                     ON intent.id = coupon_grant.intent_id \
                     WHERE coupon_grant.campaign_id = ? AND intent.id IS NULL";
    sql(statement).bind(campaign).fetch_one(db).await?.get("alone")
}

async fn list_closed(
    db: &Db,
    campaign: CampaignId,
) -> Result<Vec<(IntentId, u32, UserMap)>, database::Error> {
    let statement = "SELECT id, chunk_no, users FROM intent WHERE campaign_id = ? AND state = 'closed'";
    let closed = sql(statement).bind(campaign);
    let read = |row: &database::Row| Ok((row.get("id")?, row.get("chunk_no")?, row.get("users")?));
    closed.list(db, read).await
}
