//! The API's own description.

use std::path::Path;

use reqwest::StatusCode;
use serde_json::Value;

use crate::world::World;

/// Set it to write the document anew instead of comparing it.
const UPDATE: &str = "NOROSHI_UPDATE_OPENAPI";

#[test]
fn the_document_checked_in_is_that_of_the_routes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let document = format!("{}\n", admin::document());

    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &document).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();

    assert!(
        checked_in == document,
        "openapi.json is not that of the routes; run this test with {UPDATE}=1 and look at the difference"
    );
}

#[tokio::test]
async fn the_document_is_served() {
    let world = World::new().await;

    let served = world.get("/openapi.json").await;

    assert_eq!(served.status, StatusCode::OK);
    assert!(served.json["openapi"].as_str().unwrap().starts_with("3.1"));
    assert_eq!(
        served.json,
        serde_json::from_str::<Value>(admin::document()).unwrap()
    );
}

#[test]
fn every_operation_and_every_type_is_described() {
    let document: Value = serde_json::from_str(admin::document()).unwrap();

    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path}");
            let answers = &operation["responses"];
            assert!(answers["401"].is_object(), "{method} {path}");
            if operation["requestBody"].is_object() {
                for refusal in ["400", "413", "415", "422"] {
                    assert!(answers[refusal].is_object(), "{method} {path} {refusal}");
                }
            }
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        if !name.starts_with("Page_") {
            assert!(schema["description"].is_string(), "{name}");
        }
    }
}
