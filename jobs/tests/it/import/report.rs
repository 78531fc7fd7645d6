//! What the report of an import tells.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use audience::{AudienceReader, FileSettings, REPORT_HEADER, write_report_line};
use campaign::ReportId;
use database::report::{self, ReportState, Subject};
use flate2::read::DeflateDecoder;
use serde_json::{Value, json};

use super::{file, pass, small_world};
use crate::world::World;

/// A file of an archive, by its first mention.
fn unzip(archive: &[u8], name: &str) -> String {
    let name = name.as_bytes();
    let start = archive.windows(name.len()).position(|window| window == name);
    let mut text = String::new();
    DeflateDecoder::new(&archive[start.unwrap() + name.len()..])
        .read_to_string(&mut text)
        .unwrap();
    text
}

/// What a reader that keeps everything in memory makes of the file.
fn expected(file: &[u8]) -> String {
    let mut reader = AudienceReader::open(file, FileSettings::default(), [3; 16]).unwrap();
    let mut report = REPORT_HEADER.to_owned();
    while let Some(row) = reader.next_row().unwrap() {
        write_report_line(&mut report, &row);
    }
    report
}

async fn report_of(world: &World, file: &[u8]) -> Vec<u8> {
    let audience = world.upload(file).await;
    pass(world).await;
    world.report(audience).await.expect("the import is over")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_told_of_in_the_order_of_the_file() {
    let world = small_world().await;
    let file = file(120_000);

    let report = report_of(&world, &file).await;

    assert!(unzip(&report, "report.csv") == expected(&file));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_files_are_told_of_in_whatever_they_are_written() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/audience/tests/data");
    for name in ["audience-20k", "audience-cp932-2k", "audience-utf16-1k"] {
        let sample = fs::read(folder.join(format!("{name}.csv"))).unwrap();
        let known = fs::read(folder.join(format!("{name}.expected.json"))).unwrap();
        let known: Value = serde_json::from_slice(&known).unwrap();
        let world = World::with(|config| config.import.partition_bytes = 4_096.try_into().unwrap()).await;

        let report = report_of(&world, &sample).await;

        let summary: Value = serde_json::from_str(&unzip(&report, "summary.json")).unwrap();
        assert!(unzip(&report, "report.csv") == expected(&sample), "{name}");
        assert_eq!(summary["name"], "everybody");
        assert_eq!(summary["rows"], known["rows"]);
        assert_eq!(summary["accepted"], known["accepted"]);
        assert_eq!(summary["rejected"], known["rejected"]);
        assert_eq!(summary["reasons"], known["reasons"]);
    }
}

const KEPT: Duration = Duration::from_secs(3 * 86_400);

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_ready_for_as_long_as_is_set() {
    let world = World::with(|config| config.files.keep_reports = KEPT).await;
    let audience = world.upload(b"user_id\nu1\n=x\n").await;

    pass(&world).await;

    let id = ReportId(audience.0);
    let report = report::get(&world.backends.files, id).await.unwrap().unwrap();
    let now = world.backends.process.clock.now();
    assert_eq!(
        (report.subject, report.subject_id),
        (Subject::Audience, audience.0)
    );
    assert_eq!(report.state, ReportState::Ready);
    assert_eq!(report.ready_at, Some(now));
    assert_eq!(report.expires_at, Some(now + KEPT));
    let bytes = world.report(audience).await.unwrap();
    assert_eq!(
        unzip(&bytes, "report.csv"),
        "line,user_id,result,reason\r\n2,u1,accepted,\r\n3,'=x,accepted,\r\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_gives_the_same_report_whatever_the_memory() {
    let file = file(20_000);
    let large = World::new().await;

    assert!(report_of(&large, &file).await == report_of(&small_world().await, &file).await);
    let audience = large.upload(b"user_id,name\n,a\n").await;
    pass(&large).await;
    let refused = large.audience(audience).await;
    assert_eq!(json!(refused.state.as_str()), "refused");
    assert_eq!(
        large.report(audience).await,
        None,
        "of a refused file there is none"
    );
}
