//! What the stores and the ledger say about one campaign, read once.

use std::collections::{BTreeMap, HashSet};

use audience::Unpacked;
use campaign::{CampaignId, ChunkId};
use database::campaign::Campaign;
use database::chunk_tally::{self, Total};
use database::coupon::{self, Coupon};
use database::shard::chunk_grants::{self, ChunkGrants};
use database::shard::{coupon_grant, intent};
use database::stock_reservation::{self, Holder, StockReservation};
use database::{Db, audience_chunk, inconsistency, sql};
use emulator::sink::ledger::{Entry, Reader};
use push_store::{Chunk, MAX_LOOKUP_KEYS, Push};

use super::Books;

/// Rows in one page.
const PAGE: u32 = 1_000;

/// The shard that holds all grants.
const SHARD: u32 = 0;

/// What the stores and the ledger say about one campaign.
#[derive(Clone, Debug)]
pub struct Facts {
    /// SQL: what was decided, and where it stands.
    pub campaign: Campaign,
    /// SQL: the audience, by chunk and place; `None` at the place of one who was erased.
    pub recipients: Vec<Vec<Option<String>>>,
    /// Datastore: the markers.
    pub chunks: Vec<Chunk>,
    /// Datastore: the pushes below them.
    pub pushes: Vec<Push>,
    /// Datastore: chunks that its index holds as queued.
    pub queued: usize,
    /// SQL: the totals that people are shown.
    pub total: Total,
    /// SQL: who was granted the coupon, in which chunk.
    pub grants: BTreeMap<String, u32>,
    /// SQL: how many grants each chunk may make and has made.
    pub chunk_grants: Vec<ChunkGrants>,
    /// SQL: what chunks took of the stock.
    pub reservations: Vec<StockReservation>,
    /// SQL: the coupon.
    pub coupon: Option<Coupon>,
    /// SQL: how many of it were granted, in all campaigns.
    pub granted_in_all: u64,
    /// SQL: intents that are not closed.
    pub open_intents: u64,
    /// SQL: inconsistencies of any campaign that are not resolved.
    pub open_inconsistencies: u64,
    /// The ledger: what the gateway accepted of this campaign.
    pub deliveries: Vec<Entry>,
}

impl Facts {
    /// Reads them.
    ///
    /// # Panics
    /// If a store does not answer, or the campaign was not started.
    pub async fn read(books: &Books, id: CampaignId) -> Self {
        let db = &books.db;
        let campaign = database::campaign::find(db, id)
            .await
            .expect("SQL answers")
            .expect("the campaign is there");
        let (chunks, pushes) = read_datastore(books, &campaign).await;
        let (chunk_grants, reservations) = read_stock(db, &campaign).await;
        let coupon = match campaign.plan.coupon_id {
            Some(coupon) => coupon::find(db, coupon).await.expect("SQL answers"),
            None => None,
        };
        Self {
            recipients: read_recipients(db, &campaign).await,
            queued: books
                .push_store
                .count_queued(id, u16::MAX)
                .await
                .expect("Datastore answers"),
            total: chunk_tally::total(db, id).await.expect("SQL answers"),
            grants: read_grants(db, id).await,
            granted_in_all: match &coupon {
                Some(coupon) => count_grants(db, coupon).await,
                None => 0,
            },
            open_intents: intent::count_open(db, id).await.expect("SQL answers"),
            open_inconsistencies: inconsistency::count_open(db).await.expect("SQL answers"),
            deliveries: read_ledger(books, &pushes),
            campaign,
            chunks,
            pushes,
            chunk_grants,
            reservations,
            coupon,
        }
    }
}

async fn read_recipients(db: &Db, campaign: &Campaign) -> Vec<Vec<Option<String>>> {
    let audience = campaign.plan.audience_id.expect("a broadcast has an audience");
    let mut recipients = Vec::new();
    for no in 0..campaign.chunk_count {
        let chunk = audience_chunk::find(db, audience, no).await.expect("SQL answers");
        let chunk = chunk.expect("a started campaign's audience is whole");
        let unpacked = Unpacked::open(&chunk.recipients).expect("what was packed can be unpacked");
        let users = unpacked
            .iter()
            .map(|recipient| recipient.map(|recipient| recipient.user_id.to_owned()));
        recipients.push(users.collect());
    }
    recipients
}

async fn read_datastore(books: &Books, campaign: &Campaign) -> (Vec<Chunk>, Vec<Push>) {
    let numbers = (0..campaign.chunk_count).collect::<Vec<_>>();
    let (mut chunks, mut pushes) = (Vec::new(), Vec::new());
    for numbers in numbers.chunks(MAX_LOOKUP_KEYS) {
        let found = books.push_store.list_chunks(campaign.id, numbers).await;
        chunks.extend(found.expect("Datastore answers"));
    }
    // Asked for by number and not by marker: a push below no marker is found, too.
    for no in numbers {
        let found = books.push_store.list_pushes(ChunkId::of(campaign.id, no)).await;
        pushes.extend(found.expect("Datastore answers"));
    }
    (chunks, pushes)
}

async fn read_stock(db: &Db, campaign: &Campaign) -> (Vec<ChunkGrants>, Vec<StockReservation>) {
    let (mut grants, mut reservations) = (Vec::new(), Vec::new());
    for chunk_no in 0..campaign.chunk_count {
        let holder = Holder {
            campaign_id: campaign.id,
            chunk_no,
            shard: SHARD,
        };
        let found = chunk_grants::find(db, campaign.id, chunk_no).await;
        grants.extend(found.expect("SQL answers"));
        let found = stock_reservation::find(db, holder).await;
        reservations.extend(found.expect("SQL answers"));
    }
    (grants, reservations)
}

async fn read_grants(db: &Db, campaign: CampaignId) -> BTreeMap<String, u32> {
    let mut grants = BTreeMap::new();
    let mut after = String::new();
    loop {
        let page = coupon_grant::list_users(db, campaign, &after, PAGE).await;
        let page = page.expect("SQL answers");
        match page.last() {
            Some((last, _)) => after.clone_from(last),
            None => return grants,
        }
        grants.extend(page);
    }
}

async fn count_grants(db: &Db, coupon: &Coupon) -> u64 {
    let statement = sql("SELECT COUNT(*) AS granted FROM coupon_grant WHERE coupon_id = ?").bind(coupon.id);
    let row = statement.fetch_one(db).await.expect("SQL answers");
    row.get("granted").expect("a count is a number")
}

fn read_ledger(books: &Books, pushes: &[Push]) -> Vec<Entry> {
    let ids: HashSet<_> = pushes.iter().map(|push| push.id.to_string()).collect();
    let entries = Reader::open(&books.ledger).expect("the ledger is there");
    let entries = entries.map(|entry| entry.expect("the ledger has no other lines"));
    entries.filter(|entry| ids.contains(&entry.push_id)).collect()
}
