//! One pass, as a program.
//!
//! `noroshi-NAME [--config FILE]`, for cron and its like: needs no arguments, says how it went in
//! one line and in its exit code.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use super::{Broken, Report, observe};
use crate::config::Config;
use crate::exit::{ExitCode, Failure};
use crate::process::{self, Process};
use crate::telemetry::causes;

/// The whole of a job's `main`: reads the command line and the configuration, runs `pass` to its
/// end, and says how it went. The pass connects to what it needs.
pub fn main<R, E, F, Fut>(name: &'static str, pass: F) -> std::process::ExitCode
where
    F: FnOnce(Process) -> Fut,
    Fut: Future<Output = Result<R, E>>,
    R: Report,
    E: Failure,
{
    let code = match arguments(std::env::args_os().skip(1)) {
        Ok(Arguments::Run(file)) => match Config::load(file.as_deref()) {
            Ok(config) => process::run(config, |process| async move { once(name, &process, pass).await }),
            Err(error) => refuse(&causes(&error).to_string()),
        },
        Ok(Arguments::Help) => {
            say(&format!(
                "Runs one {name} pass and exits.\n\nUsage: noroshi-{name} [--config FILE]"
            ));
            ExitCode::Done
        }
        Err(fault) => refuse(&format!("{fault}\nUsage: noroshi-{name} [--config FILE]")),
    };
    code.into()
}

/// Runs one pass in a process that is there, and gives the exit code that belongs to its end.
pub async fn once<R, E, F, Fut>(name: &'static str, process: &Process, pass: F) -> ExitCode
where
    F: FnOnce(Process) -> Fut,
    Fut: Future<Output = Result<R, E>>,
    R: Report,
    E: Failure,
{
    match observe(name, &process.clock, async { pass(process.clone()).await }).await {
        Ok(_) => ExitCode::Done,
        Err(Broken::Failed(error)) => error.exit_code(),
        Err(Broken::Panicked(_)) => ExitCode::Fault,
    }
}

#[derive(Debug, PartialEq)]
enum Arguments {
    Run(Option<PathBuf>),
    Help,
}

fn arguments(given: impl IntoIterator<Item = OsString>) -> Result<Arguments, String> {
    let mut given = given.into_iter();
    match (given.next(), given.next(), given.next()) {
        (None, ..) => Ok(Arguments::Run(None)),
        (Some(flag), Some(file), None) if flag == "--config" => Ok(Arguments::Run(Some(file.into()))),
        (Some(flag), None, None) if flag == "--help" || flag == "-h" => Ok(Arguments::Help),
        (Some(flag), None, None) if flag == "--config" => Err("--config needs a FILE".to_owned()),
        (Some(other), ..) => Err(format!("unexpected argument {}", other.display())),
    }
}

fn refuse(fault: &str) -> ExitCode {
    say(fault);
    ExitCode::Usage
}

/// To standard error, as plain text: there is no log before there is a configuration.
fn say(text: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_takes_a_configuration_file_and_nothing_else() {
        let read = |words: &[&str]| arguments(words.iter().map(OsString::from));

        assert_eq!(read(&[]), Ok(Arguments::Run(None)));
        assert_eq!(
            read(&["--config", "a.toml"]),
            Ok(Arguments::Run(Some("a.toml".into())))
        );
        assert_eq!(read(&["--help"]), Ok(Arguments::Help));
        assert_eq!(read(&["--config"]), Err("--config needs a FILE".to_owned()));
        assert_eq!(
            read(&["--since", "1h"]),
            Err("unexpected argument --since".to_owned())
        );
    }
}
