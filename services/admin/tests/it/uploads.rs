//! Uploads in parts: any order, any process, any number of times; and what is not taken.

use std::io::{Cursor, Write};
use std::time::Duration;

use audience::FileSettings;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use campaign::AudienceId;
use database::{Db, upload_part};
use pacing::guard::{Cause, Verdict};
use reqwest::{Method, StatusCode};
use runtime::Config;
use runtime::config::DatabaseUrl;
use runtime::guard::Status;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::world::{Answer, World, send};

/// A world whose files have a database of their own.
async fn world() -> World {
    let mut config = Config::default();
    config.files.database = Some(DatabaseUrl::embedded());
    World::with(config).await
}

fn digest(bytes: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(bytes)))
}

async fn begin(world: &World, body: Value) -> String {
    let begun = world.post("/v1/uploads", body).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{:?}", begun.json);
    begun.id()
}

async fn put(world: &World, id: &str, no: u32, bytes: &[u8]) -> Answer {
    put_with(world, id, no, bytes, &digest(bytes)).await
}

async fn put_with(world: &World, id: &str, no: u32, bytes: &[u8], digest: &str) -> Answer {
    let request = world.request(Method::PUT, &format!("/v1/uploads/{id}/parts/{no}"));
    send(request.header("content-digest", digest).body(bytes.to_vec())).await
}

async fn complete(world: &World, id: &str, parts: u32) -> Answer {
    world
        .post(&format!("/v1/uploads/{id}/complete"), json!({"parts": parts}))
        .await
}

/// The numbers of the parts that are here.
async fn received(world: &World, id: &str) -> Vec<u64> {
    let upload = world.get(&format!("/v1/uploads/{id}")).await.json;
    let parts = upload["received"].as_array().unwrap().iter();
    parts.map(|part| part["no"].as_u64().unwrap()).collect()
}

async fn stored(db: &Db, id: &str) -> Vec<u8> {
    let id: AudienceId = id.parse().unwrap();
    let mut file = Vec::new();
    for header in upload_part::list(db, id, 0, 100).await.unwrap() {
        file.extend(upload_part::find(db, id, header.no).await.unwrap().unwrap());
    }
    file
}

/// A ZIP of these files, as another program writes it.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn parts_in_any_order_through_several_processes_become_the_file() {
    let world = world().await;
    let id = begin(&world, json!({"name": "file", "delimiter": "comma"})).await;
    let other = world.another_process().await;

    let last = put(&world, &id, 2, b"u3\n").await;
    let through_another = reqwest::Client::new()
        .put(format!("http://{other}/v1/uploads/{id}/parts/1"))
        .bearer_auth(crate::world::TOKEN)
        .header("content-digest", digest(b"u1\nu2\n"))
        .body("u1\nu2\n");
    let middle = send(through_another).await;
    let before = received(&world, &id).await;
    let first = put(&world, &id, 0, b"user_id\n").await;
    let progress = world.get(&format!("/v1/audiences/{id}/progress")).await;
    let completed = complete(&world, &id, 3).await;

    assert_eq!(
        [first.status, middle.status, last.status],
        [StatusCode::CREATED; 3]
    );
    assert_eq!(before, [1, 2]);
    assert_eq!(progress.json["uploaded_bytes"], 17);
    assert_eq!(completed.status, StatusCode::ACCEPTED, "{:?}", completed.json);
    assert_eq!(
        (&completed.json["id"], &completed.json["state"]),
        (&json!(id), &json!("uploaded"))
    );
    assert_eq!(stored(&world.backends.files, &id).await, b"user_id\nu1\nu2\nu3\n");
    assert_eq!(
        stored(&world.backends.db, &id).await,
        b"",
        "files have a database of their own"
    );
    let row = database::audience::find(&world.backends.db, id.parse().unwrap()).await;
    let row = row.unwrap().unwrap();
    let settings: FileSettings = serde_json::from_str(&row.settings).unwrap();
    assert_eq!(row.uploaded_bytes, 17);
    assert_eq!(settings.delimiter, Some(audience::Delimiter::Comma));
}

