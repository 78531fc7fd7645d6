//! `LOAD DATA LOCAL INFILE`, by the server's own client: the fastest way into a table.

use anyhow::Context;
use journeys::mariadb::MariaDb;

use super::client::Sample;
use super::file::AudienceFile;
use crate::stopwatch::Stopwatch;

/// What the server needs for it.
pub(super) fn options() -> [String; 1] {
    ["--local-infile=1".to_owned()]
}

const TABLE: &str = "CREATE DATABASE IF NOT EXISTS loaded; CREATE TABLE loaded.recipient (\
     id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id VARCHAR(128) NOT NULL, time_zone VARCHAR(64), \
     locale VARCHAR(128), name VARCHAR(255), area VARCHAR(255), UNIQUE KEY (user_id))";

/// Loads the file into a new table, and leaves duplicates out.
pub(super) fn measure(file: &AudienceFile, server: &MariaDb) -> anyhow::Result<Sample> {
    server.run(TABLE)?;
    let path = file.path.to_str().context("the file's path is not UTF-8")?;
    let load = format!(
        "LOAD DATA LOCAL INFILE '{path}' IGNORE INTO TABLE loaded.recipient CHARACTER SET utf8mb4 \
         FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' LINES TERMINATED BY '\\n' IGNORE 1 LINES \
         (user_id, time_zone, locale, name, area); SELECT COUNT(*) FROM loaded.recipient"
    );
    let mut command = server.client();
    command.args([
        "--local-infile=1",
        "--skip-column-names",
        "--batch",
        "--execute",
        &load,
    ]);
    let stopwatch = Stopwatch::start();
    let output = command.output()?;
    let seconds = stopwatch.elapsed().as_secs_f64();
    let said = String::from_utf8_lossy(&output.stdout);
    let users = said.trim().parse().with_context(|| {
        let errors = String::from_utf8_lossy(&output.stderr);
        format!("LOAD DATA said {said:?} and {errors:?}")
    })?;
    Ok(Sample {
        seconds,
        cpu_seconds: None,
        peak_rss_bytes: None,
        users,
    })
}
