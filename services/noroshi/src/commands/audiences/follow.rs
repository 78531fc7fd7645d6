//! Follows an import to its end.

use std::collections::BTreeMap;
use std::time::Duration;

use runtime::Process;
use serde::Deserialize;
use uuid::Uuid;

use crate::again::again;
use crate::api::{Api, Error};
use crate::progress::Progress;

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(500);

/// How far an import is.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ImportProgress {
    pub(super) state: String,
    pub(super) refusal: Option<String>,
    uploaded_bytes: u64,
    read_bytes: u64,
    pub(super) rows: u64,
    pub(super) accepted: u64,
    pub(super) rejected: BTreeMap<String, u64>,
}

impl ImportProgress {
    fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "ready" | "refused" | "cancelled")
    }
}

/// Waits until it is over, with a bar.
pub(super) async fn run(
    api: &Api,
    process: &Process,
    bars: &Progress,
    audience: Uuid,
) -> Result<ImportProgress, Error> {
    let path = format!("/audiences/{audience}/progress");
    let what = "the question for the import's progress";
    let mut stage = None;
    loop {
        let progress: ImportProgress =
            again(process, async || api.answer(what, api.get(&path)).await).await?;
        let bar = stage.get_or_insert_with(|| bars.stage("import", progress.uploaded_bytes));
        bar.set(progress.read_bytes);
        if progress.is_over() {
            if let Some(stage) = stage {
                stage.finish(progress.read_bytes);
            }
            return Ok(progress);
        }
        process.clock.sleep(EVERY).await;
    }
}
