//! Logs and metrics.
//!
//! Logs go to standard error, so that standard output stays the command's. Messages are
//! constant, values are fields. Addresses, message bodies and credentials are never logged, and
//! a user id only as its [`user_hash`].

use std::fmt;
use std::io::IsTerminal;
use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use sha2::{Digest, Sha256};
use tracing::error;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, registry};

use crate::clock::Clock;
use crate::config::{Log, LogFormat};

/// Starts logging as `log` says. When the process logs already, that stays as it is.
pub fn start_log(log: &Log) {
    let targets = targets(&log.level).unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match log.format {
        LogFormat::Pretty => lines.compact().with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_ansi(false).boxed(),
    };
    // An error says that a subscriber is set: the test's or the embedding program's.
    let started = registry().with(lines.with_filter(targets)).try_init().is_ok();
    if started && log.format == LogFormat::Json {
        log_panics();
    }
}

/// Makes a panic one line of the log, because machines read every line of standard error.
fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(tracing::field::display);
        error!(
            panic.location = location,
            panic.message = panic.payload_as_str(),
            "panicked"
        );
    }));
}

/// Reads `info,sqlx=warn`: one level for all, and exceptions by module. `None` if it is not that;
/// a bare word that is no level is not taken for a module, because that would silence the rest.
pub(crate) fn targets(text: &str) -> Option<Targets> {
    text.split(',')
        .map(str::trim)
        .try_fold(Targets::new(), |targets, part| match part.split_once('=') {
            Some((module, level)) if !module.is_empty() => {
                Some(targets.with_target(module, level.parse::<LevelFilter>().ok()?))
            }
            Some(_) => None,
            None => {
                Some(targets.with_default(part.parse::<LevelFilter>().ok().filter(|_| !part.is_empty())?))
            }
        })
}

/// A user id as the log may hold it: the first 8 bytes of its SHA-256 in hex, the same on every
/// host, so that one user's lines can be found. A pseudonym, not anonymity: who has the list of
/// user ids can compute it.
pub fn user_hash(user_id: &str) -> String {
    hex::encode(&Sha256::digest(user_id.as_bytes())[..8])
}

/// An error with the causes behind it, as one text: `the store did not answer: refused`. A log's
/// JSON would hold the first of them only.
pub fn causes(error: &dyn std::error::Error) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        write!(f, "{error}")?;
        let mut causes = std::iter::successors(error.source(), |cause| cause.source());
        causes.try_for_each(|cause| write!(f, ": {cause}"))
    })
}

/// The process's metrics. Clones are the same.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

/// Bounds of every histogram of seconds: from a local read to a whole lease.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0,
];

impl Metrics {
    /// The recorder behind `metrics::counter!` and its like, started with the first call.
    pub fn start() -> Self {
        static METRICS: OnceLock<Metrics> = OnceLock::new();
        METRICS
            .get_or_init(|| {
                let recorder = PrometheusBuilder::new()
                    .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
                    .expect("the bounds are not empty")
                    .build_recorder();
                let handle = recorder.handle();
                // An error says that a recorder is set by the embedding program, which then
                // gets the metrics; ours stays empty.
                let _ = metrics::set_global_recorder(recorder);
                Self(handle)
            })
            .clone()
    }

    /// Everything counted so far, in Prometheus' text format.
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds what histograms have gathered, for ever; without it they would grow for as long as
    /// nobody asks for them.
    pub(crate) async fn keep_up(self, clock: Clock) {
        loop {
            clock.sleep(Duration::from_secs(5)).await;
            self.0.run_upkeep();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_may_have_exceptions_and_a_misspelt_one_silences_nothing() {
        let info = targets("info,sqlx=warn").unwrap();

        assert!(info.would_enable("noroshi", &tracing::Level::INFO));
        assert!(!info.would_enable("sqlx::query", &tracing::Level::INFO));
        for text in ["", "loud", "info,", "=info", "sqlx=loud"] {
            assert!(targets(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_users_hash_is_the_same_everywhere_and_not_the_user() {
        // The first 8 bytes of what `printf user-1 | sha256sum` says.
        assert_eq!(user_hash("user-1"), "c6c289e49e9c05b2");
    }

    #[test]
    fn a_panic_is_one_line_of_the_log() {
        let (lines, log) = std::sync::mpsc::channel::<Vec<u8>>();
        let writer = move || Line(lines.clone());
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(writer)
            .finish();

        tracing::subscriber::with_default(subscriber, || {
            log_panics();
            let _ = std::panic::catch_unwind(|| panic!("no chunk 7"));
            drop(std::panic::take_hook());
        });

        let line: serde_json::Value = serde_json::from_slice(&log.recv().unwrap()).unwrap();
        assert_eq!(line["panic.message"], "no chunk 7");
        assert!(line["panic.location"].as_str().unwrap().contains("telemetry.rs"));
        assert!(log.recv().is_err(), "one line is all");
    }

    /// Hands every line on.
    struct Line(std::sync::mpsc::Sender<Vec<u8>>);

    impl std::io::Write for Line {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.send(bytes.to_vec()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_error_is_told_with_its_causes() {
        let path = "noroshi.toml".into();
        let error = crate::config::ConfigError::Unreadable {
            path,
            source: std::io::Error::other("refused"),
        };

        assert_eq!(causes(&error).to_string(), "cannot read noroshi.toml: refused");
    }
}