#[tokio::test]
async fn a_part_may_come_twice_and_no_other_under_its_number() {
    let world = world().await;
    let id = begin(&world, json!({"name": "file"})).await;
    put(&world, &id, 0, b"user_id\n").await;

    let again = put(&world, &id, 0, b"user_id\n").await;
    let other = put(&world, &id, 0, b"user_id,name\n").await;

    assert_eq!(again.status, StatusCode::OK);
    assert_eq!(again.json["digest"], digest(b"user_id\n"));
    assert_eq!(other.problem(), (409, "part-differs"));
    assert_eq!(other.json["part"], 0);
    assert_eq!(stored(&world.backends.files, &id).await, b"user_id\n");
}

#[tokio::test]
async fn a_part_that_came_through_wrong_is_not_stored() {
    let world = world().await;
    let id = begin(&world, json!({"name": "file"})).await;
    let path = format!("/v1/uploads/{id}/parts/0");

    let wrong = put_with(&world, &id, 0, b"user_id\n", &digest(b"user_ID\n")).await;
    let unsaid = send(world.request(Method::PUT, &path).body("user_id\n")).await;
    let unreadable = put_with(&world, &id, 0, b"user_id\n", "md5=:AAAA:").await;
    let empty = put(&world, &id, 0, b"").await;
    let large = put(&world, &id, 0, &vec![b'a'; (1 << 20) + 1]).await;
    let far = put(&world, &id, 10_000, b"a").await;

    assert_eq!(wrong.problem(), (422, "digest-differs"));
    assert_eq!(unsaid.unaccepted(), "Content-Digest");
    assert_eq!(unreadable.unaccepted(), "Content-Digest");
    assert_eq!(empty.unaccepted(), "body");
    assert_eq!(large.problem(), (413, "body-too-large"));
    assert_eq!(far.unaccepted(), "no");
    assert_eq!(received(&world, &id).await, Vec::<u64>::new());
}

#[tokio::test]
async fn parts_that_are_missing_or_too_many_are_named() {
    let world = world().await;
    let id = begin(&world, json!({"name": "file"})).await;
    put(&world, &id, 0, b"user_id\n").await;
    put(&world, &id, 3, b"u3\n").await;

    let missing = complete(&world, &id, 5).await;
    let beyond = complete(&world, &id, 3).await;
    let none = complete(&world, &id, 0).await;

    assert_eq!(missing.problem(), (409, "parts-missing"));
    assert_eq!(missing.json["missing"], json!([1, 2, 4]));
    assert_eq!(missing.json["missing_count"], 3);
    assert_eq!(beyond.problem(), (409, "part-beyond"));
    assert_eq!(beyond.json["part"], 3);
    assert_eq!(none.unaccepted(), "parts");
    assert_eq!(
        world.get(&format!("/v1/audiences/{id}")).await.json["state"],
        "uploading"
    );
}

#[tokio::test]
async fn what_was_said_of_the_file_is_held_to() {
    let world = world().await;
    let id = begin(&world, json!({"name": "file", "size": 11, "parts": 2})).await;
    put(&world, &id, 0, b"user_id\n").await;

    let other_parts = complete(&world, &id, 1).await;
    put(&world, &id, 1, b"u1\nu2\n").await;
    let other_size = complete(&world, &id, 2).await;
    let too_large = world
        .post("/v1/uploads", json!({"name": "file", "size": u64::MAX / 4}))
        .await;
    let too_many = world
        .post("/v1/uploads", json!({"name": "file", "parts": 10_001}))
        .await;

    assert_eq!(other_parts.unaccepted(), "parts");
    assert_eq!(other_size.problem(), (409, "size-differs"));
    assert_eq!(
        (&other_size.json["expected"], &other_size.json["received"]),
        (&json!(11), &json!(14))
    );
    assert_eq!(too_large.problem(), (413, "body-too-large"));
    assert_eq!(too_many.unaccepted(), "parts");
}

