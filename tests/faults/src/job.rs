//! A process under test that does one job: this program once more, as the fan-out or the imports
//! of `noroshi up`, in the same loop, and nothing else.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::ValueEnum;
use runtime::job::{Nudge, Repeat};
use runtime::{Backends, Config, ConnectError, process};

/// What such a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Job {
    /// Expands what there is to expand.
    FanOut,
    /// Imports what there is to import.
    Import,
}

/// What the hidden subcommand takes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    job: Job,
    #[arg(long)]
    config: PathBuf,
}

impl Job {
    /// Such a process, to be started.
    pub(crate) fn command(self, program: &Path, settings: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .arg("job")
            .arg(self.as_str())
            .arg("--config")
            .arg(settings);
        command
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::FanOut => "fan-out",
            Self::Import => "import",
        }
    }
}

/// Does the job until it is asked to stop.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config = Config::load(Some(&arguments.config))?;
    let job = arguments.job;
    let code = process::run(config, move |process| async move {
        match repeat(job, &process).await {
            Ok(()) => runtime::ExitCode::Done,
            Err(error) => {
                noroshi::output::fault(&error);
                runtime::ExitCode::Unavailable
            }
        }
    });
    Ok(code.into())
}

async fn repeat(job: Job, process: &runtime::Process) -> Result<(), ConnectError> {
    let (backends, embedded) = Backends::connect(process).await?;
    let repeat = |interval, nudge: &Nudge| Repeat {
        name: job.as_str(),
        interval,
        nudge: nudge.clone(),
    };
    let (config, nudges) = (&process.config, &backends.nudges);
    match job {
        Job::FanOut => {
            let pass = || {
                let backends = backends.clone();
                async move { jobs::fan_out::run(&backends).await }
            };
            let repeat = repeat(config.fan_out.interval, &nudges.fan_out);
            repeat.run(process.clone(), pass).await;
        }
        Job::Import => {
            let pass = || {
                let backends = backends.clone();
                async move { jobs::import::run(&backends).await }
            };
            let repeat = repeat(config.import.interval, &nudges.import);
            repeat.run(process.clone(), pass).await;
        }
    }
    drop(backends);
    embedded.stop().await;
    Ok(())
}
