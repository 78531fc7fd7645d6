//! `noroshi campaigns`: plan, start, follow, hold and verify campaigns.
//!
//! The commands ask the HTTP API of a running installation. `--json` prints the API's documents as
//! they are; without it one reads tables and sentences, and what can be done next.

mod outlook;
mod progress;
mod report;
mod text;
mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use runtime::{Config, ExitCode, Process};
use uuid::Uuid;

use super::on_api::{self, PageArguments, show};
use crate::api::{Api, ApiArguments, Error};
use outlook::Outlook;
use text::{Campaign, Page};

/// What to do with campaigns, and where.
#[derive(Clone, Debug, Args)]
pub struct CampaignsArguments {
    #[command(subcommand)]
    command: CampaignsCommand,
    #[command(flatten)]
    api: ApiArguments,
}

/// What to do with campaigns.
#[derive(Clone, Debug, Subcommand)]
enum CampaignsCommand {
    /// List them, newest first.
    List(PageArguments),
    /// Show one: what was decided, and where it stands.
    Show(OneArguments),
    /// Tell what one takes, and when it will be done
    ///
    /// Before its start and while it runs: entities read and written, tasks, rows of SQL; when the
    /// last push is made and when it is delivered, at present rates, under Google's ramp and other
    /// limits; who is due when; and who would expire before. Each rate says where it comes from.
    #[command(verbatim_doc_comment)]
    Plan(OneArguments),
    /// Tell how far one is, and what keeps it from being finished.
    Progress(ProgressArguments),
    /// Recount one against its audience: every marker, every push, the totals, the grants
    ///
    /// Exits with 0 if everything is there and final, with 70 if anything is wrong, and with 75 if
    /// nothing is wrong and something is not there yet. The campaign may run meanwhile.
    #[command(verbatim_doc_comment)]
    Verify(VerifyArguments),
    /// Have a report made of what became of each recipient, and fetch it: CSV
    ///
    /// It tells of each chunk as it stands when its turn comes; the campaign may run meanwhile.
    #[command(verbatim_doc_comment)]
    Report(ReportArguments),
    /// Start a draft, or a scheduled one now; what is to be sent later still is.
    Start(OneArguments),
    /// Hold a running one: nothing of it is handed to a gateway after the answer.
    Pause(OneArguments),
    /// Let a paused one go on.
    Resume(OneArguments),
    /// End one for good: what is not sent reads as cancelled.
    Cancel(OneArguments),
}

#[derive(Clone, Copy, Debug, Args)]
struct OneArguments {
    /// The campaign, as `list` names it.
    id: Uuid,
    /// Print the API's answer as one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, Args)]
struct ProgressArguments {
    #[command(flatten)]
    one: OneArguments,
    /// Follow it until it has ended; with --json, a document a line each time it has changed.
    #[arg(long)]
    watch: bool,
}

#[derive(Clone, Copy, Debug, Args)]
struct VerifyArguments {
    /// The campaign, as `list` names it.
    id: Uuid,
    /// Chunks of one request, 1 to 64.
    #[arg(long, value_name = "N", default_value_t = 32)]
    chunks: u32,
    /// Print the API's pages, a JSON document a line.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, Args)]
struct ReportArguments {
    /// The campaign, as `list` names it.
    id: Uuid,
    /// Where to save it.
    #[arg(value_name = "OUT.csv")]
    out: PathBuf,
}

/// Does it, on the API that the arguments or the configuration name.
pub fn run(arguments: CampaignsArguments, config: Config) -> ExitCode {
    let CampaignsArguments { command, api } = arguments;
    on_api::run(api, config, async |api, process| {
        perform(&api, &process, command).await
    })
}

async fn perform(api: &Api, process: &Process, command: CampaignsCommand) -> Result<ExitCode, Error> {
    match command {
        CampaignsCommand::List(page) => {
            let (what, request) = ("the question for campaigns", api.get("/campaigns"));
            page.show(api, what, request, |page: &Page| text::list(page))
                .await
        }
        CampaignsCommand::Show(OneArguments { id, json }) => {
            let request = api.get(&format!("/campaigns/{id}"));
            let shown = api.document("the question for the campaign", request).await?;
            show(&shown, json, |campaign: &Campaign| text::show(campaign))
        }
        CampaignsCommand::Plan(OneArguments { id, json }) => {
            let request = api.get(&format!("/campaigns/{id}/plan"));
            let planned = api.document("the question for the plan", request).await?;
            show(&planned, json, |outlook: &Outlook| outlook.to_string())
        }
        CampaignsCommand::Progress(ProgressArguments { one, watch }) => {
            progress::run(api, process, one, watch).await
        }
        CampaignsCommand::Verify(arguments) => verify::run(api, process, arguments).await,
        CampaignsCommand::Report(ReportArguments { id, out }) => report::run(api, process, id, &out).await,
        CampaignsCommand::Start(one) => turn(api, one, "start").await,
        CampaignsCommand::Pause(one) => turn(api, one, "pause").await,
        CampaignsCommand::Resume(one) => turn(api, one, "resume").await,
        CampaignsCommand::Cancel(one) => turn(api, one, "cancel").await,
    }
}

/// Has the campaign started, paused, resumed or cancelled.
async fn turn(api: &Api, one: OneArguments, transition: &str) -> Result<ExitCode, Error> {
    let OneArguments { id, json } = one;
    let request = api.post(&format!("/campaigns/{id}/{transition}"));
    let turned = api.document("the request", request).await?;
    show(&turned, json, |campaign: &Campaign| text::turned(campaign))
}
