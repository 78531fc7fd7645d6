//! `noroshi audiences`: look at a file, import it, fetch what became of its rows.
//!
//! The commands ask the HTTP API of a running installation. `--json` prints the API's documents as
//! they are; without it one reads tables and sentences, and what can be done next.

mod file;
mod follow;
mod import;
mod preview;
mod text;
mod upload;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use runtime::{Config, ExitCode, Process};
use uuid::Uuid;

use super::on_api::{self, PageArguments, show};
use crate::api::{Api, ApiArguments, Error};
use crate::download;
use crate::output;
use text::{Audience, Page};

/// What to do with audiences, and where.
#[derive(Clone, Debug, Args)]
pub struct AudiencesArguments {
    #[command(subcommand)]
    command: AudiencesCommand,
    #[command(flatten)]
    api: ApiArguments,
}

/// What to do with audiences.
#[derive(Clone, Debug, Subcommand)]
enum AudiencesCommand {
    /// Upload a file, wait until it is imported, and say what became of its rows
    ///
    /// The file is CSV, or a ZIP with one CSV in it, with a column `user_id`. It goes up in parts of
    /// 1 MiB, so that no proxy cuts it off; a part that fails is sent again. Exits with 0 once the
    /// audience is ready, and with 64 if the file is refused.
    #[command(
        verbatim_doc_comment,
        after_help = "\
  noroshi audiences preview users.csv
  noroshi audiences import users.csv --name \"Everybody\" --report users-report.zip
  noroshi audiences import users.csv --resume ID       go on with an upload that broke off"
    )]
    Import(ImportArguments),
    /// Show what a file will be understood as, before anything of it is imported
    ///
    /// Its encoding, delimiter and columns, the first rows, and those that would be rejected; with
    /// --campaign, the variables of its message that the file does not have. Exits with 64 if the
    /// file can never be an audience.
    #[command(verbatim_doc_comment)]
    Preview(PreviewArguments),
    /// List them, newest first.
    List(PageArguments),
    /// Show one: where it stands, and what became of its rows.
    Show(OneArguments),
    /// Fetch the report of one: a ZIP with a line for each row of its file
    ///
    /// What is fetched already is not fetched again when the line breaks.
    #[command(verbatim_doc_comment)]
    Report(ReportArguments),
}

#[derive(Clone, Debug, Args)]
struct ImportArguments {
    /// The file.
    file: PathBuf,
    /// For people [default: the file's name].
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    settings: SettingsArguments,
    #[command(flatten)]
    version: VersionArguments,
    /// Save the report there, once the import is over.
    #[arg(long, value_name = "OUT.zip")]
    report: Option<PathBuf>,
    /// Go on with that upload, which broke off.
    #[arg(long, value_name = "ID")]
    resume: Option<Uuid>,
    /// Print the audience as one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, Args)]
struct PreviewArguments {
    /// The file.
    file: PathBuf,
    #[command(flatten)]
    settings: SettingsArguments,
    /// Compare its columns with the message of this campaign.
    #[arg(long, value_name = "ID")]
    campaign: Option<Uuid>,
    /// Print the API's answer as one JSON document.
    #[arg(long)]
    json: bool,
}

/// Of which audience the file makes a new version. That one stays as it is, and so do campaigns to it.
#[derive(Clone, Copy, Debug, Args)]
#[group(multiple = false)]
struct VersionArguments {
    /// The file's recipients and those of this audience; of who is in both, the file's row counts.
    #[arg(long, value_name = "ID")]
    add_to: Option<Uuid>,
    /// Those of this audience who are not in the file.
    #[arg(long, value_name = "ID")]
    subtract_from: Option<Uuid>,
    /// The file's recipients alone, as a new version of this audience.
    #[arg(long, value_name = "ID")]
    replace: Option<Uuid>,
}

impl VersionArguments {
    /// The API's word for what the file does, and with which audience.
    fn mode(self) -> Option<(&'static str, Uuid)> {
        let modes = [
            ("add", self.add_to),
            ("subtract", self.subtract_from),
            ("replace", self.replace),
        ];
        modes.into_iter().find_map(|(mode, base)| Some((mode, base?)))
    }
}

/// What is said about a file beside it.
#[derive(Clone, Copy, Debug, Args)]
struct SettingsArguments {
    /// What separates its fields [default: found from its header].
    #[arg(long, value_enum)]
    delimiter: Option<Delimiter>,
    /// How it is written [default: found from its start].
    #[arg(long, value_enum)]
    encoding: Option<Encoding>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Delimiter {
    Comma,
    Tab,
    Semicolon,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Encoding {
    #[value(name = "utf-8")]
    Utf8,
    #[value(name = "utf-16")]
    Utf16,
    #[value(name = "shift_jis")]
    ShiftJis,
}

impl SettingsArguments {
    /// As the API names them.
    fn words(self) -> [(&'static str, Option<String>); 2] {
        let word = |value: &dyn Fn() -> Option<clap::builder::PossibleValue>| {
            value().map(|value| value.get_name().to_owned())
        };
        [
            ("delimiter", word(&|| self.delimiter?.to_possible_value())),
            ("encoding", word(&|| self.encoding?.to_possible_value())),
        ]
    }
}

#[derive(Clone, Copy, Debug, Args)]
struct OneArguments {
    /// The audience, as `list` names it.
    id: Uuid,
    /// Print the API's answer as one JSON document.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Debug, Args)]
struct ReportArguments {
    /// The audience, as `list` names it.
    id: Uuid,
    /// Where to save it.
    #[arg(value_name = "OUT.zip")]
    out: PathBuf,
}

/// Does it, on the API that the arguments or the configuration name.
pub fn run(arguments: AudiencesArguments, config: Config) -> ExitCode {
    let AudiencesArguments { command, api } = arguments;
    on_api::run(api, config, async |api, process| {
        perform(&api, &process, command).await
    })
}

async fn perform(api: &Api, process: &Process, command: AudiencesCommand) -> Result<ExitCode, Error> {
    match command {
        AudiencesCommand::Import(arguments) => import::run(api, process, arguments).await,
        AudiencesCommand::Preview(arguments) => preview::run(api, arguments).await,
        AudiencesCommand::List(page) => {
            let (what, request) = ("the question for audiences", api.get("/audiences"));
            page.show(api, what, request, |page: &Page| text::list(page))
                .await
        }
        AudiencesCommand::Show(OneArguments { id, json }) => {
            let request = api.get(&format!("/audiences/{id}"));
            let shown = api.document("the question for the audience", request).await?;
            show(&shown, json, |audience: &Audience| text::show(audience))
        }
        AudiencesCommand::Report(ReportArguments { id, out }) => {
            let size = download::report(api, process, &format!("/audiences/{id}/report"), &out).await?;
            output::note(text::saved(&out, size));
            Ok(ExitCode::Done)
        }
    }
}
