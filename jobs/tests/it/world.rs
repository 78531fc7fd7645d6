//! A world of its own for each test: stores in a temporary directory, and a clock that stands
//! still until it is moved.

use std::time::Duration;

use audience::Unpacked;
use campaign::{AudienceId, ReportId, Sources};
use chrono::{DateTime, Utc};
use database::audience::Audience;
use database::audience_chunk::AudienceChunk;
use database::report::{self, ReportState};
use database::upload_part::Stored;
use database::{Change, Tx, audience as audiences, audience_chunk, upload_part};
use runtime::clock::ManualClock;
use runtime::{Backends, Config, Embedded, Process};
use tempfile::TempDir;

/// What waits for a state that does not come fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a state is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

pub(crate) struct World {
    pub(crate) backends: Backends,
    pub(crate) hand: ManualClock,
    _embedded: Embedded,
    _directory: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// With settings other than the defaults.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        config.data.dir = directory.path().to_owned();
        change(&mut config);
        let hand = ManualClock::at("2026-07-01T12:00:00Z".parse().unwrap());
        let process = Process::new(config, hand.clock());
        let (backends, embedded) = Backends::connect(&process).await.unwrap();
        Self {
            backends,
            hand,
            _embedded: embedded,
            _directory: directory,
        }
    }

    /// The same stores in another process, with settings of its own.
    pub(crate) fn process_with(&self, change: impl FnOnce(&mut Config)) -> Backends {
        let mut config = Config::clone(&self.backends.process.config);
        change(&mut config);
        Backends {
            process: Process::new(config, self.hand.clock()),
            ..self.backends.clone()
        }
    }

    /// A transaction that writes and commits.
    pub(crate) async fn write<T>(&self, write: impl AsyncFnOnce(&mut Tx) -> Result<T, database::Error>) -> T {
        let mut tx = self.backends.db.begin().await.unwrap();
        let written = write(&mut tx).await.unwrap();
        tx.commit().await.repeatable().unwrap();
        written
    }

    /// The same in the database of files.
    pub(crate) async fn write_file<T>(
        &self,
        write: impl AsyncFnOnce(&mut Tx) -> Result<T, database::Error>,
    ) -> T {
        let mut tx = self.backends.files.begin().await.unwrap();
        let written = write(&mut tx).await.unwrap();
        tx.commit().await.repeatable().unwrap();
        written
    }

    /// Uploads a file whole.
    pub(crate) async fn upload(&self, file: &[u8]) -> AudienceId {
        let audience = self.begin_upload(file).await;
        let now = self.backends.process.clock.now();
        let completed = self.write(async |tx| audiences::complete_upload(tx, audience, now).await);
        assert_eq!(completed.await, Change::Applied);
        audience
    }

    /// Makes an audience of lists and, if there is one, a file.
    pub(crate) async fn make(&self, file: &[u8], sources: &Sources) -> AudienceId {
        let audience = self.begin_upload(file).await;
        let (now, stored) = (
            self.backends.process.clock.now(),
            serde_json::to_string(sources).unwrap(),
        );
        let completed = self.write(async |tx| {
            audiences::set_sources(tx, audience, None, Some(&stored)).await?;
            audiences::complete_upload(tx, audience, now).await
        });
        assert_eq!(completed.await, Change::Applied);
        audience
    }

    /// Uploads a file and does not say that it is whole.
    pub(crate) async fn begin_upload(&self, file: &[u8]) -> AudienceId {
        let (audience, now) = (AudienceId::allocate(), self.backends.process.clock.now());
        self.write(async |tx| audiences::insert(tx, audience, "everybody", "{}", now).await)
            .await;
        for (no, part) in (0..).zip(file.chunks(upload_part::MAX_PART_BYTES)) {
            // To the import a part's digest says nothing.
            let stored =
                self.write_file(async |tx| upload_part::insert(tx, audience, no, &[0; 32], part).await);
            assert_eq!(stored.await, Stored::New);
            let bytes = part.len() as u64;
            let counted = self.write(async |tx| audiences::add_uploaded(tx, audience, bytes, now).await);
            assert_eq!(counted.await, Change::Applied);
        }
        audience
    }

    pub(crate) async fn audience(&self, audience: AudienceId) -> Audience {
        let found = audiences::find(&self.backends.db, audience).await.unwrap();
        found.expect("no test deletes an audience")
    }

    /// Until when its import is somebody's.
    pub(crate) async fn leased_until(&self, audience: AudienceId) -> Option<DateTime<Utc>> {
        let row = database::sql("SELECT leased_until FROM audience WHERE id = ?").bind(audience);
        let row = row.fetch_one(&self.backends.db).await.unwrap();
        row.get("leased_until").unwrap()
    }

    /// Every stored chunk of the audience, in order.
    pub(crate) async fn chunks(&self, audience: AudienceId) -> Vec<AudienceChunk> {
        let mut chunks = Vec::new();
        let headers = audience_chunk::list(&self.backends.db, audience, 0, 100_000).await;
        for header in headers.unwrap() {
            let chunk = audience_chunk::find(&self.backends.db, audience, header.no).await;
            chunks.push(chunk.unwrap().expect("it was listed"));
        }
        chunks
    }

    /// The recipients of every stored chunk by place; `None` for a tombstone.
    pub(crate) async fn recipients(&self, audience: AudienceId) -> Vec<Option<String>> {
        let chunks = self.chunks(audience).await;
        let recipients = chunks.iter().flat_map(|chunk| {
            let unpacked = Unpacked::open(&chunk.recipients).unwrap();
            let users = unpacked
                .iter()
                .map(|recipient| recipient.map(|recipient| recipient.user_id.to_owned()));
            users.collect::<Vec<_>>()
        });
        recipients.collect()
    }

    /// Upload parts that are there.
    pub(crate) async fn parts(&self, audience: AudienceId) -> usize {
        let parts = upload_part::list(&self.backends.files, audience, 0, 100_000).await;
        parts.unwrap().len()
    }

    /// Runs that lie between the steps of its import.
    pub(crate) async fn runs(&self, audience: AudienceId) -> u64 {
        let runs =
            database::sql("SELECT COUNT(*) AS runs FROM import_run WHERE audience_id = ?").bind(audience);
        let row = runs.fetch_one(&self.backends.files).await.unwrap();
        row.get("runs").unwrap()
    }

    /// The report of what became of the audience's rows, as it is given out; `None` until it is
    /// ready.
    pub(crate) async fn report(&self, audience: AudienceId) -> Option<Vec<u8>> {
        let (files, id) = (&self.backends.files, ReportId(audience.0));
        let report = report::get(files, id).await.unwrap()?;
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < report.size {
            let part = report::find(files, id, bytes.len() as u64)
                .await
                .unwrap()
                .unwrap();
            assert_eq!(part.start, bytes.len() as u64);
            bytes.extend(part.bytes);
        }
        (report.state == ReportState::Ready).then_some(bytes)
    }

    /// Waits until `state` holds.
    pub(crate) async fn until(&self, state: impl AsyncFn() -> bool) {
        let waiting = async {
            while !state().await {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("the state comes");
    }

    /// Waits until the audience has at least so many chunks.
    pub(crate) async fn until_chunks(&self, audience: AudienceId, chunks: u32) {
        self.until(async || self.audience(audience).await.progress.chunk_count >= chunks)
            .await;
    }
}
