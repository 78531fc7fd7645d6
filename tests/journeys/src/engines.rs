//! The engines that a test can run on.
//!
//! `tests/run` finds or starts the real ones and names them in the environment. Without it, the
//! suite runs on the embedded ones alone.

/// URL of a MySQL or MariaDB server on which a test may create databases of its own
/// (`mysql://root@127.0.0.1:3306`), if there is one.
pub fn mysql_url() -> Option<String> {
    named("NOROSHI_TEST_MYSQL_URL")
}

/// `host:port` of Google's Datastore-mode emulator, if there is one. Tests isolate themselves by
/// a project id of their own.
pub fn google_datastore() -> Option<String> {
    named("DATASTORE_EMULATOR_HOST")
}

fn named(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}
