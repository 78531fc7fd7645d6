//! The stores that a journey runs on.
//!
//! Real ones are named as for `tests/run`: `NOROSHI_TEST_MYSQL_URL` and `DATASTORE_EMULATOR_HOST`,
//! both or none. Every journey gets a database and a project of its own.

use std::env;
use std::fmt;
use std::process::Command;

use anyhow::bail;
use database::{Settings, create_database, drop_database};
use tokio::runtime::Runtime;

/// What a journey runs on.
#[derive(Clone, Debug)]
pub(super) enum Engines {
    /// SQLite and Noroshi's Datastore, on files.
    Embedded,
    /// A MySQL or MariaDB server, and Google's emulator.
    Real {
        /// Of the server, without a database.
        mysql: String,
        /// `host:port`.
        datastore: String,
    },
}

impl Engines {
    /// The real ones, if they are named.
    pub(super) fn real() -> anyhow::Result<Option<Self>> {
        let named = |variable| env::var(variable).ok().filter(|value| !value.is_empty());
        match (named("NOROSHI_TEST_MYSQL_URL"), named("DATASTORE_EMULATOR_HOST")) {
            (None, None) => Ok(None),
            (Some(mysql), Some(datastore)) => Ok(Some(Self::Real { mysql, datastore })),
            _ => bail!(
                "set both NOROSHI_TEST_MYSQL_URL and DATASTORE_EMULATOR_HOST, or neither, or say \
                 --embedded-only"
            ),
        }
    }

    /// Makes stores for one journey.
    pub(super) fn open(&self) -> anyhow::Result<Stores> {
        match self {
            Self::Embedded => Ok(Stores {
                variables: Vec::new(),
                database: None,
            }),
            Self::Real { mysql, datastore } => Stores::real(mysql, datastore),
        }
    }
}

impl fmt::Display for Engines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Embedded => "embedded",
            Self::Real { .. } => "MySQL, Google's emulator",
        })
    }
}

/// The stores of one journey.
#[derive(Debug)]
pub(super) struct Stores {
    variables: Vec<(&'static str, String)>,
    database: Option<(Runtime, Settings)>,
}

impl Stores {
    fn real(mysql: &str, datastore: &str) -> anyhow::Result<Self> {
        let name = format!("bench_{}", uuid::Uuid::now_v7().simple());
        let server = mysql.trim_end_matches('/');
        let settings = Settings::new(format!("{server}/{name}"));
        let variables = vec![
            ("NOROSHI__DATABASE__URL", settings.url.clone()),
            ("NOROSHI__DATASTORE__ENDPOINT", format!("http://{datastore}")),
            ("NOROSHI__DATASTORE__PROJECT", name.replace('_', "-")),
            ("NOROSHI__ADMIN__TOKEN", name),
        ];
        let runtime = Runtime::new()?;
        runtime.block_on(create_database(&settings))?;
        Ok(Self {
            variables,
            database: Some((runtime, settings)),
        })
    }

    /// Whether they must be migrated by the command.
    pub(super) fn want_migration(&self) -> bool {
        self.database.is_some()
    }

    /// Points a `noroshi` command at them.
    pub(super) fn configure(&self, command: &mut Command) {
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }

    /// Removes what was made.
    pub(super) fn close(self) -> anyhow::Result<()> {
        match self.database {
            Some((runtime, settings)) => Ok(runtime.block_on(drop_database(&settings))?),
            None => Ok(()),
        }
    }
}
