//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use runtime::ExitCode;

use crate::commands::audiences::{self, AudiencesArguments};
use crate::commands::campaigns::{self, CampaignsArguments};
use crate::commands::config::{self, ConfigCommand, configured};
use crate::commands::demo::{self, DemoArguments};
use crate::commands::emulator::{self, EmulatorCommand};
use crate::commands::guard::{self, GuardArguments};
use crate::commands::inconsistencies::{self, InconsistenciesArguments};
use crate::commands::keys::{self, KeysCommand};
use crate::commands::migrate::{self, MigrateCommand};
use crate::commands::quotas::{self, QuotasArguments};
use crate::commands::up::{self, UpArguments};

/// Sends push-notification campaigns: who, what and coupons in SQL, one push per recipient in
/// Datastore
#[derive(Debug, Parser)]
#[command(name = "noroshi", version, verbatim_doc_comment, after_help = after_help())]
struct Cli {
    /// Configuration file [default: ./noroshi.toml where it exists].
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

fn after_help() -> String {
    format!(
        "\
To begin: `noroshi demo` shows everything, `noroshi up` runs it, on files in ./data.

Every setting can be given as a variable too: NOROSHI__SENDER__BUDGET=45s is `budget` in [sender];
`noroshi config sample` explains them all.

{}",
        ExitCode::HELP
    )
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything in one process: API, sender, and every pass in a loop
    ///
    /// What the configuration does not place elsewhere is embedded, on files in the data
    /// directory. Ctrl-C drains and ends it. After a crash, start it again: it goes on.
    #[command(
        verbatim_doc_comment,
        after_help = "\
It says where the API listens and where its token is. What the API can do:

  curl -H \"Authorization: Bearer $(cat data/admin-token)\" http://127.0.0.1:8080/openapi.json"
    )]
    Up(UpArguments),
    /// Send a campaign with a coupon to a made-up audience, and prove what became of it
    ///
    /// Registers the campaign, imports its audience from CSV, fans it out, grants every coupon
    /// and delivers every push, to a gateway of its own that writes down what it takes: nothing
    /// leaves this machine. At the end the audience is compared with the stores and with that
    /// ledger. Exits with 0 only if nothing is lost, doubled or open.
    #[command(verbatim_doc_comment)]
    Demo(DemoArguments),
    /// Apply pending migrations to the SQL database, and list them
    ///
    /// An embedded database is migrated by itself; any other only by this command, once it is
    /// made: CREATE DATABASE noroshi COLLATE utf8mb4_bin.
    #[command(verbatim_doc_comment)]
    Migrate {
        #[command(subcommand)]
        command: Option<MigrateCommand>,
    },
    /// Look at audience files, import them, and fetch what became of their rows
    ///
    /// A file goes up in parts and is followed until it is imported; its report says of each row
    /// whether it became a recipient, and if not, why.
    #[command(
        verbatim_doc_comment,
        after_help = "\
They ask the API of a running installation: the one that this configuration describes, or any.

  noroshi audiences preview FILE      what it will be understood as
  noroshi audiences import FILE --report OUT.zip
  noroshi audiences list
  noroshi audiences report ID OUT.zip"
    )]
    Audiences(AudiencesArguments),
    /// Plan, start, follow and verify campaigns
    ///
    /// A campaign is made over the API, see `/openapi.json`. Here one sees what it will take before
    /// it is started, follows it, holds it, and has it recounted against its audience.
    #[command(
        verbatim_doc_comment,
        after_help = "\
They ask the API of a running installation: the one that this configuration describes, or any.

  noroshi campaigns list
  noroshi campaigns plan ID           what it takes, and when it would be done
  noroshi campaigns start ID
  noroshi campaigns progress ID --watch
  noroshi campaigns verify ID         every marker, push and grant, against the audience
  noroshi campaigns report ID OUT.csv what became of each recipient"
    )]
    Campaigns(CampaignsArguments),
    /// Show, explain and repair what the two databases do not agree on
    ///
    /// A coupon is granted in SQL first and made known in Datastore second. Where only the first
    /// is known to have happened, that is an inconsistency. Reconcile repairs them by itself;
    /// here one sees them, learns what one means, and has it repaired now.
    #[command(
        verbatim_doc_comment,
        after_help = "\
They ask the API of a running installation: the one that this configuration describes, or any.

  noroshi inconsistencies list
  noroshi inconsistencies explain ID
  noroshi inconsistencies list --api https://push.example --token-file token"
    )]
    Inconsistencies(InconsistenciesArguments),
    /// Show what the load guard has found, and how much it lets begin
    ///
    /// While the SQL primary, a replica of it or Datastore suffers, import, fan-out and delivery
    /// begin less, and nothing if need be.
    #[command(
        verbatim_doc_comment,
        after_help = "\
It asks the API of a running installation: the one that this configuration describes, or any.

  noroshi guard status
  noroshi guard status --json --api https://push.example --token-file token"
    )]
    Guard(GuardArguments),
    /// Show how many messages may be sent in a minute, and which sender may send how many
    ///
    /// A gateway's project has a quota that all senders share, and a campaign has one if it is not
    /// to go faster than that.
    #[command(
        verbatim_doc_comment,
        after_help = "\
It asks the API of a running installation: the one that this configuration describes, or any.

  noroshi quotas
  noroshi quotas --json --api https://push.example --token-file token"
    )]
    Quotas(QuotasArguments),
    /// Run one embedded part alone: a Datastore, a task queue, a gateway.
    #[command(subcommand)]
    Emulator(EmulatorCommand),
    /// Make the keys that gateways know Noroshi by.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Show, check or start a configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
}

/// Does what the arguments, the program's name first, ask for.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => match cli.command {
            Command::Up(arguments) => configured(cli.config.as_deref(), |config| up::run(arguments, config)),
            Command::Demo(arguments) => {
                configured(cli.config.as_deref(), |config| demo::run(arguments, config))
            }
            Command::Migrate { command } => {
                configured(cli.config.as_deref(), |config| migrate::run(command, config))
            }
            Command::Audiences(arguments) => {
                configured(cli.config.as_deref(), |config| audiences::run(arguments, config))
            }
            Command::Campaigns(arguments) => {
                configured(cli.config.as_deref(), |config| campaigns::run(arguments, config))
            }
            Command::Inconsistencies(arguments) => configured(cli.config.as_deref(), |config| {
                inconsistencies::run(arguments, config)
            }),
            Command::Guard(arguments) => {
                configured(cli.config.as_deref(), |config| guard::run(arguments, config))
            }
            Command::Quotas(arguments) => {
                configured(cli.config.as_deref(), |config| quotas::run(arguments, config))
            }
            Command::Emulator(command) => {
                configured(cli.config.as_deref(), |config| emulator::run(command, config))
            }
            Command::Keys(command) => keys::run(&command),
            Command::Config(command) => config::run(&command, cli.config.as_deref()),
        },
        Err(answer) => {
            // Nobody is left to tell when the terminal is gone.
            let _ = answer.print();
            match answer.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::Done,
                _ => ExitCode::Usage,
            }
        }
    }
}
