//! The engines that a test can run on.
//!
//! `tests/run` finds or starts the real ones and names them in the environment. Without it the
//! suite runs on the embedded ones alone, and a test of a real engine says that it is skipped and
//! has nothing to do. With `NOROSHI_TEST_ENGINES=real`, which `tests/run` sets, nothing is left out silently: a real
//! engine that is not named is a failure of the test that needs it.

use std::env;
use std::path::PathBuf;

use crate::mariadb::MariaDb;
use crate::nginx::Nginx;

/// URL of a MySQL or MariaDB server on which a test may create databases of its own
/// (`mysql://root@127.0.0.1:3306`), if there is one.
///
/// # Panics
/// If real engines are required and none is named.
pub fn mysql_url() -> Option<String> {
    named("NOROSHI_TEST_MYSQL_URL")
}

/// `host:port` of Google's Datastore-mode emulator, if there is one. Tests isolate themselves by
/// a project id of their own.
///
/// # Panics
/// If real engines are required and none is named.
pub fn google_datastore() -> Option<String> {
    named("DATASTORE_EMULATOR_HOST")
}

/// Where others' clients and servers of push gateways are installed, if they are.
///
/// # Panics
/// If real engines are required and none is named.
pub fn peers() -> Option<PathBuf> {
    named("NOROSHI_TEST_PEERS").map(PathBuf::from)
}

/// The program of an installed MariaDB, of which a test may start servers of its own, if there is
/// one and the embedded engines are not all that is asked for.
#[expect(clippy::disallowed_macros, reason = "a test speaks to whoever runs it")]
pub fn mariadb() -> Option<PathBuf> {
    let embedded_only = env::var("NOROSHI_TEST_ENGINES").is_ok_and(|engines| engines == "embedded");
    let installed = MariaDb::installed().filter(|_| !embedded_only);
    if installed.is_none() {
        eprintln!("skipped: no MariaDB of its own for a test");
    }
    installed
}

/// The program of an nginx to start in front of the API, if there is one and the embedded engines
/// are not all that is asked for.
///
/// # Panics
/// If real engines are required and none is named.
pub fn nginx() -> Option<PathBuf> {
    const VARIABLE: &str = "NOROSHI_TEST_NGINX";
    match env::var("NOROSHI_TEST_ENGINES").as_deref() {
        Ok("embedded" | "real") => named(VARIABLE).map(PathBuf::from),
        _ => env::var_os(VARIABLE).map(PathBuf::from).or_else(Nginx::installed),
    }
}

/// Whether a test may pass without the real engine it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Requirement {
    Optional,
    Required,
}

#[expect(clippy::disallowed_macros, reason = "a test speaks to whoever runs it")]
fn named(variable: &str) -> Option<String> {
    let named = choose(
        variable,
        env::var(variable).ok(),
        requirement(env::var("NOROSHI_TEST_ENGINES").ok().as_deref()),
    );
    if named.is_none() {
        eprintln!("skipped: {variable} names no engine");
    }
    named
}

fn requirement(engines: Option<&str>) -> Requirement {
    match engines {
        None | Some("" | "embedded") => Requirement::Optional,
        Some("real") => Requirement::Required,
        Some(other) => panic!("NOROSHI_TEST_ENGINES is `{other}`; it can be `real` or `embedded`"),
    }
}

fn choose(variable: &str, value: Option<String>, requirement: Requirement) -> Option<String> {
    let value = value.filter(|value| !value.is_empty());
    assert!(
        value.is_some() || requirement == Requirement::Optional,
        "{variable} names no engine, and NOROSHI_TEST_ENGINES=real leaves none out: start the suite by tests/run"
    );
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_engine_is_used_whatever_is_required() {
        let name = || Some("127.0.0.1:8080".to_owned());

        assert_eq!(choose("ENGINE", name(), Requirement::Optional), name());
        assert_eq!(choose("ENGINE", name(), Requirement::Required), name());
    }

    #[test]
    fn without_tests_run_a_missing_engine_is_left_out() {
        assert_eq!(choose("ENGINE", None, requirement(None)), None);
        assert_eq!(
            choose("ENGINE", Some(String::new()), requirement(Some("embedded"))),
            None
        );
    }

    #[test]
    #[should_panic(expected = "ENGINE names no engine")]
    fn a_missing_engine_fails_where_real_ones_are_required() {
        choose("ENGINE", None, requirement(Some("real")));
    }

    #[test]
    #[should_panic(expected = "it can be `real` or `embedded`")]
    fn a_misspelt_requirement_is_not_taken_for_none() {
        requirement(Some("reel"));
    }
}
