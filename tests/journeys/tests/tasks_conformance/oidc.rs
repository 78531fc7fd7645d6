//! The token of a dispatch, verified as a handler would: by the documents that the queue serves.

use std::time::Duration;

use gcloud_sdk::google::cloud::tasks::v2::{OidcToken, Queue, http_request};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;

use crate::handler::Received;
use crate::world::{World, request_mut};
use crate::{on_a_file, on_every_engine};

on_every_engine!(
    a_token_is_verified_by_the_served_keys,
    the_audience_is_the_url_unless_another_is_given,
    a_token_is_signed_once_and_again_before_it_expires,
);

on_a_file!(the_key_outlives_the_server);

const SENDER: &str = "sender@demo.iam.gserviceaccount.com";

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    email: String,
    email_verified: bool,
    sub: String,
    iat: i64,
    exp: i64,
}

async fn a_token_is_verified_by_the_served_keys(world: World) {
    world.queue(Queue::default()).await;
    create(&world, "one", "https://noroshi.example/tasks").await;

    let token = bearer(&world.handler.received(1).await[0]);
    let claims = verify(&world, &token, "https://noroshi.example/tasks")
        .await
        .unwrap();
    let other = verify(&world, &token, "https://elsewhere.example").await;

    assert_eq!(claims.iss, world.base_url());
    assert_eq!(claims.email, SENDER);
    assert!(claims.email_verified);
    assert!(!claims.sub.is_empty());
    assert_eq!(
        (claims.iat, claims.exp),
        (world.now().timestamp(), world.now().timestamp() + 3_600)
    );
    assert!(other.is_err());
}

async fn the_audience_is_the_url_unless_another_is_given(world: World) {
    world.queue(Queue::default()).await;
    create(&world, "one", "").await;

    let token = bearer(&world.handler.received(1).await[0]);

    assert!(verify(&world, &token, &world.handler.url()).await.is_ok());
}

async fn a_token_is_signed_once_and_again_before_it_expires(world: World) {
    world.queue(Queue::default()).await;
    create(&world, "one", "a").await;
    create(&world, "two", "a").await;
    world.handler.received(2).await;
    world.clock.advance(Duration::from_secs(3_000));
    create(&world, "three", "a").await;

    let tokens: Vec<String> = world.handler.received(3).await.iter().map(bearer).collect();

    assert_eq!(tokens[0], tokens[1]);
    assert_ne!(tokens[1], tokens[2]);
}

async fn the_key_outlives_the_server(mut world: World) {
    world.queue(Queue::default()).await;
    create(&world, "one", "a").await;
    let token = bearer(&world.handler.received(1).await[0]);

    world.restart(|_| ()).await;

    assert!(verify(&world, &token, "a").await.is_ok());
}

async fn create(world: &World, id: &str, audience: &str) {
    let mut one = world.task(id);
    let token = OidcToken {
        service_account_email: SENDER.to_owned(),
        audience: audience.to_owned(),
    };
    request_mut(&mut one).authorization_header = Some(http_request::AuthorizationHeader::OidcToken(token));
    world.create(one).await.unwrap();
}

fn bearer(received: &Received) -> String {
    received
        .header("authorization")
        .unwrap()
        .strip_prefix("Bearer ")
        .unwrap()
        .to_owned()
}

async fn verify(world: &World, token: &str, audience: &str) -> Result<Claims, jsonwebtoken::errors::Error> {
    let discovery = fetch(&format!("{}/.well-known/openid-configuration", world.base_url())).await;
    let keys: jsonwebtoken::jwk::JwkSet =
        serde_json::from_value(fetch(discovery["jwks_uri"].as_str().unwrap()).await).unwrap();
    let key = keys.find(&decode_header(token)?.kid.unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[audience]);
    decode(token, &DecodingKey::from_jwk(key)?, &validation).map(|token| token.claims)
}

async fn fetch(url: &str) -> Value {
    let tls =
        rustls::ClientConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .build()
        .unwrap();
    serde_json::from_str(&client.get(url).send().await.unwrap().text().await.unwrap()).unwrap()
}
