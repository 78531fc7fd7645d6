//! `noroshi up`: everything in one process, until it is asked to stop.

use runtime::{Config, ExitCode, Failure, Process, process};

use crate::installation::Installation;
use crate::output;

/// Runs until Ctrl-C or SIGTERM, then drains.
pub fn run(config: Config) -> ExitCode {
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
