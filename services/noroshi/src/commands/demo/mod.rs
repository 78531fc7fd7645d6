//! `noroshi demo`: one campaign from its audience file to the last push, and the proof.
//!
//! The same installation as that of `noroshi up` is started, and then used over its API as its
//! owner would use it. At the end, the audience is compared with what the stores and the
//! gateway's ledger hold; only if nothing is lost, doubled or open is the demo done.

mod api;
mod balance;
mod devices;
mod error;
mod generator;
mod journey;
mod message;
mod report;
mod settings;
mod source;
mod verify;

use std::path::PathBuf;

use clap::Args;
use runtime::{Config, ExitCode, Failure, LEDGER, Process, process};

use crate::api::Api;
use crate::installation::Installation;
use crate::memory::peak_rss_bytes;
use crate::output;
use crate::progress::Progress;
use api::DemoApi;
use error::Error;
use journey::Journey;
use message::Coupon;
use report::Report;
use settings::{Afterwards, DataDir, of_demo};
use source::Source;
use verify::{Subject, verify};

/// How the demo is to be.
#[derive(Clone, Debug, Args)]
pub struct DemoArguments {
    /// How many users to make up.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    users: u64,
    /// Take the audience from this CSV file instead: a header with a column user_id, and where
    /// it has them time_zone, locale and variables for the message, such as name
    #[arg(long, verbatim_doc_comment, value_name = "FILE", conflicts_with = "users")]
    csv: Option<PathBuf>,
    /// Send a campaign without a coupon.
    #[arg(long)]
    no_coupon: bool,
    /// Keep everything on files in this directory [default: a temporary one, which is deleted].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Leave everything running afterwards, until Ctrl-C, and say where.
    #[arg(long)]
    serve: bool,
    /// Print the outcome as one JSON object on standard output, and nothing else there.
    #[arg(long)]
    json: bool,
}

impl DemoArguments {
    fn source(&self) -> Source {
        match &self.csv {
            Some(file) => Source::File(file.clone()),
            None => Source::Generated(self.users),
        }
    }

    fn coupon(&self) -> Coupon {
        if self.no_coupon {
            Coupon::None
        } else {
            Coupon::ForAll
        }
    }

    fn afterwards(&self) -> Afterwards {
        if self.serve {
            Afterwards::Serve
        } else {
            Afterwards::Stop
        }
    }
}

/// Whether everything adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Balance {
    Holds,
    DoesNot,
}

/// Runs the demo to its end, and says whether its balance holds.
pub fn run(arguments: DemoArguments, config: Config) -> ExitCode {
    let data = match DataDir::open(arguments.data.clone()) {
        Ok(data) => data,
        Err(error) => return failed(&error),
    };
    let config = of_demo(config, data.path(), arguments.afterwards());
    let code = process::run(config, |process| demo(arguments, process));
    if code == ExitCode::Fault {
        output::note(format_args!("Its files are in {}.", data.keep().display()));
    }
    code
}

async fn demo(arguments: DemoArguments, process: Process) -> ExitCode {
    let stop = process.stop.clone();
    let installation = match Installation::start(process).await {
        Ok(installation) => installation,
        Err(error) => return failed(&error.into()),
    };
    let outcome = tokio::select! {
        outcome = perform(&arguments, &installation) => outcome,
        () = stop.requested() => Err(Error::Interrupted),
    };
    let code = match outcome {
        Ok(Balance::Holds) => ExitCode::Done,
        Ok(Balance::DoesNot) => ExitCode::Fault,
        Err(error) => failed(&error),
    };
    match arguments.afterwards() {
        Afterwards::Serve if !stop.is_requested() => installation.say_where(),
        Afterwards::Serve | Afterwards::Stop => stop.request(),
    }
    installation.drained().await;
    code
}

/// The whole demo on an installation that runs.
async fn perform(arguments: &DemoArguments, installation: &Installation) -> Result<Balance, Error> {
    let backends = &installation.backends;
    let progress = Progress::on_stderr(backends.process.clock.clone());
    let mut journey = Journey {
        api: DemoApi(Api::at(installation.admin, installation.token.clone())?),
        backends,
        progress: &progress,
        stages: Vec::new(),
    };
    let audience = journey.import(&arguments.source()).await?;
    journey.register_devices(&audience).await?;
    let (campaign, told) = journey.run_campaign(&audience, arguments.coupon()).await?;

    let subject = Subject {
        campaign,
        audience: audience.id,
        chunk_count: audience.told.chunk_count,
        ledger: backends.process.config.data.dir.join(LEDGER),
    };
    let stage = progress.stage("verify", audience.told.accepted);
    let truth = verify(backends, &subject, &stage).await?;
    journey.stages.push(("verify", stage.finish(truth.audience)));
    let report = Report {
        rejected: audience.told.rejected,
        truth,
        inconsistencies_open: database::inconsistency::count_open(&backends.db).await?,
        stages: journey.stages,
        peak_rss_bytes: peak_rss_bytes(),
    };
    if arguments.json {
        output::line(report.json());
    } else {
        output::line(format_args!("\n{report}\n"));
    }
    let violations = balance::violations(&report, &told, arguments.coupon());
    for violation in &violations {
        output::note(format_args!("The balance does not hold: {violation}."));
    }
    if violations.is_empty() {
        output::note("The balance holds: nothing is lost, nothing doubled.");
        Ok(Balance::Holds)
    } else {
        Ok(Balance::DoesNot)
    }
}

fn failed(error: &Error) -> ExitCode {
    output::fault(error);
    error.exit_code()
}
