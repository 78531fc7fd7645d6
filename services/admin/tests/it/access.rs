//! Who may ask: tested for every route that the API's document has.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::world::{World, send};

/// Every route, with something in the place of its variable segments.
fn routes() -> Vec<(Method, String)> {
    let document: Value = serde_json::from_str(admin::document()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let routes = paths.iter().flat_map(|(path, item)| {
        let path = path
            .replace("{id}", "00000000-0000-0000-0000-000000000000")
            .replace("{report}", "00000000-0000-0000-0000-000000000000")
            .replace("{no}", "0")
            .replace("{user_id}", "u1");
        assert!(
            !path.contains('{'),
            "{path} has a segment that this test does not know"
        );
        let methods = item.as_object().unwrap().keys();
        methods.map(move |method| (method.to_uppercase().parse().unwrap(), path.clone()))
    });
    // The service shell's own, which is not of the API but tells of its use.
    routes.chain([(Method::GET, "/metrics".to_owned())]).collect()
}

#[tokio::test]
async fn no_route_answers_without_the_token() {
    let world = World::new().await;
    let routes = routes();
    assert!(routes.len() > 30, "{} routes", routes.len());

    for (method, path) in routes {
        let without = send(world.bare(method.clone(), &path)).await;
        let wrong = send(world.bare(method.clone(), &path).bearer_auth("t0k3m")).await;

        for answer in [without, wrong] {
            assert_eq!(answer.problem(), (401, "unauthorized"), "{method} {path}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn no_route_answers_a_page_of_another_site() {
    let world = World::new().await;

    for (method, path) in routes() {
        let origin = world
            .request(method.clone(), &path)
            .header("origin", "https://evil.example");
        let cross_site = world
            .request(method.clone(), &path)
            .header("sec-fetch-site", "cross-site");

        for request in [origin, cross_site] {
            assert_eq!(
                send(request).await.problem(),
                (403, "foreign-origin"),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test]
async fn a_page_of_the_same_origin_may_ask() {
    let world = World::new().await;
    let own = format!("http://{}", world.address);

    let answer = send(world.request(Method::GET, "/v1/campaigns").header("origin", own)).await;

    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn probes_need_no_token() {
    let world = World::new().await;

    let live = send(world.bare(Method::GET, "/livez")).await;
    let ready = send(world.bare(Method::GET, "/readyz")).await;

    assert_eq!(live.status, StatusCode::OK);
    assert_eq!(ready.status, StatusCode::OK);
}

#[tokio::test]
async fn metrics_are_told_to_whoever_has_the_token() {
    let world = World::new().await;

    let metrics = world.request(Method::GET, "/metrics").send().await.unwrap();

    assert_eq!(metrics.status(), StatusCode::OK);
    assert!(
        metrics.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
}
