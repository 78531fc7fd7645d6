//! One user's pushes over all campaigns: history, and erasure.

use campaign::{ChunkId, PushId, Reason, Standing};
use chrono::{DateTime, Utc};
use gcloud_sdk::google::datastore::v1::property_filter::Operator;

use crate::client::PushStore;
use crate::entity::PUSH;
use crate::error::Error;
use crate::push::Push;
use crate::query::{of_kind, property, text};

impl PushStore {
    /// Up to `limit` of the user's pushes, in the order of their keys, which is no order that
    /// means anything: the index has the user alone.
    pub async fn list_by_user(&self, user: &str, limit: u16) -> Result<Vec<Push>, Error> {
        let query = of_kind(PUSH, property("user", Operator::Equal, text(user)), Some(limit));
        let found = self.run(query).await?;
        found.into_iter().map(Push::from_entity).collect()
    }

    /// Takes a user's id, locale and variables off a push, and skips it if it is not settled.
    /// A repeat changes nothing.
    pub async fn erase(&self, chunk: ChunkId, push: PushId, now: DateTime<Utc>) -> Result<(), Error> {
        self.change(chunk, &[push], |open| {
            open.raise(push, Standing::Settled(Reason::Erased), now);
            open.erase(push);
        })
        .await?;
        Ok(())
    }
}
