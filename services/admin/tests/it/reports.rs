//! Reports as files: whole, in part, not yet and not any more.

use campaign::ReportId;
use chrono::{DateTime, Utc};
use database::report::{self, MAX_PART_BYTES, Subject};
use database::{Change, Db};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use runtime::Config;
use runtime::config::DatabaseUrl;
use serde_json::json;
use uuid::Uuid;

use crate::world::World;

/// A world whose files have a database of their own.
async fn world() -> World {
    let mut config = Config::default();
    config.files.database = Some(DatabaseUrl::embedded());
    World::with(config).await
}

/// Two parts and a bit, no two bytes in a row alike.
fn content() -> Vec<u8> {
    (0..2 * MAX_PART_BYTES + 1_000)
        .map(|at| (at % 251) as u8)
        .collect()
}

/// Begins a report about an audience, with that content.
async fn make(db: &Db, id: &str, content: &[u8], now: DateTime<Utc>) {
    let (report, subject): (ReportId, Uuid) = (id.parse().unwrap(), id.parse().unwrap());
    let mut tx = db.begin().await.unwrap();
    let begun = report::begin(&mut tx, report, Subject::Audience, subject, now).await;
    assert_eq!(begun.unwrap(), Change::Applied);
    for (no, part) in content.chunks(MAX_PART_BYTES).enumerate() {
        let start = (no * MAX_PART_BYTES) as u64;
        let appended = report::append(&mut tx, report, start, part, "{}").await;
        assert_eq!(appended.unwrap(), Change::Applied);
    }
    tx.commit().await.repeatable().unwrap();
}

async fn end(db: &Db, id: &str, now: DateTime<Utc>, expires_at: DateTime<Utc>) {
    let mut tx = db.begin().await.unwrap();
    let ended = report::mark_ready(&mut tx, id.parse().unwrap(), now, expires_at).await;
    assert_eq!(ended.unwrap(), Change::Applied);
    tx.commit().await.repeatable().unwrap();
}

/// An audience with a report that expires in an hour.
async fn with_report(world: &World) -> String {
    let id = world.ready_audience(10, &[]).await;
    let now = world.clock.clock().now();
    make(&world.backends.files, &id, &content(), now).await;
    end(&world.backends.files, &id, now, now + chrono::TimeDelta::hours(1)).await;
    id
}