#[tokio::test]
async fn a_completed_upload_takes_no_more_and_is_completed_again_as_it_is() {
    let world = world().await;
    let id = begin(&world, json!({"name": "file"})).await;
    put(&world, &id, 0, b"user_id\nu1\n").await;
    complete(&world, &id, 1).await;

    let late = put(&world, &id, 1, b"u2\n").await;
    let again = complete(&world, &id, 1).await;
    world.import(&id, 1, &[]).await;
    let much_later = complete(&world, &id, 1).await;

    assert_eq!(late.problem(), (409, "upload-over"));
    assert_eq!(late.json["state"], "uploaded");
    assert_eq!(again.status, StatusCode::ACCEPTED);
    assert_eq!(much_later.json["state"], "ready");
}

#[tokio::test]
async fn only_an_upload_in_parts_takes_parts() {
    let world = world().await;
    let streamed = world.upload("user_id\nu1\n").await.id();
    let cancelled = begin(&world, json!({"name": "file"})).await;
    world
        .post(&format!("/v1/audiences/{cancelled}/cancel"), json!({}))
        .await;

    let to_streamed = put(&world, &streamed, 0, b"user_id\n").await;
    let to_nothing = put(&world, "018f6d3c-0000-7000-8000-000000000000", 0, b"user_id\n").await;
    let to_cancelled = put(&world, &cancelled, 0, b"user_id\n").await;
    let completed = complete(&world, &cancelled, 1).await;

    assert_eq!(to_streamed.problem(), (404, "not-found"));
    assert_eq!(to_nothing.problem(), (404, "not-found"));
    assert_eq!(to_cancelled.problem(), (409, "upload-over"));
    assert_eq!(completed.problem(), (409, "upload-over"));
}

#[tokio::test]
async fn a_file_that_can_never_be_an_audience_is_refused_with_its_first_part_or_at_the_end() {
    let world = world().await;
    let id = begin(&world, json!({"name": "file"})).await;
    let rows = "1,a\n".repeat(20_000);
    let many = "a,b,c,".repeat(30);

    for (part, reason) in [
        (format!("id,name\n{rows}").into_bytes(), "no_user_id"),
        (
            format!("user_id,{many}z\n{rows}").into_bytes(),
            "too_many_columns",
        ),
        (zip(&[("../users.csv", b"user_id\n")]), "zip_name"),
    ] {
        let refused = put(&world, &id, 0, &part).await;

        assert_eq!(refused.problem(), (422, "audience-file"), "{:?}", refused.json);
        assert_eq!(refused.json["reason"], reason);
    }
    let short = put(&world, &id, 0, b"id,name\n1,a\n").await;
    let refused = complete(&world, &id, 1).await;
    assert_eq!(short.status, StatusCode::CREATED);
    assert_eq!(refused.json["reason"], "no_user_id");
}

#[tokio::test]
async fn a_large_file_that_streams_is_refused_by_its_first_mebibyte() {
    let world = world().await;

    let refused = world.upload(vec![0; 3 << 20]).await;

    assert_eq!(refused.problem(), (422, "audience-file"), "{:?}", refused.json);
    assert_eq!(refused.json["reason"], "record_too_long");
    assert_eq!(world.get("/v1/audiences").await.json["items"], json!([]));
}

#[tokio::test]
async fn a_zip_is_taken_by_either_way_and_a_hostile_one_by_none() {
    let world = world().await;
    let csv = b"user_id,name\nu1,Hanako\n";
    let good = zip(&[("export/users.csv", csv)]);
    let zeros = vec![b'\n'; 8 << 20];
    let bomb = zip(&[("users.csv", &[&csv[..], &zeros].concat())]);

    let streamed = send(
        world
            .request(Method::POST, "/v1/audiences?name=zip")
            .header("content-type", "application/zip")
            .body(good.clone()),
    );
    let unsaid = world.upload(good.clone()).await;
    assert_eq!(streamed.await.status, StatusCode::ACCEPTED);
    assert_eq!(unsaid.status, StatusCode::ACCEPTED);

    for (zip, reason) in [
        (zip(&[("a.csv", csv), ("b.csv", csv)]), "zip_several"),
        (zip(&[("inner.zip", &good)]), "zip_nested"),
        (zip(&[]), "zip_empty"),
        (bomb, "zip_ratio"),
        (good[..60].to_vec(), "zip_broken"),
    ] {
        let streamed = world.upload(zip.clone()).await;
        let id = begin(&world, json!({"name": "file"})).await;
        let part = put(&world, &id, 0, &zip).await;
        let refused = if part.status.is_success() {
            complete(&world, &id, 1).await
        } else {
            part
        };

        for answer in [streamed, refused] {
            assert_eq!(
                answer.problem(),
                (422, "audience-file"),
                "{reason}: {:?}",
                answer.json
            );
            assert_eq!(answer.json["reason"], reason);
        }
    }
    let left = world.get("/v1/audiences").await.json;
    let states = left["items"].as_array().unwrap().iter();
    let uploading = states.filter(|audience| audience["state"] == "uploading");
    assert_eq!(uploading.count(), 5, "of the streamed ones nothing is left");
}

