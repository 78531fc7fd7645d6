//! Audiences: uploaded, given inline, listed, cancelled.

use std::time::Duration;

use campaign::AudienceId;
use database::upload_part;
use reqwest::{Method, StatusCode};
use runtime::Config;
use serde_json::{Value, json};

use crate::world::{World, send};

/// The uploaded bytes of an audience.
async fn stored(world: &World, id: &str) -> Vec<Vec<u8>> {
    let id: AudienceId = id.parse().unwrap();
    let mut parts = Vec::new();
    for header in upload_part::list(&world.backends.files, id, 0, 100)
        .await
        .unwrap()
    {
        parts.push(
            upload_part::find(&world.backends.files, id, header.no)
                .await
                .unwrap()
                .unwrap(),
        );
    }
    parts
}

/// A file of a little more than `bytes`.
fn large(bytes: usize) -> String {
    let mut file = "user_id,note\n".to_owned();
    for no in 0.. {
        if file.len() > bytes {
            break;
        }
        file.push_str(&format!("user-{no},{}\n", "x".repeat(80)));
    }
    file
}

#[tokio::test]
async fn a_file_is_stored_as_it_came() {
    let world = World::new().await;

    let uploaded = world.upload("user_id\nu1\n").await;

    assert_eq!(uploaded.status, StatusCode::ACCEPTED);
    assert_eq!(uploaded.json["state"], "uploaded");
    assert_eq!(stored(&world, &uploaded.id()).await.concat(), b"user_id\nu1\n");
}

#[tokio::test]
async fn a_large_file_is_stored_in_parts_of_at_most_a_mebibyte() {
    let world = World::new().await;
    let file = large(3 << 20);

    let uploaded = world.upload(file.clone()).await;

    let parts = stored(&world, &uploaded.id()).await;
    assert_eq!(parts.len(), 4);
    assert!(parts.iter().all(|part| part.len() <= 1 << 20));
    assert!(parts.concat() == file.as_bytes());
    let progress = world
        .get(&format!("/v1/audiences/{}/progress", uploaded.id()))
        .await;
    assert_eq!(progress.json["uploaded_bytes"], file.len());
}

#[tokio::test]
async fn settings_of_a_file_are_kept_for_its_import() {
    let world = World::new().await;
    let request = world
        .request(
            Method::POST,
            "/v1/audiences?name=file&delimiter=tab&encoding=shift_jis",
        )
        .header("content-type", "application/octet-stream")
        .body("user_id\tname\nu1\ta\n");

    let id = send(request).await.id();

    let row = database::audience::find(&world.backends.db, id.parse().unwrap()).await;
    let settings: Value = serde_json::from_str(&row.unwrap().unwrap().settings).unwrap();
    assert_eq!(settings, json!({"delimiter": "tab", "encoding": "shift_jis"}));
}

#[tokio::test]
async fn of_a_file_over_the_limit_nothing_is_kept() {
    let mut config = Config::default();
    config.admin.upload_max_bytes = (2_u64 << 20).try_into().unwrap();
    let world = World::with(config).await;
    // Without a length in front, so that the limit is met in the middle.
    let blocks = large(3 << 20).into_bytes();
    let blocks: Vec<_> = blocks
        .chunks(100_000)
        .map(|block| Ok::<_, std::io::Error>(block.to_vec()))
        .collect();

    let refused = world
        .upload(reqwest::Body::wrap_stream(futures::stream::iter(blocks)))
        .await;

    assert_eq!(refused.problem(), (413, "body-too-large"));
    assert_eq!(refused.json["limit"], 2 << 20);
    let left = world.get("/v1/audiences").await;
    assert_eq!(left.json["items"], json!([]));
    let mut tx = world.backends.db.begin().await.unwrap();
    let parts = database::sql("SELECT no FROM upload_part")
        .fetch_all(&mut tx)
        .await
        .unwrap();
    assert_eq!(parts.len(), 0);
}