async fn fetch(
    world: &World,
    method: Method,
    id: &str,
    headers: &[(&str, &str)],
) -> (StatusCode, HeaderMap, Vec<u8>) {
    let mut request = world.request(method, &format!("/v1/audiences/{id}/report"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn a_report_is_the_same_however_often_it_is_fetched() {
    let world = world().await;
    let id = with_report(&world).await;

    let (status, headers, first) = fetch(&world, Method::GET, &id, &[]).await;
    let (_, _, second) = fetch(&world, Method::GET, &id, &[]).await;
    let (head, head_headers, nothing) = fetch(&world, Method::HEAD, &id, &[]).await;

    assert!(first == content() && second == content());
    assert_eq!((status, head), (StatusCode::OK, StatusCode::OK));
    assert_eq!(nothing, b"");
    for headers in [headers, head_headers] {
        assert_eq!(headers["content-length"], content().len().to_string());
        assert_eq!(headers["content-type"], "application/zip");
        assert_eq!(headers["accept-ranges"], "bytes");
        assert_eq!(
            headers["content-disposition"],
            format!("attachment; filename=\"audience-{id}.zip\"")
        );
        assert_eq!(headers["etag"], format!("\"{id}\""));
    }
}

#[tokio::test]
async fn a_range_gives_those_bytes_across_parts_and_no_others() {
    let world = world().await;
    let id = with_report(&world).await;
    let all = content();
    let size = all.len();

    for (range, from, end) in [
        ("bytes=0-0".to_owned(), 0, 1),
        (
            format!("bytes={}-{}", MAX_PART_BYTES - 1, 2 * MAX_PART_BYTES),
            MAX_PART_BYTES - 1,
            2 * MAX_PART_BYTES + 1,
        ),
        (format!("bytes={}-", MAX_PART_BYTES), MAX_PART_BYTES, size),
        ("bytes=-10".to_owned(), size - 10, size),
    ] {
        let (status, headers, bytes) = fetch(&world, Method::GET, &id, &[("range", &range)]).await;

        assert_eq!(status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(
            headers["content-range"],
            format!("bytes {from}-{}/{size}", end - 1)
        );
        assert!(bytes == all[from..end], "{range}");
    }
    let beyond = world.request(Method::GET, &format!("/v1/audiences/{id}/report"));
    let beyond = crate::world::send(beyond.header("range", format!("bytes={size}-"))).await;
    assert_eq!(beyond.problem(), (416, "range-beyond"));
    assert_eq!(beyond.headers["content-range"], format!("bytes */{size}"));
}

#[tokio::test]
async fn a_range_of_another_file_gives_the_whole_one() {
    let world = world().await;
    let id = with_report(&world).await;
    let tag = format!("\"{id}\"");

    let (same, _, _) = fetch(
        &world,
        Method::GET,
        &id,
        &[("range", "bytes=5-"), ("if-range", &tag)],
    )
    .await;
    let (other, _, whole) = fetch(
        &world,
        Method::GET,
        &id,
        &[("range", "bytes=5-"), ("if-range", "\"another\"")],
    )
    .await;
    let (known, _, nothing) = fetch(&world, Method::GET, &id, &[("if-none-match", &tag)]).await;

    assert_eq!((same, other), (StatusCode::PARTIAL_CONTENT, StatusCode::OK));
    assert!(whole == content());
    assert_eq!((known, nothing), (StatusCode::NOT_MODIFIED, Vec::new()));
}

#[tokio::test]
async fn a_report_that_is_not_there_is_none_yet_none_or_none_any_more() {
    let world = world().await;
    let id = world.ready_audience(10, &[]).await;
    let path = format!("/v1/audiences/{id}/report");
    let now = world.clock.clock().now();

    let waiting = world.upload("user_id\nu1\n").await.id();
    let not_begun = world.get(&format!("/v1/audiences/{waiting}/report")).await;
    let none = world.get(&path).await;
    make(&world.backends.files, &id, b"half", now).await;
    let making = world.get(&path).await;
    end(&world.backends.files, &id, now, now + chrono::TimeDelta::hours(1)).await;
    let (ready, _, _) = fetch(&world, Method::GET, &id, &[]).await;
    world.clock.advance(std::time::Duration::from_secs(3_600));
    let expired = world.get(&path).await;
    let without_token = crate::world::send(world.bare(Method::GET, &path)).await;

    assert_eq!(not_begun.problem(), (409, "report-making"));
    assert_eq!(none.problem(), (404, "not-found"));
    assert_eq!(making.problem(), (409, "report-making"));
    assert_eq!(ready, StatusCode::OK);
    assert_eq!(expired.problem(), (410, "report-expired"));
    assert_eq!(without_token.problem(), (401, "unauthorized"));
}

#[tokio::test]
async fn a_report_of_a_campaign_is_asked_for_once_and_is_of_that_campaign() {
    let world = world().await;
    let (draft, id) = (world.draft().await, world.draft().await);
    world.post(&format!("/v1/campaigns/{id}/start"), json!({})).await;
    let path = format!("/v1/campaigns/{id}/reports");

    let of_draft = world
        .post(&format!("/v1/campaigns/{draft}/reports"), json!({}))
        .await;
    let asked = world.post(&path, json!({})).await;
    let again = world.post(&path, json!({})).await;
    let shown = world.get(&format!("{path}/{}", asked.id())).await;
    let listed = world.get(&path).await;
    let early = world.get(&format!("{path}/{}/file", asked.id())).await;
    let of_another = world
        .get(&format!("/v1/campaigns/{draft}/reports/{}", asked.id()))
        .await;

    assert_eq!(of_draft.problem(), (409, "campaign-state"));
    assert_eq!(asked.status, StatusCode::ACCEPTED);
    assert_eq!(asked.id(), again.id());
    assert_eq!(shown.json["state"], "making");
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 1);
    assert_eq!(early.problem(), (409, "report-making"));
    assert_eq!(of_another.problem(), (404, "not-found"));
}
