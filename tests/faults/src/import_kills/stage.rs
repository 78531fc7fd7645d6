//! A database that outlives the import processes on it, and files to be imported.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use campaign::AudienceId;
use database::audience::{self as audiences, Audience};
use database::{Change, Db, migrate, upload_part};
use journeys::world::{Settings, TOKEN};
use runtime::{Backends, Clock, Config, Embedded};
use tempfile::TempDir;

use super::plan::Plan;
use super::worker::Worker;
use crate::engine::Sql;

/// How long anything may take; the machine may be busy.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// How long an import waits for a process that died: short, as often as they die here.
const LEASE: &str = "1s";

/// How often a row repeats an earlier one's user, and how often one is no recipient.
const DUPLICATE_EVERY: u32 = 10;
const WRONG_EVERY: u32 = 17;

/// The stores.
#[derive(Debug)]
pub(super) struct Stage {
    plan: Plan,
    pub(super) backends: Backends,
    embedded: Embedded,
    sql: Sql,
    directory: TempDir,
}

impl Stage {
    pub(super) async fn set(plan: &Plan) -> anyhow::Result<Self> {
        let directory = TempDir::with_prefix("noroshi-import-kills-")?;
        let sql = Sql::start(&plan.engine, directory.path()).await?;
        let db = Db::connect(sql.settings()).await?;
        migrate::run(&db).await?;
        db.close().await;
        let file = settings(plan, &directory, "stage", &sql)?;
        let process = runtime::Process::new(Config::read(Some(&file), [])?, Clock::system());
        let (backends, embedded) = Backends::connect(&process).await?;
        Ok(Self {
            plan: plan.clone(),
            backends,
            embedded,
            sql,
            directory,
        })
    }

    /// Starts a process that imports.
    pub(super) fn worker(&self, name: &str) -> anyhow::Result<Worker> {
        let settings = settings(&self.plan, &self.directory, name, &self.sql)?;
        Ok(Worker::start(self.plan.program.clone(), settings))
    }

    /// Uploads the plan's file.
    pub(super) async fn upload(&self) -> anyhow::Result<AudienceId> {
        let file = file(self.plan.rows);
        let (id, now) = (AudienceId::allocate(), self.backends.process.clock.now());
        let (db, files) = (&self.backends.db, &self.backends.files);
        let mut tx = db.begin().await?;
        audiences::insert(&mut tx, id, "everybody", "{}", now).await?;
        tx.commit().await.repeatable()?;
        for (no, part) in (0..).zip(file.as_bytes().chunks(upload_part::MAX_PART_BYTES)) {
            let mut tx = files.begin().await?;
            // To the import a part's digest says nothing.
            let _ = upload_part::insert(&mut tx, id, no, &[0; 32], part).await?;
            tx.commit().await.repeatable()?;
        }
        let mut tx = db.begin().await?;
        let counted = audiences::add_uploaded(&mut tx, id, file.len() as u64, now).await?;
        let completed = audiences::complete_upload(&mut tx, id, now).await?;
        ensure!(
            (counted, completed) == (Change::Applied, Change::Applied),
            "a new upload is over"
        );
        tx.commit().await.repeatable()?;
        Ok(id)
    }

    pub(super) async fn audience(&self, id: AudienceId) -> anyhow::Result<Audience> {
        let found = audiences::find(&self.backends.db, id).await?;
        found.context("the audience is not there")
    }

    /// Stops the stores. Where the processes' logs are is said only if they are to be `kept`.
    pub(super) async fn clear(self, kept: bool) -> Option<PathBuf> {
        self.backends.db.close().await;
        drop(self.backends);
        self.embedded.stop().await;
        self.sql.stop().await;
        kept.then(|| self.directory.keep())
    }
}

/// Whether the row is no recipient.
fn is_wrong(row: u32) -> bool {
    row % WRONG_EVERY == WRONG_EVERY - 1
}

/// The user of that row; a duplicate's is the row's before it.
pub(super) fn user(row: u32) -> String {
    let duplicate = row % DUPLICATE_EVERY == DUPLICATE_EVERY - 1;
    format!("user-{:07}", row - u32::from(duplicate))
}

/// Whether the row is accepted: it is a recipient, and no row before it was of its user.
pub(super) fn is_accepted(row: u32) -> bool {
    let duplicate = row % DUPLICATE_EVERY == DUPLICATE_EVERY - 1;
    !is_wrong(row) && (!duplicate || is_wrong(row - 1))
}

fn file(rows: u32) -> String {
    let mut file = "user_id,time_zone,name\n".to_owned();
    for row in 0..rows {
        let zone = match row % 3 {
            _ if is_wrong(row) => "Atlantis",
            0 => "",
            1 => "Asia/Tokyo",
            _ => "Europe/Paris",
        };
        writeln!(file, "{},{zone},名前{row}", user(row)).expect("a string takes what is written");
    }
    file
}

fn settings(plan: &Plan, directory: &TempDir, name: &str, sql: &Sql) -> anyhow::Result<PathBuf> {
    let own = directory.path().join(name);
    std::fs::create_dir(&own)?;
    let url = own.join("database-url");
    std::fs::write(&url, &sql.settings().url)?;
    let settings = Settings::defaults(&own, TOKEN)
        .set("database.url", format!("file:{}", url.display()))
        .set("import.interval", "100ms")
        .set("import.lease", LEASE)
        .set("import.partition_bytes", i64::from(plan.partition_bytes));
    Ok(settings.write(&own))
}