#[tokio::test]
async fn of_a_file_whose_client_breaks_off_nothing_is_kept() {
    let world = World::new().await;
    let start = large(2 << 20).into_bytes();
    let (sender, blocks) = futures::channel::mpsc::unbounded();
    sender.unbounded_send(Ok::<_, std::io::Error>(start)).unwrap();
    let request = world.upload_request(reqwest::Body::wrap_stream(blocks));
    let upload = world.spawn(request.send());
    until(|| async {
        !world.get("/v1/audiences").await.json["items"]
            .as_array()
            .unwrap()
            .is_empty()
    })
    .await;

    sender
        .unbounded_send(Err(std::io::Error::other("the client breaks off")))
        .unwrap();

    assert!(upload.await.unwrap().is_err());
    until(|| async {
        world.get("/v1/audiences").await.json["items"]
            .as_array()
            .unwrap()
            .is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_stalled_upload_is_given_up_after_a_minute() {
    let world = World::new().await;
    let (sender, blocks) = futures::channel::mpsc::unbounded();
    sender
        .unbounded_send(Ok::<_, std::io::Error>(b"user_id\n".to_vec()))
        .unwrap();
    let request = world.upload_request(reqwest::Body::wrap_stream(blocks));
    let upload = world.spawn(send(request));
    world.clock.until_asleep(1).await;

    while !upload.is_finished() {
        world.clock.advance(Duration::from_secs(60));
        tokio::task::yield_now().await;
    }

    assert_eq!(upload.await.unwrap().problem(), (408, "body-incomplete"));
    drop(sender);
}

#[tokio::test]
async fn a_file_that_can_never_be_an_audience_is_refused_at_once() {
    let world = World::new().await;

    for (file, reason) in [
        ("", "empty"),
        ("id,name\n1,a\n", "no_user_id"),
        ("user_id,a,A\n1,2,3\n", "duplicate_column"),
    ] {
        let refused = world.upload(file).await;

        assert_eq!(refused.problem(), (422, "audience-file"), "{file:?}");
        assert_eq!(refused.json["reason"], reason);
    }
    assert_eq!(world.get("/v1/audiences").await.json["items"], json!([]));
}

#[tokio::test]
async fn a_list_of_user_ids_becomes_a_file_of_one_column() {
    let world = World::new().await;

    let created = world
        .post("/v1/audiences", json!({"name": "few", "user_ids": ["u1", "a,b"]}))
        .await;

    assert_eq!(created.status, StatusCode::ACCEPTED);
    assert_eq!(
        stored(&world, &created.id()).await.concat(),
        b"user_id\n\"u1\"\n\"a,b\"\n"
    );
}

#[tokio::test]
async fn the_longest_list_of_user_ids_is_taken() {
    let world = World::new().await;
    let ids: Vec<_> = (0..10_000).map(|no| format!("{no:0>128}")).collect();

    let created = world
        .post("/v1/audiences", json!({"name": "many", "user_ids": ids}))
        .await;

    assert_eq!(created.status, StatusCode::ACCEPTED, "{:?}", created.json);
    assert_eq!(stored(&world, &created.id()).await.len(), 2);
}

#[tokio::test]
async fn an_audience_is_shown_with_what_its_import_found() {
    let world = World::new().await;

    let id = world.ready_audience(1_000, &["rank"]).await;

    let shown = world.get(&format!("/v1/audiences/{id}")).await;
    assert_eq!(shown.json["state"], "ready");
    assert_eq!(shown.json["size"], 1_000);
    assert_eq!(shown.json["rejected_rows"], 2);
    assert_eq!(shown.json["variables"], json!(["rank"]));
    let progress = world.get(&format!("/v1/audiences/{id}/progress")).await;
    assert_eq!(progress.json["rejected"], json!({"duplicate": 2}));
}

#[tokio::test]
async fn pages_go_through_all_audiences_newest_first() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, world.upload("user_id\nu1\n").await.id());
    }

    let mut listed = Vec::new();
    let mut path = "/v1/audiences?limit=2".to_owned();
    loop {
        let page = world.get(&path).await.json;
        let items = page["items"].as_array().unwrap();
        listed.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/audiences?limit=2&cursor={cursor}"),
            None => break,
        }
    }

    assert_eq!(listed, ids);
}

