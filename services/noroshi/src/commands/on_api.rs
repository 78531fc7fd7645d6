//! What all commands have in common that ask the API.

use clap::Args;
use reqwest::RequestBuilder;
use runtime::{Config, ExitCode, Failure, Process, process};
use serde::de::DeserializeOwned;

use crate::api::{Api, ApiArguments, Document, Error};
use crate::output;

/// Does it, on the API that the arguments or the configuration name, until it is done or the
/// process is asked to stop.
pub(super) fn run(
    arguments: ApiArguments,
    config: Config,
    perform: impl AsyncFnOnce(Api, Process) -> Result<ExitCode, Error>,
) -> ExitCode {
    process::run(config, |process| async move {
        let done = async {
            let api = arguments.connect(&process.config)?;
            perform(api, process.clone()).await
        };
        let done = tokio::select! {
            done = done => done,
            () = process.stop.requested() => return ExitCode::TryAgain,
        };
        done.unwrap_or_else(|error| {
            output::fault(&error);
            if let Some(advice) = error.advice() {
                output::note(advice);
            }
            error.exit_code()
        })
    })
}

/// Which page of a list is asked for, and how it is printed.
#[derive(Clone, Debug, Args)]
pub(super) struct PageArguments {
    /// How many at most, 1 to 500.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Go on where another list ended.
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// Print the API's page as one JSON document.
    #[arg(long)]
    json: bool,
}

impl PageArguments {
    /// Prints that page of what is asked for as it is, or what `words` makes of it.
    pub(super) async fn show<T: DeserializeOwned>(
        &self,
        api: &Api,
        what: &'static str,
        request: RequestBuilder,
        words: impl FnOnce(&T) -> String,
    ) -> Result<ExitCode, Error> {
        let request = request
            .query(&[("limit", self.limit)])
            .query(&[("cursor", &self.cursor)]);
        show(&api.document(what, request).await?, self.json, words)
    }
}

/// Prints the document as it is, or what `words` makes of it.
pub(super) fn show<T: DeserializeOwned>(
    document: &Document,
    json: bool,
    words: impl FnOnce(&T) -> String,
) -> Result<ExitCode, Error> {
    if json {
        output::line(document.text());
    } else {
        output::line(words(&document.read()?));
    }
    Ok(ExitCode::Done)
}
