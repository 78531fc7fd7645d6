//! The product's import, as its own process runs it: pass after pass until nothing is left.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use campaign::{AudienceId, ReportId};
use database::audience::{self, AudienceState};
use database::report::{self, ReportState};
use database::{Change, Db, Settings, create_database, migrate, upload_part};
use journeys::mariadb::MariaDb;
use runtime::job::{Outcome, Report};
use runtime::{Backends, Config, ExitCode, process};
use tokio::runtime::Runtime;

use super::client::{self, Sample};
use super::file::AudienceFile;
use crate::process::own_cpu_seconds;
use crate::sample::last_line;
use crate::stopwatch::Stopwatch;

const DATABASE: &str = "noroshi";

/// Uploads the file to new stores in `directory`, and imports it by a process of its own.
pub(super) fn measure(
    runtime: &Runtime,
    file: &AudienceFile,
    directory: &Path,
    server: Option<&MariaDb>,
) -> anyhow::Result<Sample> {
    let url = match server {
        None => format!("sqlite:{}", directory.join("noroshi.db").display()),
        Some(server) => format!("mysql://root@{}/{DATABASE}", server.address()),
    };
    let audience = runtime.block_on(upload(&url, file))?;
    let mut command = client::itself()?;
    command
        .arg("ours")
        .env("NOROSHI__DATA__DIR", directory)
        .env("NOROSHI__LOG__LEVEL", "warn");
    if server.is_some() {
        // The token is for the API, which a configuration without embedded SQL has to have.
        for (variable, secret) in [("DATABASE__URL", url.as_str()), ("ADMIN__TOKEN", "not-used")] {
            let file = directory.join(variable);
            std::fs::write(&file, secret)?;
            command.env(format!("NOROSHI__{variable}"), format!("file:{}", file.display()));
        }
    }
    let sample = last_line(command)?;
    let users = runtime.block_on(check(&url, audience, file))?;
    Ok(Sample { users, ..sample })
}

async fn upload(url: &str, file: &AudienceFile) -> anyhow::Result<AudienceId> {
    let settings = Settings::new(url);
    create_database(&settings).await?;
    let db = Db::connect(&settings).await?;
    migrate::run(&db).await?;
    let (id, now) = (AudienceId::allocate(), runtime::Clock::system().now());
    let mut tx = db.begin().await?;
    audience::insert(&mut tx, id, "everybody", "{}", now).await?;
    tx.commit().await.repeatable()?;
    let mut source = File::open(&file.path)?;
    for no in 0.. {
        let mut part = Vec::new();
        source
            .by_ref()
            .take(upload_part::MAX_PART_BYTES as u64)
            .read_to_end(&mut part)?;
        if part.is_empty() {
            break;
        }
        let mut tx = db.begin().await?;
        // To the import a part's digest says nothing.
        let _ = upload_part::insert(&mut tx, id, no, &[0; 32], &part).await?;
        let counted = audience::add_uploaded(&mut tx, id, part.len() as u64, now).await?;
        ensure!(counted == Change::Applied, "the upload was over too early");
        tx.commit().await.repeatable()?;
    }
    let mut tx = db.begin().await?;
    let completed = audience::complete_upload(&mut tx, id, now).await?;
    ensure!(completed == Change::Applied, "the upload was over already");
    tx.commit().await.repeatable()?;
    db.close().await;
    Ok(id)
}

/// Everybody is in the audience, and its report is ready.
async fn check(url: &str, id: AudienceId, file: &AudienceFile) -> anyhow::Result<u64> {
    let db = Db::connect(&Settings::new(url)).await?;
    let found = audience::find(&db, id)
        .await?
        .context("the audience is not there")?;
    let report = report::get(&db, ReportId(id.0))
        .await?
        .context("there is no report")?;
    db.close().await;
    ensure!(
        found.state == AudienceState::Ready
            && (found.progress.records, found.progress.size) == (file.rows, file.users),
        "the import ended {:?}: {:?}",
        found.state,
        found.progress
    );
    ensure!(report.state == ReportState::Ready, "the report is not ready");
    Ok(found.progress.size)
}

/// Imports what the environment's configuration points to, and says what that took. The clock runs
/// once the stores are connected.
pub(super) fn run() -> anyhow::Result<Sample> {
    let config = Config::load(None)?;
    let mut sample = None;
    let code = process::run(config, |process| {
        let sample = &mut sample;
        async move {
            *sample = Some(import(process).await);
            ExitCode::Done
        }
    });
    match sample {
        Some(sample) => sample,
        None => bail!("the import did not run: {code:?}"),
    }
}

async fn import(process: runtime::Process) -> anyhow::Result<Sample> {
    let (backends, embedded) = Backends::connect(&process).await?;
    let cpu_before = own_cpu_seconds()?;
    let stopwatch = Stopwatch::start();
    let mut users = 0;
    loop {
        let report = jobs::import::run(&backends).await?;
        users += report.recipients;
        if report.outcome() != Outcome::WorkLeft {
            break;
        }
    }
    let sample = Sample::taken(stopwatch, cpu_before, users);
    drop(backends);
    embedded.stop().await;
    sample
}
