//! Takes a file in as parts of at most 1 MiB, each in a transaction of its own.
//!
//! One part is in memory, however large the file. The audience's row is stored before the first
//! part, in the main database, and each part in that of files, which may be another; the end of the
//! upload and the answer for its idempotency key are one transaction. An upload that does not get
//! there is taken back, part by part, so that nothing of it is left.

use std::time::Duration;

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
use crate::uploads::UploadGate;

/// Parts deleted in one transaction.
const DELETED_AT_ONCE: u32 = 16;

/// How long one that streams waits for its next part while the load guard holds everything. Its
/// client cannot go on where it was, so this is as long as a proxy waits for an answer.
const PATIENCE: Duration = Duration::from_secs(55);

/// A file on its way in.
pub(crate) struct Upload {
    id: AudienceId,
    name: String,
    settings: FileSettings,
    /// What came and is not stored yet, less than a part once `push` is over.
    buffer: Vec<u8>,
    parts: u32,
    bytes: u64,
    /// What the audience is made of beside the file.
    made_of: MadeOf,
    /// Whether it is made of that alone.
    is_without_file: bool,
    /// Whether anything was to be stored.
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
            bytes: 0,
            made_of: MadeOf::default(),
            is_without_file: false,
            is_begun: false,
        }
    }

    /// The audience that it becomes.
    pub(crate) fn id(&self) -> AudienceId {
        self.id
    }

    /// The same, with a file that is at hand.
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

    /// Takes more of the file, and stores what has become a whole part as soon as the gate lets it.
    pub(crate) async fn push(
        &mut self,
        backends: &Backends,
        gate: &UploadGate,
        bytes: &[u8],
    ) -> Result<(), Error> {
        self.buffer.extend_from_slice(bytes);
        while self.buffer.len() > MAX_PART_BYTES {
            if self.parts == 0 {
                check_header(backends, &self.buffer, Extent::Start, self.settings)?;
            }
            let turn = gate.enter(&backends.process, PATIENCE).await?;
            self.store_part(backends).await?;
            drop(turn);
        }
        Ok(())
    }

    /// Stores what is left.
    pub(crate) async fn store_rest(&mut self, backends: &Backends) -> Result<(), Error> {
        if self.is_without_file {
            return self.show_life(backends).await;
        }
        if self.parts == 0 && self.buffer.len() <= MAX_PART_BYTES {
            check_header(backends, &self.buffer, Extent::Whole, self.settings)?;
        }
        while !self.buffer.is_empty() {
            self.store_part(backends).await?;
        }
        Ok(())
    }

    /// Ends the upload, all of which is stored.
    pub(crate) async fn complete(&self, tx: &mut Tx, now: DateTime<Utc>) -> Result<(), Error> {
        let counted = database::audience::add_uploaded(tx, self.id, self.bytes, now).await?;
        let completed = match counted {
            Change::Applied => database::audience::complete_upload(tx, self.id, now).await?,
            Change::Stale => Change::Stale,
        };
        match completed {
            Change::Applied => Ok(()),
            Change::Stale => Err(Error::AudienceOver(AudienceState::Cancelled)),
        }
    }

    /// Takes back what was stored of an upload that did not end; one that ended stays as it is.
    /// What the databases do not let go of now is left to the pass that prunes.
    pub(crate) async fn take_back(&self, backends: &Backends) {
        if !self.is_begun {
            return;
        }
        if let Err(error) = self.delete(backends).await {
            let error: &dyn std::error::Error = &error;
            warn!(audience.id = %self.id, error, "an upload that was given up is not taken back");
        }
    }

    /// Stores one part; the first one's audience before it.
    async fn store_part(&mut self, backends: &Backends) -> Result<(), Error> {
        self.show_life(backends).await?;
        let part = &self.buffer[..self.buffer.len().min(MAX_PART_BYTES)];
        let sha256 = Sha256::digest(part).into();
        let mut tx = backends.files.begin().await?;
        let stored = upload_part::insert(&mut tx, self.id, self.parts, &sha256, part).await;
        match conclude(tx, stored).await? {
            Stored::New => {}
            Stored::Existing | Stored::Differs => {
                return Err(Error::Fault("a part of a new upload is there already".to_owned()));
            }
        }
        self.bytes += part.len() as u64;
        self.buffer.drain(..self.buffer.len().min(MAX_PART_BYTES));
        self.parts += 1;
        Ok(())
    }

    /// Inserts the audience, or shows that its upload goes on.
    async fn show_life(&mut self, backends: &Backends) -> Result<(), Error> {
        let now = backends.process.clock.now();
        let mut tx = backends.db.begin().await?;
        let shown = if self.is_begun {
            database::audience::touch_upload(&mut tx, self.id, now)
                .await
                .map_err(Error::from)
        } else {
            self.is_begun = true;
            self.insert(&mut tx, now).await.map(|()| Change::Applied)
        };
        match conclude(tx, shown).await? {
            Change::Applied => Ok(()),
            Change::Stale => Err(Error::AudienceOver(AudienceState::Cancelled)),
        }
    }

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
        // One whose answer was lost may be there too.
        let end = self.parts + 1;
        let mut below = 0;
        while below < end {
            below = (below + DELETED_AT_ONCE).min(end);
            let mut tx = backends.files.begin().await?;
            let deleted = upload_part::delete_below(&mut tx, self.id, below).await;
            conclude(tx, deleted).await?;
        }
        let mut tx = backends.db.begin().await?;
        let deleted = database::audience::delete_cancelled(&mut tx, self.id).await;
        conclude(tx, deleted).await.map(drop)
    }
}
