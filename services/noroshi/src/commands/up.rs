//! `noroshi up`: everything in one process, until it is asked to stop.

use runtime::token::Token;
use runtime::{Config, ExitCode, Failure, Process, process};

use crate::installation::Installation;
use crate::output;

/// Runs until Ctrl-C or SIGTERM, then drains.
pub fn run(config: Config) -> ExitCode {
    process::run(config, up)
}

async fn up(process: Process) -> ExitCode {
    let data = process.config.data.dir.display().to_string();
    match Installation::start(process).await {
        Ok(installation) => {
            output::note(format_args!(
                "The API listens on http://{}/v1 (see /openapi.json).",
                installation.admin
            ));
            let token = match &installation.token {
                Token::Generated(_) => format!("Its token was made just now and is in {data}/admin-token."),
                Token::Kept(token) => format!("Its token: {}.", token.reference()),
            };
            output::note(token);
            output::note("Ctrl-C ends it, after a drain; twice, at once. Nothing is lost either way.");
            installation.drained().await;
            ExitCode::Done
        }
        Err(error) => {
            output::fault(&error);
            error.exit_code()
        }
    }
}
