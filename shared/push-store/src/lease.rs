//! The right to deliver a chunk, and what it is needed for: the chunk's pushes.

use campaign::{ChunkId, LeaseTerms, LeaseToken, Leased, Mark};
use chrono::{DateTime, Utc};
use gcloud_sdk::google::datastore::v1::Query;
use gcloud_sdk::google::datastore::v1::property_filter::Operator;
use gcloud_sdk::google::datastore::v1::value::ValueType;

use crate::chunk::Chunk;
use crate::client::PushStore;
use crate::entity::PUSH;
use crate::error::Error;
use crate::push::Push;
use crate::query::{of_kind, property};

impl PushStore {
    /// Takes the lease for the task of `generation`; see [`campaign::ChunkRecord::lease`].
    /// Returns the chunk as it is then; `None` if there is no such chunk.
    pub async fn lease(
        &self,
        chunk: ChunkId,
        generation: u32,
        token: LeaseToken,
        now: DateTime<Utc>,
        terms: LeaseTerms,
    ) -> Result<Option<(Leased, Chunk)>, Error> {
        self.change(chunk, &[], |open| {
            if fault_points::bug!(LeaseNotAsked) {
                open.record_mut().lease = None;
            }
            let leased = open.record_mut().lease(generation, token, now, terms);
            (leased, open.chunk())
        })
        .await
    }

    /// Puts a chunk back that its task must not work on before `at`; see
    /// [`campaign::ChunkRecord::put_back`]. `None` if there is no such chunk.
    pub async fn put_back(
        &self,
        chunk: ChunkId,
        generation: u32,
        at: DateTime<Utc>,
    ) -> Result<Option<Mark>, Error> {
        self.change(chunk, &[], |open| open.record_mut().put_back(generation, at))
            .await
    }

    /// Every push of the chunk, by place.
    pub async fn list_pushes(&self, chunk: ChunkId) -> Result<Vec<Push>, Error> {
        let found = self.run(self.pushes_of(chunk)).await?;
        let pushes = found.into_iter().map(Push::from_entity);
        let mut pushes = pushes.collect::<Result<Vec<_>, _>>()?;
        pushes.sort_unstable_by_key(|push| push.place);
        Ok(pushes)
    }

    /// The query for the pushes of a chunk: those whose ancestor it is.
    pub(crate) fn pushes_of(&self, chunk: ChunkId) -> Query {
        let ancestor = ValueType::KeyValue(self.chunk_key(chunk));
        of_kind(PUSH, property("__key__", Operator::HasAncestor, ancestor), None)
    }
}
