//! The configuration: one TOML file, and `NOROSHI__SECTION__KEY` variables over it.
//!
//! It is read once, typed, and checked before anything is started; every fault names its
//! setting. A [`Config`] in hand is valid and its secrets are readable, and printing one never
//! prints a secret. `noroshi.sample.toml` explains every setting.

mod check;
mod database_url;
mod duration;
mod endpoint;
mod error;
mod google;
mod overlay;
mod secret;
mod sections;

use std::ffi::OsString;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::Table;

pub use database_url::DatabaseUrl;
pub use endpoint::{Endpoint, HttpUrl};
pub use error::{ConfigError, Fault};
pub use secret::Secret;
pub use sections::{
    Admin, Apns, Concurrency, Data, Database, Datastore, Dispatch, FanOut, Fcm, Feedback, Files, Guard,
    Import, Log, LogFormat, Provider, Prune, Queue, RampUp, Reconcile, Retry, Sender, WebPush,
};

/// A configuration with every setting explained, each at its default.
pub const SAMPLE: &str = include_str!("../../../../noroshi.sample.toml");

/// Every setting. The default runs everything embedded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub data: Data,
    pub database: Database,
    pub files: Files,
    pub datastore: Datastore,
    pub queue: Queue,
    pub provider: Provider,
    pub sender: Sender,
    pub admin: Admin,
    pub import: Import,
    pub fan_out: FanOut,
    pub dispatch: Dispatch,
    pub reconcile: Reconcile,
    pub prune: Prune,
    pub feedback: Feedback,
    pub guard: Guard,
    pub retry: Retry,
    pub log: Log,
}

impl Config {
    /// Reads `file`, or without one `./noroshi.toml` where that exists, and the process's
    /// environment over it.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let default = Path::new("noroshi.toml");
        let file = file.or_else(|| default.exists().then_some(default));
        // A value that is not UTF-8 is kept, changed: its setting's rule refuses it by name.
        let text = |value: OsString| value.to_string_lossy().into_owned();
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, text(value))));
        Self::read(file, environment)
    }

    /// Reads `file`, or nothing, and `environment` over it. What an `env:NAME` reference names is
    /// read from the process in any case.
    pub fn read(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut table = file.map_or_else(|| Ok(Table::new()), read_table)?;
        let defaults = Table::try_from(Self::default()).expect("the default configuration is TOML");
        let variables = overlay::apply(&mut table, &defaults, environment).map_err(ConfigError::Invalid)?;
        Self::from_table(table).map_err(|mut faults| {
            for fault in &mut faults {
                fault.variable = overlay::variable_of(&variables, &fault.setting);
            }
            ConfigError::Invalid(faults)
        })
    }

    fn from_table(mut table: Table) -> Result<Self, Vec<Fault>> {
        google::fill(&mut table)?;
        let config = serde_path_to_error::deserialize(table)
            .map_err(|error| vec![Fault::new(error.path().to_string(), error.inner().message())])?;
        check::check(&config)?;
        Ok(config)
    }

    /// Whether Datastore is written to under Google's rule for cold key ranges.
    pub fn ramps_up(&self) -> bool {
        match self.fan_out.ramp_up {
            RampUp::Auto => match &self.datastore.endpoint {
                Endpoint::Embedded => false,
                // Google's are never spoken to in clear.
                Endpoint::At(url) => !url.as_str().starts_with("http://"),
            },
            RampUp::Always => true,
            RampUp::Never => false,
        }
    }

    /// The effective configuration as TOML, with references in the place of secrets.
    pub fn redacted(&self) -> String {
        toml::to_string(self).expect("a configuration is TOML")
    }
}

fn read_table(path: &Path) -> Result<Table, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    text.parse().map_err(|error: toml::de::Error| {
        let before = &text[..error.span().map_or(0, |span| span.start)];
        ConfigError::Syntax {
            path: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.chars().rev().take_while(|c| *c != '\n').count() + 1,
            message: error.message().to_owned(),
        }
    })
}
