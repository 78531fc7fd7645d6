//! `noroshi up`: everything in one process, until it is asked to stop.

use runtime::config::RampUp;
use runtime::{Config, ExitCode, Failure, Process, process};

use crate::installation::Installation;
use crate::output;

/// How to run it.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct UpArguments {
    /// Datastore is warm: write to it as fast as it takes it. The same as `ramp_up = "never"` in
    /// [fan_out].
    #[arg(long)]
    warm: bool,
}

/// Runs until Ctrl-C or SIGTERM, then drains.
pub fn run(arguments: UpArguments, mut config: Config) -> ExitCode {
    if arguments.warm {
        config.fan_out.ramp_up = RampUp::Never;
    }
    process::run(config, up)
}

async fn up(process: Process) -> ExitCode {
    match Installation::start(process).await {
        Ok(installation) => {
            installation.say_where();
            installation.drained().await;
            ExitCode::Done
        }
        Err(error) => {
            output::fault(&error);
            error.exit_code()
        }
    }
}