#[tokio::test]
async fn while_everything_is_held_a_part_is_to_come_back_later() {
    let world = world().await;
    let id = begin(&world, json!({"name": "file"})).await;
    let held = |share| {
        world.backends.guard.publish(Status {
            verdict: Verdict {
                share,
                cause: (share < 1.0).then_some(Cause::ReplicaLag),
            },
            ..Status::default()
        });
    };
    held(0.0);
    let request = world.request(Method::PUT, &format!("/v1/uploads/{id}/parts/0"));
    let request = request
        .header("content-digest", digest(b"user_id\n"))
        .body("user_id\n");
    let part = world.spawn(send(request));
    world.clock.until_asleep(1).await;

    world.clock.advance(Duration::from_secs(5));
    let refused = part.await.unwrap();
    held(1.0);
    let later = put(&world, &id, 0, b"user_id\n").await;

    assert_eq!(refused.problem(), (503, "held-back"));
    assert_eq!(refused.headers["retry-after"], "5");
    assert_eq!(later.status, StatusCode::CREATED);
}

#[tokio::test]
async fn an_upload_is_begun_once_for_each_key() {
    let world = world().await;
    let request = || {
        world
            .request(Method::POST, "/v1/uploads")
            .header("idempotency-key", "k1")
            .json(&json!({"name": "file"}))
    };

    let first = send(request()).await;
    let again = send(request()).await;

    assert_eq!(first.id(), again.id());
}

#[tokio::test]
async fn user_ids_in_a_plan_are_an_upload_of_which_a_failure_leaves_nothing() {
    let world = world().await;
    let plan = |coupon: &str| json!({"name": "few", "message": crate::world::message(), "user_ids": ["u1"], "coupon_id": coupon});
    let coupon = world
        .post("/v1/coupons", json!({"name": "n", "stock": 1}))
        .await
        .id();

    let failed = world
        .post("/v1/campaigns", plan("018f6d3c-0000-7000-8000-000000000000"))
        .await;
    let after_failure = world.get("/v1/audiences").await.json;
    let made = world.post("/v1/campaigns", plan(&coupon)).await;

    assert_eq!(failed.unaccepted(), "coupon_id");
    assert_eq!(after_failure["items"], json!([]));
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.json);
    let audience = made.json["audience_id"].as_str().unwrap();
    assert_eq!(
        stored(&world.backends.files, audience).await,
        b"user_id\n\"u1\"\n"
    );
}

#[tokio::test]
async fn a_service_whose_files_database_is_gone_is_not_ready() {
    let world = world().await;
    let working = send(world.bare(Method::GET, "/readyz")).await;

    world.backends.files.close().await;

    let id = begin(&world, json!({"name": "file"})).await;
    let part = put(&world, &id, 0, b"user_id\n").await;
    let ready = send(world.bare(Method::GET, "/readyz")).await;
    assert_eq!(working.status, StatusCode::OK, "{:?}", working.json);
    assert_eq!(part.problem(), (503, "store-unavailable"));
    assert_eq!(ready.problem(), (503, "not-ready"));
    assert_eq!(ready.json["checks"]["files"], "failed");
}
