//! What the stores hold of one chunk, read so that the parts belong together.
//!
//! Chunks are at work while they are read. A chunk's counts change in the transaction that changes
//! its pushes, and so does its version: where counts and pushes disagree, and the version is
//! another by then, both are read again. What follows is read after what it follows: SQL's totals
//! before the chunk, pushes before grants.

use std::collections::{HashMap, HashSet};

use campaign::{AudienceId, CampaignId, ChunkId, Tally};
use database::chunk_tally::ChunkTally;
use database::shard::chunk_grants::{self, ChunkGrants};
use database::shard::coupon_grant;
use database::{audience_chunk, erasure};
use push_store::{Chunk, Push};
use runtime::Backends;

use super::rules::needs_grant;
use crate::error::Error;

/// How often a chunk is read that changes meanwhile.
const TRIES: u32 = 4;

/// What a campaign's chunks have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    pub(super) campaign: CampaignId,
    pub(super) audience: AudienceId,
    pub(super) has_coupon: bool,
}

/// One chunk, in all stores.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) no: u32,
    /// The audience's part of it.
    pub(super) packed: Option<Packed>,
    pub(super) datastore: InDatastore,
    /// SQL's counts.
    pub(super) total: Option<ChunkTally>,
    /// Those of its users who have the coupon, and the chunk each was granted it in.
    pub(super) grants: HashMap<String, u32>,
    /// Its row of grants.
    pub(super) stock: Option<ChunkGrants>,
    /// Users who are being erased, among those who seem to lack a grant.
    pub(super) erased: HashSet<String>,
}

/// Recipients as the audience has them.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    pub(super) digest: [u8; 32],
    /// By place; `None` at the place of one who was erased.
    pub(super) users: Vec<Option<String>>,
}

/// Marker and pushes.
#[derive(Clone, Debug)]
pub(super) enum InDatastore {
    Read {
        chunk: Option<Box<Chunk>>,
        pushes: Vec<Push>,
        /// Whether they were read at one version of the chunk, as far as that matters.
        are_of_one_version: bool,
    },
    /// Something does not have the shape in which it is written; in words.
    Unreadable(String),
}

impl Facts {
    pub(super) async fn read(
        backends: &Backends,
        subject: Subject,
        no: u32,
        total: Option<ChunkTally>,
    ) -> Result<Self, Error> {
        let datastore = InDatastore::read(backends, ChunkId::of(subject.campaign, no)).await?;
        let mut facts = Self {
            no,
            packed: Packed::read(backends, subject.audience, no).await?,
            datastore,
            total,
            grants: HashMap::new(),
            stock: None,
            erased: HashSet::new(),
        };
        if subject.has_coupon {
            facts.read_grants(backends, subject.campaign).await?;
        }
        Ok(facts)
    }

    async fn read_grants(&mut self, backends: &Backends, campaign: CampaignId) -> Result<(), Error> {
        let db = &backends.db;
        let users = self.users().map(str::to_owned).collect::<Vec<_>>();
        let users = users.iter().map(String::as_str).collect::<Vec<_>>();
        self.grants = coupon_grant::list_among(db, campaign, &users).await?;
        self.stock = chunk_grants::find(db, campaign, self.no).await?;
        // An erasure renames grants, and was asked for before it does.
        let lacking = self.pushes().iter().filter(|push| needs_grant(push.standing));
        let lacking = lacking.filter_map(|push| push.user.as_deref());
        let lacking: Vec<_> = lacking.filter(|user| !self.grants.contains_key(*user)).collect();
        if !lacking.is_empty() {
            self.erased = erasure::list_erased_among(db, &lacking).await?;
        }
        Ok(())
    }

    /// The chunk's users who are not erased.
    pub(super) fn users(&self) -> impl Iterator<Item = &str> {
        let users = self.packed.iter().flat_map(|packed| &packed.users);
        users.filter_map(|user| user.as_deref())
    }

    /// Those who are erased, or being erased: their grants have other names.
    pub(super) fn erased_users(&self) -> u64 {
        let users = self.packed.iter().flat_map(|packed| &packed.users);
        let gone = users.filter(|user| user.is_none()).count();
        (gone + self.erased.len()) as u64
    }

    /// Its pushes, as far as they can be read.
    pub(super) fn pushes(&self) -> &[Push] {
        match &self.datastore {
            InDatastore::Read { pushes, .. } => pushes,
            InDatastore::Unreadable(_) => &[],
        }
    }
}

impl Packed {
    async fn read(backends: &Backends, audience: AudienceId, no: u32) -> Result<Option<Self>, Error> {
        let Some(stored) = audience_chunk::find(&backends.db, audience, no).await? else {
            return Ok(None);
        };
        let unpacked = audience::Unpacked::open(&stored.recipients)
            .map_err(|error| Error::Fault(format!("chunk {no} of audience {audience}: {error}")))?;
        let users = unpacked
            .iter()
            .map(|recipient| recipient.map(|recipient| recipient.user_id.to_owned()));
        Ok(Some(Self {
            digest: stored.header.digest,
            users: users.collect(),
        }))
    }
}

impl InDatastore {
    async fn read(backends: &Backends, id: ChunkId) -> Result<Self, Error> {
        match try_read(backends, id).await {
            Ok(read) => Ok(read),
            Err(error @ push_store::Error::Malformed { .. }) => Ok(Self::Unreadable(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }
}

async fn try_read(backends: &Backends, id: ChunkId) -> Result<InDatastore, push_store::Error> {
    let store = &backends.push_store;
    let mut chunk = store.find_chunk(id).await?;
    let mut tries = 1;
    loop {
        let pushes = store.list_pushes(id).await?;
        let counted: Tally = pushes.iter().map(|push| push.standing).collect();
        let agree = match &chunk {
            Some(chunk) => counted == chunk.tally && pushes.len() == usize::from(chunk.size),
            None => pushes.is_empty(),
        };
        let later = if agree {
            chunk.clone()
        } else {
            store.find_chunk(id).await?
        };
        let are_of_one_version =
            chunk.as_ref().map(|chunk| chunk.version) == later.as_ref().map(|chunk| chunk.version);
        if are_of_one_version || tries == TRIES {
            return Ok(InDatastore::Read {
                chunk: later.map(Box::new),
                pushes,
                are_of_one_version,
            });
        }
        chunk = later;
        tries += 1;
    }
}
