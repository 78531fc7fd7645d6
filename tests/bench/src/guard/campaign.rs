//! One campaign by the whole product, in this process.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use noroshi::api::Api;
use noroshi::installation::Installation;
use reqwest::Method;
use runtime::{Clock, Config, Process};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Side;
use super::servers::Servers;
use crate::stopwatch::Stopwatch;

const POLL: Duration = Duration::from_millis(100);

/// What it took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Took {
    pub(super) import: Duration,
    /// From the end of the upload until it is finished.
    pub(super) whole: Duration,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

#[derive(Deserialize)]
struct Progress {
    state: String,
    grants: u64,
}

/// The product's settings on those servers; all else is embedded, and at its default.
pub(super) fn config(directory: &Path, servers: &Servers, side: Side) -> anyhow::Result<Config> {
    let file = |name: &str, text: &str| {
        let path = directory.join(name);
        std::fs::write(&path, text)?;
        anyhow::Ok(format!("file:{}", path.display()))
    };
    let variables = [
        ("NOROSHI__DATA__DIR", directory.join("data").display().to_string()),
        ("NOROSHI__DATABASE__URL", file("url", &servers.primary_url)?),
        ("NOROSHI__ADMIN__TOKEN", file("token", "bench")?),
        ("NOROSHI__ADMIN__LISTEN", "127.0.0.1:0".to_owned()),
        ("NOROSHI__SENDER__LISTEN", "127.0.0.1:0".to_owned()),
        ("NOROSHI__GUARD__ENABLED", (side == Side::With).to_string()),
        ("NOROSHI__GUARD__REPLICAS", servers.replica_url.clone()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    Ok(Config::read(None, variables)?)
}

/// Imports `users`, and grants each a coupon.
pub(super) async fn run(config: Config, users: u64) -> anyhow::Result<Took> {
    let installation = Installation::start(Process::new(config, Clock::system())).await?;
    let api = Api::at(installation.admin, installation.token.clone())?;
    let took = drive(&api, users).await;
    installation.backends.process.stop.request();
    installation.drained().await;
    took
}

async fn drive(api: &Api, users: u64) -> anyhow::Result<Took> {
    let rows = (0..users).map(|user| format!("user-{user:09}\n"));
    let file = format!("user_id\n{}", rows.collect::<String>());
    let upload = api.transfer(Method::POST, "/audiences?name=everybody");
    let upload = upload.header("content-type", "text/csv").body(file);
    let audience: Created = api.answer("the upload of the audience", upload).await?;

    let stopwatch = Stopwatch::start();
    let path = format!("/audiences/{}", audience.id);
    until(api, &path, "ready").await?;
    let import = stopwatch.elapsed();
    let plan = json!({
        "name": "to everybody",
        "audience_id": audience.id,
        "coupon": {"name": "a coupon", "stock": users},
        "message": {"default_locale": "en", "texts": {"en": {"title": "A signal", "body": "Lit."}}},
    });
    let campaign: Created = api
        .answer("the campaign", api.post("/campaigns").json(&plan))
        .await?;
    let path = format!("/campaigns/{}", campaign.id);
    let _: Value = api
        .answer("the campaign's start", api.post(&format!("{path}/start")))
        .await?;
    until(api, &path, "finished").await?;
    let whole = stopwatch.elapsed();

    let progress = api.get(&format!("{path}/progress"));
    let progress: Progress = api.answer("the campaign's progress", progress).await?;
    ensure!(
        progress.grants == users && progress.state == "finished",
        "{} of {users} coupons are granted",
        progress.grants
    );
    Ok(Took { import, whole })
}

/// Waits until what is at `path` is in that state.
async fn until(api: &Api, path: &str, state: &str) -> anyhow::Result<()> {
    #[derive(Deserialize)]
    struct Stateful {
        state: String,
    }
    loop {
        let found: Stateful = api.answer("the question for the state", api.get(path)).await?;
        ensure!(
            !["refused", "failed"].contains(&found.state.as_str()),
            "it is {}",
            found.state
        );
        if found.state == state {
            return Ok(());
        }
        tokio::time::sleep(POLL).await;
    }
}
