//! From a file on this machine to an audience, and to the report of its rows.

use runtime::{ExitCode, Process};
use uuid::Uuid;

use super::{ImportArguments, follow, text, upload};
use crate::api::{Api, Error};
use crate::progress::Progress;
use crate::{download, output};

/// Uploads, waits, saves the report.
pub(super) async fn run(api: &Api, process: &Process, arguments: ImportArguments) -> Result<ExitCode, Error> {
    let bars = Progress::on_stderr(process.clock.clone());
    let audience = upload::run(api, process, &bars, &arguments).await?;
    let progress = follow::run(api, process, &bars, audience).await?;
    if arguments.json {
        let request = api.get(&format!("/audiences/{audience}"));
        output::line(
            api.document("the question for the audience", request)
                .await?
                .text(),
        );
    } else {
        output::line(text::imported(audience, &progress));
    }
    if progress.state == "ready" {
        save_report(api, process, &arguments, audience).await?;
        return Ok(ExitCode::Done);
    }
    Ok(ExitCode::Usage)
}

async fn save_report(
    api: &Api,
    process: &Process,
    arguments: &ImportArguments,
    audience: Uuid,
) -> Result<(), Error> {
    if let Some(out) = &arguments.report {
        let size = download::report(api, process, &format!("/audiences/{audience}/report"), out).await?;
        output::note(text::saved(out, size));
    }
    Ok(())
}
