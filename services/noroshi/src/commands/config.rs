//! `noroshi config`: what is set, whether it is right, and how to begin.

use std::path::Path;

use clap::Subcommand;
use runtime::config::SAMPLE;
use runtime::{Config, ExitCode};

use crate::output;

/// What to do with the configuration.
#[derive(Clone, Copy, Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the effective configuration: defaults, file and variables taken together.
    ///
    /// Secrets are shown as where they come from (file:…, env:…), passwords in URLs as ***.
    Show,
    /// Say what is wrong with the configuration, each fault by the name of its setting.
    ///
    /// Starts nothing and connects to nothing. Exits with 64 if anything is wrong.
    Check,
    /// Print a configuration with every setting explained, each at its default.
    ///
    /// To begin: noroshi config sample > noroshi.toml
    Sample,
}

/// Does it, with the configuration in `file` or where it is by default.
pub fn run(command: &ConfigCommand, file: Option<&Path>) -> ExitCode {
    match command {
        ConfigCommand::Show => configured(file, |config| said(&config.redacted())),
        ConfigCommand::Check => configured(file, |_| said("The configuration is valid.\n")),
        ConfigCommand::Sample => said(SAMPLE),
    }
}

/// Runs a command with the configuration in `file`, or where it is by default.
pub fn configured(file: Option<&Path>, run: impl FnOnce(Config) -> ExitCode) -> ExitCode {
    match Config::load(file) {
        Ok(config) => run(config),
        Err(error) => {
            output::fault(&error);
            ExitCode::Usage
        }
    }
}

fn said(text: &str) -> ExitCode {
    output::text(text);
    ExitCode::Done
}
