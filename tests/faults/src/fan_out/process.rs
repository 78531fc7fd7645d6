//! One process under test: this program once more, as the fan-out of `noroshi up` and nothing else.

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

/// Expands what there is to expand, until it is asked to stop.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config = Config::load(Some(&arguments.config))?;
    let code = process::run(config, |process| async move {
        match expand(&process).await {
            Ok(()) => runtime::ExitCode::Done,
            Err(error) => {
                noroshi::output::fault(&error);
                runtime::ExitCode::Unavailable
            }
        }
    });
    Ok(code.into())
}

async fn expand(process: &runtime::Process) -> Result<(), ConnectError> {
    let (backends, embedded) = Backends::connect(process).await?;
    let repeat = Repeat {
        name: "fan-out",
        interval: process.config.fan_out.interval,
        nudge: backends.nudges.fan_out.clone(),
    };
    repeat
        .run(process.clone(), || {
            let backends = backends.clone();
            async move { jobs::fan_out::run(&backends).await }
        })
        .await;
    drop(backends);
    embedded.stop().await;
    Ok(())
}
