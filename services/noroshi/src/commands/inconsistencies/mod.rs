//! `noroshi inconsistencies`: what the two databases do not agree on, and its repair.
//!
//! The commands ask the HTTP API of a running installation. `--json` prints the API's document
//! as it is; without it one reads tables and sentences, and what can be done next.

mod explanation;
mod export;
mod text;
mod view;

use clap::{Args, Subcommand, ValueEnum};
use runtime::{Config, ExitCode};
use uuid::Uuid;

use super::on_api::{self, PageArguments, show};
use crate::api::{Api, ApiArguments, Error};
use explanation::Explanation;
use export::ExportArguments;
use view::{History, Page};

/// What to do with inconsistencies, and where.
#[derive(Clone, Debug, Args)]
pub struct InconsistenciesArguments {
    #[command(subcommand)]
    command: InconsistenciesCommand,
    #[command(flatten)]
    api: ApiArguments,
}

/// What to do with inconsistencies.
#[derive(Clone, Debug, Subcommand)]
enum InconsistenciesCommand {
    /// List them, oldest first; those that are not repaired, unless --state says otherwise.
    List(ListArguments),
    /// Show one, and what became of it.
    Show(OneArguments),
    /// Tell what both databases hold of one, what that means, and what a repair would do.
    Explain(OneArguments),
    /// Have one repaired now; one that was given up is opened again
    ///
    /// Waits a few seconds for the repair. Exits with 75 if it is still open then, which the next
    /// pass of reconcile will change, and with 70 if it was given up again.
    #[command(verbatim_doc_comment)]
    Repair(OneArguments),
    /// Write all of them to standard output, as CSV or JSON lines.
    Export(ExportArguments),
}

/// Which inconsistencies.
#[derive(Clone, Debug, Args)]
struct FilterArguments {
    /// Those in this state only.
    #[arg(long, value_enum, value_name = "STATE")]
    state: Option<State>,
    /// Those of this campaign only.
    #[arg(long, value_name = "ID")]
    campaign: Option<Uuid>,
}

/// States that can be asked for.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    /// Open and dead ones.
    Unrepaired,
    /// Reconcile is on them.
    Open,
    /// Both databases agree again.
    Repaired,
    /// They were given up; a person must look.
    Dead,
    /// Every one there ever was.
    All,
}

#[derive(Clone, Debug, Args)]
struct ListArguments {
    #[command(flatten)]
    filter: FilterArguments,
    #[command(flatten)]
    page: PageArguments,
}

#[derive(Clone, Debug, Args)]
struct OneArguments {
    /// The inconsistency, as `list` names it.
    id: Uuid,
    /// Print the API's answer as one JSON document.
    #[arg(long)]
    json: bool,
}

/// Does it, on the API that the arguments or the configuration name.
pub fn run(arguments: InconsistenciesArguments, config: Config) -> ExitCode {
    let InconsistenciesArguments { command, api } = arguments;
    on_api::run(api, config, async |api, _| perform(&api, command).await)
}

async fn perform(api: &Api, command: InconsistenciesCommand) -> Result<ExitCode, Error> {
    match command {
        InconsistenciesCommand::List(arguments) => list(api, arguments).await,
        InconsistenciesCommand::Show(OneArguments { id, json }) => {
            let path = format!("/inconsistencies/{id}");
            let shown = api.document("the question for the inconsistency", api.get(&path));
            show(&shown.await?, json, |history: &History| text::show(history))
        }
        InconsistenciesCommand::Explain(OneArguments { id, json }) => {
            let path = format!("/inconsistencies/{id}/explanation");
            let explained = api.document("the question for the explanation", api.get(&path));
            show(&explained.await?, json, |explanation: &Explanation| {
                explanation.to_string()
            })
        }
        InconsistenciesCommand::Repair(OneArguments { id, json }) => repair(api, id, json).await,
        InconsistenciesCommand::Export(arguments) => export::run(api, arguments).await,
    }
}

async fn list(api: &Api, arguments: ListArguments) -> Result<ExitCode, Error> {
    let ListArguments { filter, page } = arguments;
    let request = api.get("/inconsistencies").query(&filter.parameters());
    page.show(api, "the question for inconsistencies", request, |page: &Page| {
        text::list(page)
    })
    .await
}

async fn repair(api: &Api, id: Uuid, json: bool) -> Result<ExitCode, Error> {
    let request = api.post(&format!("/inconsistencies/{id}/repair"));
    let answered = api.document("the request for a repair", request).await?;
    let history: History = answered.read()?;
    show(&answered, json, text::repair)?;
    Ok(match history.inconsistency.state.as_str() {
        "repaired" => ExitCode::Done,
        "dead" => ExitCode::Fault,
        _ => ExitCode::TryAgain,
    })
}

impl FilterArguments {
    /// The same as parameters of the API.
    fn parameters(&self) -> Vec<(&'static str, String)> {
        let state = self.state.map(|state| match state {
            State::Unrepaired => "unrepaired",
            State::Open => "open",
            State::Repaired => "repaired",
            State::Dead => "dead",
            State::All => "all",
        });
        let state = state.map(|state| ("state", state.to_owned()));
        let campaign = self.campaign.map(|campaign| ("campaign", campaign.to_string()));
        state.into_iter().chain(campaign).collect()
    }
}
