//! Has a report made of a campaign's recipients, and saves it.

use std::path::Path;

use runtime::{ExitCode, Process};
use serde::Deserialize;
use uuid::Uuid;

use crate::again::again;
use crate::api::{Api, Error};
use crate::table::bytes;
use crate::{download, output};

#[derive(Debug, Deserialize)]
struct Report {
    id: Uuid,
}

/// Waits until it is made.
pub(super) async fn run(api: &Api, process: &Process, id: Uuid, out: &Path) -> Result<ExitCode, Error> {
    let path = format!("/campaigns/{id}/reports");
    let report: Report = again(process, async || {
        api.answer("the request for a report", api.post(&path)).await
    })
    .await?;
    let size = download::report(api, process, &format!("{path}/{}/file", report.id), out).await?;
    output::note(format_args!(
        "The report is saved: {} ({}).",
        out.display(),
        bytes(size)
    ));
    Ok(ExitCode::Done)
}
