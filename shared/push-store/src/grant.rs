//! The Datastore side of a grant, done again.
//!
//! SQL is where a grant is committed; what is here only follows. The first attempt is made at
//! the rendezvous, with [`PushStore::open`]; this is every later one.

use campaign::{ChunkId, Places, Raised, Standing};
use chrono::{DateTime, Utc};

use crate::client::PushStore;
use crate::error::Error;

/// What became of a redo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Redone {
    /// The named pushes are granted or further, that many of them since this redo.
    Done {
        /// None means that an earlier attempt had done it.
        raised: usize,
    },
    /// There is no such chunk, or no push at one of the places; nothing is raised.
    Missing,
}

impl PushStore {
    /// Raises the pushes at `places` to granted; those that are as far or further stay. However
    /// often it is done, and whoever else works on the chunk, the result is the same.
    pub async fn redo_grants(
        &self,
        chunk: ChunkId,
        places: &Places,
        now: DateTime<Utc>,
    ) -> Result<Redone, Error> {
        let pushes = self.list_pushes(chunk).await?;
        let named = pushes.iter().filter(|push| places.contains(push.place));
        if named.clone().map(|push| push.place).collect::<Places>() != *places {
            return Ok(Redone::Missing);
        }
        let named = named.map(|push| push.id).collect::<Vec<_>>();
        let redone = self
            .change(chunk, &named, |open| {
                let mut raise = |push| open.raise(push, Standing::Granted, now) == Raised::Raised;
                named.iter().filter(|push| raise(**push)).count()
            })
            .await?;
        Ok(redone.map_or(Redone::Missing, |raised| Redone::Done { raised }))
    }
}
