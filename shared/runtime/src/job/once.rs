//! One pass, as a program.
//!
//! `noroshi-NAME [--config FILE]`, for cron and its like: needs no arguments, says how it went in
//! the log and in its exit code.

use std::ffi::OsString;
use std::fmt::Display;
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
            Err(error) => refuse(causes(&error)),
        },
        Ok(Arguments::Help) => {
            say(std::io::stdout(), help(name));
            ExitCode::Done
        }
        Err(fault) => refuse(format_args!("{fault}\nUsage: noroshi-{name} [--config FILE]")),
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

fn help(name: &str) -> String {
    format!(
        "\
Runs the {name} pass until nothing is left for it to do, and exits. A repeat is harmless, also
while `noroshi up` runs elsewhere.

Usage: noroshi-{name} [--config FILE]

  --config FILE  Configuration file [default: ./noroshi.toml where it exists]
  -h, --help     Print help

{}",
        ExitCode::HELP
    )
}

/// As plain text: there is no log before there is a configuration.
fn refuse(fault: impl Display) -> ExitCode {
    say(std::io::stderr(), fault);
    ExitCode::Usage
}

fn say(mut to: impl Write, text: impl Display) {
    // Nobody is left to tell when the reader has gone.
    let _ = writeln!(to, "{text}");
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
