//! What a file will be understood as, and how an audience is followed.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{Answer, World, send};

async fn preview(world: &World, query: &str, file: impl Into<reqwest::Body>) -> Answer {
    let request = world.request(Method::POST, &format!("/v1/audiences/preview{query}"));
    send(request.body(file)).await
}

#[tokio::test]
async fn rows_are_shown_as_they_will_be_understood() {
    let world = World::new().await;
    let file = "User_ID;time_zone;locale;name\nu1;Asia/Tokyo;ja; Hanako \nu2;Nowhere;;b\nu1;;;c\n";

    let shown = preview(&world, "", file).await;

    assert_eq!(shown.status, StatusCode::OK, "{:?}", shown.json);
    let Value::Object(shown) = shown.json else {
        panic!("an object")
    };
    assert_eq!(
        (&shown["encoding"], &shown["delimiter"]),
        (&json!("utf-8"), &json!("semicolon"))
    );
    assert_eq!(
        shown["columns"],
        json!([
            {"name": "user_id", "meaning": "user_id"}, {"name": "time_zone", "meaning": "time_zone"},
            {"name": "locale", "meaning": "locale"}, {"name": "name", "meaning": "variable"},
        ])
    );
    assert_eq!(
        shown["rows"][0],
        json!({
            "line": 2, "user_id": "u1", "time_zone": "Asia/Tokyo", "locale": "ja",
            "variables": {"name": "Hanako"}, "reason": null, "of_line": null,
        })
    );
    let rejected = shown["rejected_rows"].as_array().unwrap();
    let reasons: Vec<_> = rejected
        .iter()
        .map(|row| (&row["line"], &row["reason"], &row["of_line"]))
        .collect();
    assert_eq!(
        reasons,
        [
            (&json!(3), &json!("unknown_time_zone"), &Value::Null),
            (&json!(4), &json!("duplicate"), &json!(2)),
        ]
    );
    assert_eq!(
        (&shown["read_rows"], &shown["accepted"], &shown["is_whole"]),
        (&json!(3), &json!(1), &json!(true))
    );
    assert_eq!(world.get("/v1/audiences").await.json["items"], json!([]));
}

#[tokio::test]
async fn the_encoding_is_found_or_given() {
    let world = World::new().await;
    let shift_jis = b"user_id,name\nu1,\x89\xd4\x8eq\n".to_vec();
    let utf_16: Vec<u8> = "\u{feff}user_id,name\nu1,花子\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();

    for (file, encoding) in [(shift_jis, "shift_jis"), (utf_16, "utf-16")] {
        let shown = preview(&world, "", file).await.json;

        assert_eq!(shown["encoding"], encoding);
        assert_eq!(shown["rows"][0]["variables"]["name"], "花子");
    }
    let given = preview(&world, "?encoding=utf-8&delimiter=tab", "user_id\tname\n").await;
    assert_eq!(given.json["delimiter"], "tab");
}

#[tokio::test]
async fn variables_that_the_message_names_and_the_file_lacks_are_named() {
    let world = World::new().await;
    let audience = world.upload("user_id,rank,name\nu1,a,b\n").await.id();
    let message = json!({"default_locale": "en", "texts": {"en": {"title": "{{ name }}", "body": "{{ rank }} {{ user_id }}"}}});
    let plan = json!({"name": "spring", "message": message, "audience_id": audience});
    let campaign = world.post("/v1/campaigns", plan).await.id();

    let shown = preview(&world, &format!("?campaign={campaign}"), "user_id,name\nu1,b\n").await;
    let unknown = preview(
        &world,
        "?campaign=018f6d3c-0000-7000-8000-000000000000",
        "user_id\nu1\n",
    )
    .await;

    assert_eq!(shown.json["missing_variables"], json!(["rank"]));
    assert_eq!(unknown.unaccepted(), "campaign");
}

#[tokio::test]
async fn of_a_start_only_whole_rows_are_shown_and_of_a_bad_file_why() {
    let world = World::new().await;
    let mut start = "user_id\n".to_owned() + &"u,\n".repeat(400_000);
    start.truncate(1 << 20);

    let cut = preview(&world, "", start).await;
    let rows = format!("u1,{}\n", "n".repeat(200)).repeat(500);
    let bad_row = [format!("user_id,note\n{rows}").as_bytes(), b"\xff\n"].concat();
    let undecodable = preview(&world, "?encoding=utf-8", bad_row).await;
    let no_header = preview(&world, "", "id\n1\n").await;
    let too_large = preview(&world, "", "a".repeat((1 << 20) + 1)).await;

    assert_eq!(
        (&cut.json["is_whole"], &cut.json["read_rows"]),
        (&json!(false), &json!(1_000))
    );
    assert_eq!(cut.json["rejected"], json!({"field_count": 1_000}));
    let refusal = undecodable.json["refusal"].as_str();
    assert!(
        refusal.is_some_and(|reason| reason.contains("is not UTF-8")),
        "{:?}",
        undecodable.json
    );
    assert_eq!(no_header.problem(), (422, "audience-file"));
    assert_eq!(too_large.problem(), (413, "body-too-large"));
}

#[tokio::test]
async fn an_uploads_first_part_is_previewed_with_its_settings() {
    let world = World::new().await;
    let uploaded = send(
        world
            .request(Method::POST, "/v1/audiences?name=file&delimiter=tab")
            .header("content-type", "text/csv")
            .body("user_id\tname\nu1\ta\n"),
    );
    let id = uploaded.await.id();

    let shown = preview(&world, &format!("?upload={id}"), "").await;
    let both = preview(&world, &format!("?upload={id}"), "user_id\n").await;
    let none = preview(&world, "?upload=018f6d3c-0000-7000-8000-000000000000", "").await;

    assert_eq!(
        (&shown.json["delimiter"], &shown.json["is_whole"]),
        (&json!("tab"), &json!(true))
    );
    assert_eq!(both.unaccepted(), "upload");
    assert_eq!(none.unaccepted(), "upload");
}

#[tokio::test]
async fn an_audience_is_followed_to_its_end_by_events() {
    let world = World::new().await;
    let id = world.upload("user_id\nu1\n").await.id();
    let request = world.request(Method::GET, &format!("/v1/audiences/{id}/events"));
    let mut response = request.send().await.unwrap();

    let first = response.chunk().await.unwrap().unwrap();
    world.clock.until_asleep(1).await;
    world.import(&id, 1, &[]).await;
    world.clock.advance(std::time::Duration::from_secs(1));
    let rest = response.text().await.unwrap();
    let missing = world
        .get("/v1/audiences/018f6d3c-0000-7000-8000-000000000000/events")
        .await;

    let first = String::from_utf8(first.to_vec()).unwrap();
    assert!(
        first.starts_with("event: progress\ndata: {") && first.contains("\"uploaded\""),
        "{first}"
    );
    assert!(rest.contains("\"ready\""), "{rest}");
    assert!(rest.ends_with("event: end\ndata: {}\n\n"), "{rest}");
    assert_eq!(missing.problem(), (404, "not-found"));
}