#[tokio::test]
async fn an_audience_is_cancelled_before_it_is_ready_and_not_after() {
    let world = World::new().await;
    let ready = world.ready_audience(1, &[]).await;
    let uploaded = world.upload("user_id\nu1\n").await.id();

    let cancelled = world
        .post(&format!("/v1/audiences/{uploaded}/cancel"), json!({}))
        .await;
    let again = world
        .post(&format!("/v1/audiences/{uploaded}/cancel"), json!({}))
        .await;
    let too_late = world
        .post(&format!("/v1/audiences/{ready}/cancel"), json!({}))
        .await;

    assert_eq!(cancelled.json["state"], "cancelled");
    assert_eq!(again.problem(), (409, "audience-state"));
    assert_eq!(again.json["state"], "cancelled");
    assert_eq!(too_late.json["state"], "ready");
}

#[tokio::test]
async fn a_file_makes_a_new_version_of_an_audience_that_is_ready() {
    let world = World::new().await;
    let base = world.ready_audience(1_000, &[]).await;
    let upload = async |query: &str| world.upload_with(query, "user_id\nu1\n").await;

    let added = upload(&format!("mode=add&base={base}")).await;
    let replaced = upload(&format!("mode=replace&base={base}")).await;
    let without_base = upload("mode=subtract").await;
    let without_mode = upload(&format!("base={base}")).await;
    let not_ready = upload(&format!("mode=add&base={}", added.id())).await;
    let not_there = upload(&format!("mode=add&base={}", AudienceId::allocate())).await;

    assert_eq!(
        (added.status, replaced.status),
        (StatusCode::ACCEPTED, StatusCode::ACCEPTED)
    );
    assert_eq!(added.json["base"], json!(base));
    for refused in [without_base, without_mode, not_ready, not_there] {
        assert_eq!(refused.problem().0, 422, "{:?}", refused.json);
    }
    assert_eq!(
        world.get("/v1/audiences").await.json["items"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[tokio::test]
async fn an_audience_can_be_made_of_others_without_a_file() {
    let world = World::new().await;
    let base = world.ready_audience(1_000, &[]).await;
    let create = async |body: serde_json::Value| world.post("/v1/audiences", body).await;

    let made = create(json!({"name": "all but", "include": [base], "exclude": [base]})).await;
    let of_nothing = create(json!({"name": "none", "exclude": [base]})).await;
    let of_both = create(json!({"name": "both", "include": [base], "user_ids": ["u1"]})).await;
    let of_unknown =
        create(json!({"name": "x", "include": [base], "only_failed_in": AudienceId::allocate()})).await;

    assert_eq!(made.status, StatusCode::ACCEPTED, "{:?}", made.json);
    assert_eq!(made.json["state"], "uploaded");
    for refused in [of_nothing, of_both, of_unknown] {
        assert_eq!(refused.problem().0, 422, "{:?}", refused.json);
    }
}

#[tokio::test]
async fn an_import_is_held_and_let_go_by_a_person() {
    let world = World::new().await;
    let id = world.upload("user_id\nu1\n").await.id();
    let step = async |step: &str| world.post(&format!("/v1/audiences/{id}/{step}"), json!({})).await;

    let (early, paused, again) = (step("resume").await, step("pause").await, step("pause").await);
    let shown = world.get(&format!("/v1/audiences/{id}/progress")).await;
    let (resumed, resumed_again) = (step("resume").await, step("resume").await);

    assert_eq!(early.status, StatusCode::CONFLICT);
    assert_eq!(paused.status, StatusCode::OK);
    assert!(paused.json["paused_at"].is_string());
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(shown.json["phase"], "sort");
    assert_eq!(shown.json["paused_at"], paused.json["paused_at"]);
    assert_eq!(resumed.status, StatusCode::OK);
    assert!(resumed.json["paused_at"].is_null());
    assert_eq!(resumed_again.status, StatusCode::CONFLICT);
    world.import(&id, 1, &[]).await;
    assert_eq!(step("pause").await.status, StatusCode::CONFLICT);
}

/// Waits until it holds, a minute at most.
async fn until<F: Future<Output = bool>>(holds: impl Fn() -> F) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait)
        .await
        .expect("it never held");
}
