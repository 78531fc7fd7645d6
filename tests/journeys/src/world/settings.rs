//! The configuration of a world, as the file that an operator would write.
//!
//! Everything listens on ports of its own and keeps its files in one directory. Passes follow
//! each other quickly and chunks are small, so that a few hundred recipients go through all that
//! a few hundred thousand would.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// Recipients of a chunk, unless a test sets `fan_out.mutations`.
pub const CHUNK: usize = 100;

/// The settings of one installation.
#[derive(Clone, Debug)]
pub struct Settings(Table);

impl Settings {
    /// Everything embedded, with all files in `directory` and `token` as the API's, and as quick as
    /// a test wants it.
    pub fn embedded(directory: &Path, token: &str) -> Self {
        Self::defaults(directory, token).quick()
    }

    /// Everything embedded, with all files in `directory` and `token` as the API's, and every
    /// setting that is no place at its default.
    pub fn defaults(directory: &Path, token: &str) -> Self {
        let token_file = directory.join("api-token");
        std::fs::write(&token_file, token).expect("the test's own directory can be written");
        Self(Table::new())
            .set("data.dir", directory.display().to_string())
            .set("admin.listen", "127.0.0.1:0")
            .set("admin.token", format!("file:{}", token_file.display()))
            .set("sender.listen", "127.0.0.1:0")
    }

    /// The same with small chunks, and passes that follow each other quickly.
    #[must_use]
    pub fn quick(self) -> Self {
        self.set("import.interval", "100ms")
            .set("fan_out.interval", "100ms")
            .set("fan_out.mutations", i64::try_from(CHUNK + 1).unwrap_or(i64::MAX))
            .set("dispatch.interval", "100ms")
            .set("dispatch.look_ahead", "1s")
            .set("reconcile.interval", "100ms")
            .set("retry.base", "200ms")
            .set("retry.cap", "2s")
            .set("provider.fcm.connections", 1)
            .set("log.level", "info")
            // Of servers that other tests use too, on a machine that has troubles of its own.
            .set("guard.statement_slow_from", "20s")
            .set("guard.statement_hold_at", "30s")
            .set("guard.threads_running_slow_from", 400)
            .set("guard.threads_running_hold_at", 500)
    }

    /// The same with `section.key` set to `value`.
    #[must_use]
    pub fn set(mut self, setting: &str, value: impl Into<Value>) -> Self {
        let (sections, key) = setting.rsplit_once('.').expect("a setting is named section.key");
        let mut table = &mut self.0;
        for section in sections.split('.') {
            let entry = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            table = entry
                .as_table_mut()
                .expect("a section does not have a setting's name");
        }
        table.insert(key.to_owned(), value.into());
        self
    }

    /// Writes the file, and says where it is.
    pub fn write(&self, directory: &Path) -> PathBuf {
        let file = directory.join("noroshi.toml");
        std::fs::write(&file, self.0.to_string()).expect("the test's own directory can be written");
        file
    }
}
