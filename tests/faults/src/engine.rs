//! Where processes under test keep decisions: a file, a server of somebody else's, or one of
//! theirs.

use std::path::{Path, PathBuf};

use anyhow::Context;
use database::{Db, Error, Settings, create_database, drop_database, sql};
use journeys::mariadb::MariaDb;
use uuid::Uuid;

/// What SQL they are run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file, of one process.
    Sqlite,
    /// A database of theirs on this server, `mysql://user@host:port`, which is not killed.
    Server(String),
    /// A MariaDB of theirs, by this program, which is.
    Own(PathBuf),
}

impl Engine {
    /// A MariaDB of its own, if one is installed.
    pub fn installed() -> Option<Self> {
        MariaDb::installed().map(Self::Own)
    }

    /// The word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Server(_) => "mysql",
            Self::Own(_) => "mariadb",
        }
    }
}

/// On which of them, as it is asked for.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Keep decisions in a database of this server, mysql://USER@HOST:PORT.
    #[arg(long, value_name = "URL", conflicts_with = "sqlite")]
    mysql: Option<String>,
    /// Keep them in a SQLite file [default: in a MariaDB of its own, where one is installed].
    #[arg(long)]
    sqlite: bool,
}

impl Arguments {
    pub(crate) fn engine(&self) -> Engine {
        match &self.mysql {
            Some(url) => Engine::Server(url.clone()),
            None if self.sqlite => Engine::Sqlite,
            None => Engine::installed().unwrap_or(Engine::Sqlite),
        }
    }
}

/// The database of one run.
#[derive(Debug)]
pub(crate) struct Sql {
    settings: Settings,
    /// `user` and `host:port` of a server.
    authority: Option<(String, String)>,
    name: String,
    own: Option<MariaDb>,
    is_shared: bool,
}

impl Sql {
    /// A new one, with its files in `directory`.
    pub(crate) async fn start(engine: &Engine, directory: &Path) -> anyhow::Result<Self> {
        let (server, own) = match engine {
            Engine::Sqlite => {
                let file = directory.join("noroshi.db");
                return Ok(Self {
                    settings: Settings::new(format!("sqlite:{}", file.display())),
                    authority: None,
                    name: String::new(),
                    own: None,
                    is_shared: false,
                });
            }
            Engine::Server(url) => (url.clone(), None),
            Engine::Own(program) => {
                let own = MariaDb::start(program, &directory.join("mariadb"), &[]).await?;
                (format!("mysql://root@{}", own.address()), Some(own))
            }
        };
        let name = format!("noroshi_loop_{}", Uuid::new_v4().simple());
        let settings = Settings::new(format!("{server}/{name}"));
        create_database(&settings)
            .await
            .context("a database for the run")?;
        Ok(Self {
            settings,
            authority: Some(authority(&server)?),
            name,
            is_shared: own.is_none(),
            own,
        })
    }

    /// Past every wire.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// `host:port` of the server, if there is one.
    pub(crate) fn server(&self) -> Option<&str> {
        self.authority.as_ref().map(|(_, address)| address.as_str())
    }

    /// The URL for a process, by the wire that it reaches the server through.
    pub(crate) fn url_by(&self, wire: Option<std::net::SocketAddr>) -> String {
        match (&self.authority, wire) {
            (Some((user, _)), Some(wire)) => format!("mysql://{user}@{wire}/{}", self.name),
            _ => self.settings.url.clone(),
        }
    }

    /// The server that may be killed, if it is the loop's own.
    pub(crate) fn own(&mut self) -> Option<&mut MariaDb> {
        self.own.as_mut()
    }

    /// Transactions that are open, of whoever. Of a server that others use as well nothing can be
    /// told, so none.
    pub(crate) async fn count_open_transactions(&self, db: &Db) -> Result<u64, Error> {
        if self.own.is_none() {
            return Ok(0);
        }
        sql("SELECT COUNT(*) AS open FROM information_schema.innodb_trx")
            .fetch_one(db)
            .await?
            .get("open")
    }

    /// Ends it, and leaves nothing on a server that goes on.
    pub(crate) async fn stop(self) {
        if self.is_shared {
            // One that stays is found by whoever cleans the server up.
            let _ = drop_database(&self.settings).await;
        }
    }
}

/// User and `host:port` of `mysql://user@host:port`.
fn authority(server: &str) -> anyhow::Result<(String, String)> {
    let named = server
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('@'));
    let (user, address) = named.context("a server is named mysql://USER@HOST:PORT")?;
    Ok((user.to_owned(), address.trim_end_matches('/').to_owned()))
}
