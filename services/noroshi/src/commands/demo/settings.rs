//! What a demo is run with: the loaded configuration, and what it changes in it.
//!
//! Stores and queue may be elsewhere, as configured. The gateway is the embedded one whatever is
//! configured: a demo never sends to anybody, and its ledger is the proof that is computed at the
//! end.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use runtime::Config;
use runtime::config::{Admin, Log, Provider, Sender};
use tempfile::TempDir;

use super::error::Error;

/// Whether everything goes on after the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Afterwards {
    /// It is stopped.
    Stop,
    /// It goes on, at the configured addresses, until Ctrl-C.
    Serve,
}

/// Where the demo's files are.
#[derive(Debug)]
pub(super) enum DataDir {
    /// Where the user said; they stay.
    Given(PathBuf),
    /// In a directory that goes with this.
    Temporary(TempDir),
}

impl DataDir {
    /// The given directory, or a temporary one.
    pub(super) fn open(given: Option<PathBuf>) -> Result<Self, Error> {
        match given {
            Some(directory) => Ok(Self::Given(directory)),
            None => {
                let directory = tempfile::Builder::new().prefix("noroshi-demo-").tempdir();
                directory.map(Self::Temporary).map_err(Error::Data)
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Given(directory) => directory,
            Self::Temporary(directory) => directory.path(),
        }
    }

    /// Leaves the files where they are, for whoever wants to know what went wrong.
    pub(super) fn keep(self) -> PathBuf {
        match self {
            Self::Given(directory) => directory,
            Self::Temporary(directory) => directory.keep(),
        }
    }
}

/// What is logged where nothing else is configured. That transactions wait for SQLite's one writer
/// is how a demo goes, and nothing to be warned of.
const LOG_LEVEL: &str = "warn,sqlx::pool::acquire=error";

/// The configuration of a demo on that directory.
///
/// What was left at its default is changed where the default does not suit: a port is the
/// system's choice unless the demo serves afterwards, and the log begins at warnings, so
/// that it does not tear the bars.
pub(super) fn of_demo(mut config: Config, data: &Path, afterwards: Afterwards) -> Config {
    config.data.dir = data.to_owned();
    // The sink stands for every gateway.
    config.provider = Provider::default();
    // It takes as many messages as come, so that a demo shows how fast the rest is.
    config.provider.fcm.messages_per_minute = 0;
    // The demo's own file is as long as the user wants it.
    config.admin.upload_max_bytes = NonZeroU64::MAX;
    if config.log.level == Log::default().level {
        LOG_LEVEL.clone_into(&mut config.log.level);
    }
    if afterwards == Afterwards::Stop {
        any_port(&mut config.admin.listen, Admin::default().listen);
        any_port(&mut config.sender.listen, Sender::default().listen);
    }
    config
}

fn any_port(listen: &mut SocketAddr, default: SocketAddr) {
    if *listen == default {
        listen.set_port(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(variables: &[(&str, &str)]) -> Config {
        let variables = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::read(None, variables).unwrap()
    }

    #[test]
    fn a_demo_sends_to_nobody_whatever_is_configured() {
        let config = configured(&[
            ("NOROSHI__PROVIDER__FCM__ENDPOINT", "https://fcm.googleapis.com"),
            ("NOROSHI__PROVIDER__FCM__PROJECT", "real"),
            ("NOROSHI__PROVIDER__WEB_PUSH__STAND_IN", "http://push.example.com"),
        ]);

        let demo = of_demo(config, Path::new("/tmp/demo"), Afterwards::Stop);

        assert!(demo.provider.is_embedded());
        assert_eq!(demo.data.dir, Path::new("/tmp/demo"));
    }

    #[test]
    fn ports_are_any_unless_they_are_configured_or_served_at() {
        let listen = |config: &Config| [config.admin.listen.port(), config.sender.listen.port()];
        let configured = || configured(&[("NOROSHI__ADMIN__LISTEN", "127.0.0.1:9000")]);

        let stops = of_demo(configured(), Path::new("d"), Afterwards::Stop);
        let serves = of_demo(configured(), Path::new("d"), Afterwards::Serve);

        assert_eq!(listen(&stops), [9000, 0]);
        assert_eq!(listen(&serves), [9000, 8081]);
    }

    #[test]
    fn the_log_is_quiet_unless_another_level_is_configured() {
        let level = |config| of_demo(config, Path::new("d"), Afterwards::Stop).log.level;

        assert_eq!(level(configured(&[])), LOG_LEVEL);
        assert_eq!(level(configured(&[("NOROSHI__LOG__LEVEL", "debug")])), "debug");
    }

    #[test]
    fn a_temporary_directory_goes_and_a_given_one_stays() {
        let given = tempfile::tempdir().unwrap();

        let temporary = DataDir::open(None).unwrap();
        let path = temporary.path().to_owned();
        assert!(path.is_dir());
        drop(temporary);
        drop(DataDir::open(Some(given.path().to_owned())).unwrap());

        assert!(!path.exists());
        assert!(given.path().is_dir());
    }
}
