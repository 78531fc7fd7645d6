//! Takes a file in as parts of at most 1 MiB, each in a transaction of its own.
//!
//! One part is in memory, however large the file. The last part, the end of the upload and the
//! answer for its idempotency key are one transaction; an upload that does not get there is
//! taken back, part by part, so that nothing of it is left.

use audience::FileSettings;
use campaign::AudienceId;
use chrono::{DateTime, Utc};
use database::audience::AudienceState;
use database::upload_part::{self, MAX_PART_BYTES, Stored};
use database::{Change, Tx};
use runtime::Backends;
use sha2::{Digest, Sha256};
use tracing::warn;

use super::file::{Extent, check_header};
use super::sources::MadeOf;
use crate::error::Error;
use crate::json;
use crate::transaction::conclude;

/// Parts deleted in one transaction.
const DELETED_AT_ONCE: u32 = 16;

/// A file on its way in.
pub(crate) struct Upload {
    id: AudienceId,
    name: String,
    settings: FileSettings,
    /// What came and is not stored yet, less than a part once `push` is over.
    buffer: Vec<u8>,
    parts: u32,
    /// What the audience is made of beside the file.
    made_of: MadeOf,
    /// Whether it is made of that alone.
    is_without_file: bool,
    /// Whether anything was to be stored before the end of the upload is.
    is_begun: bool,
}

impl Upload {
    /// An upload of which nothing is here yet, nor stored.
    pub(crate) fn new(name: String, settings: FileSettings) -> Self {
        Self {
            id: AudienceId::allocate(),
            name,
            settings,
            buffer: Vec::new(),
            parts: 0,
            made_of: MadeOf::default(),
            is_without_file: false,
            is_begun: false,
        }
    }

    /// The audience that it becomes.
    pub(crate) fn id(&self) -> AudienceId {
        self.id
    }

    /// The same, with a file that is small enough to be stored in one transaction.
    pub(crate) fn with_file(mut self, file: Vec<u8>) -> Self {
        self.buffer = file;
        self
    }

    /// The same, made of other lists as well.
    pub(super) fn made_of(mut self, made_of: MadeOf) -> Self {
        self.made_of = made_of;
        self
    }

    /// The same, of an audience that has no file.
    pub(super) fn without_file(mut self) -> Self {
        self.is_without_file = true;
        self
    }

    /// Takes more of the file, and stores what has become a whole part.
    pub(crate) async fn push(&mut self, backends: &Backends, bytes: &[u8]) -> Result<(), Error> {
        self.buffer.extend_from_slice(bytes);
        while self.buffer.len() > MAX_PART_BYTES {
            if self.parts == 0 {
                check_header(&self.buffer, Extent::Start, self.settings)?;
            }
            self.is_begun = true;
            let mut tx = backends.db.begin().await?;
            let stored = self.store_part(&mut tx, backends.process.clock.now()).await;
            conclude(tx, stored).await?;
        }
        Ok(())
    }

    /// Stores what is left and ends the upload, in `tx`.
    pub(crate) async fn complete(&mut self, tx: &mut Tx, now: DateTime<Utc>) -> Result<(), Error> {
        if self.is_without_file {
            self.insert(tx, now).await?;
        } else if self.parts == 0 && self.buffer.len() <= MAX_PART_BYTES {
            check_header(&self.buffer, Extent::Whole, self.settings)?;
        }
        while !self.buffer.is_empty() {
            self.store_part(tx, now).await?;
        }
        match database::audience::complete_upload(tx, self.id, now).await? {
            Change::Applied => Ok(()),
            Change::Stale => Err(Error::AudienceOver(AudienceState::Cancelled)),
        }
    }

    /// Takes back what was stored of an upload that did not end; one that ended stays as it is.
    /// What the database does not let go of now is left to the pass that prunes.
    pub(crate) async fn take_back(&self, backends: &Backends) {
        if !self.is_begun {
            return;
        }
        if let Err(error) = self.delete(backends).await {
            let error: &dyn std::error::Error = &error;
            warn!(audience.id = %self.id, error, "an upload that was given up is not taken back");
        }
    }

    /// Stores one part, the first one together with its audience.
    async fn store_part(&mut self, tx: &mut Tx, now: DateTime<Utc>) -> Result<(), Error> {
        if self.parts == 0 {
            self.insert(tx, now).await?;
        }
        let part = &self.buffer[..self.buffer.len().min(MAX_PART_BYTES)];
        let sha256 = Sha256::digest(part).into();
        match upload_part::insert(tx, self.id, self.parts, &sha256, part).await? {
            Stored::New => {}
            Stored::Existing | Stored::Differs => {
                return Err(Error::Fault("a part of a new upload is there already".to_owned()));
            }
        }
        match database::audience::add_uploaded(tx, self.id, part.len() as u64, now).await? {
            Change::Applied => {}
            Change::Stale => return Err(Error::AudienceOver(AudienceState::Cancelled)),
        }
        self.buffer.drain(..self.buffer.len().min(MAX_PART_BYTES));
        self.parts += 1;
        Ok(())
    }

    /// Inserts the audience, of which nothing is stored yet.
    async fn insert(&self, tx: &mut Tx, now: DateTime<Utc>) -> Result<(), Error> {
        let settings = json::write(&self.settings)?;
        database::audience::insert(tx, self.id, &self.name, &settings, now).await?;
        self.made_of.store(tx, self.id).await
    }

    async fn delete(&self, backends: &Backends) -> Result<(), Error> {
        let now = backends.process.clock.now();
        let mut tx = backends.db.begin().await?;
        let abandoned = database::audience::abandon_upload(&mut tx, self.id, now).await;
        if conclude(tx, abandoned).await? == Change::Stale {
            return Ok(());
        }
        let mut below = 0;
        while below < self.parts {
            below = (below + DELETED_AT_ONCE).min(self.parts);
            let mut tx = backends.db.begin().await?;
            let deleted = upload_part::delete_below(&mut tx, self.id, below).await;
            conclude(tx, deleted).await?;
        }
        let mut tx = backends.db.begin().await?;
        let deleted = database::audience::delete_cancelled(&mut tx, self.id).await;
        conclude(tx, deleted).await.map(drop)
    }
}
