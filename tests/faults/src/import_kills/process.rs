//! One process under test: this program once more, as the imports of `noroshi up` and nothing else.

use std::path::PathBuf;
use std::process::ExitCode;

use runtime::job::Repeat;
use runtime::{Backends, Config, ConnectError, process};

/// What the hidden subcommand takes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[arg(long)]
    config: PathBuf,
}

/// Imports what there is to import, until it is asked to stop.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config = Config::load(Some(&arguments.config))?;
    let code = process::run(config, |process| async move {
        match import(&process).await {
            Ok(()) => runtime::ExitCode::Done,
            Err(error) => {
                noroshi::output::fault(&error);
                runtime::ExitCode::Unavailable
            }
        }
    });
    Ok(code.into())
}

async fn import(process: &runtime::Process) -> Result<(), ConnectError> {
    let (backends, embedded) = Backends::connect(process).await?;
    let repeat = Repeat {
        name: "import",
        interval: process.config.import.interval,
        nudge: backends.nudges.import.clone(),
    };
    repeat
        .run(process.clone(), || {
            let backends = backends.clone();
            async move { jobs::import::run(&backends).await }
        })
        .await;
    drop(backends);
    embedded.stop().await;
    Ok(())
}
