//! The HTTP API: audiences, campaigns, coupons, users and their devices.
//!
//! A handler parses, decides, answers. What it changes, it changes in one SQL transaction
//! together with the answer for the request's idempotency key; what follows from that is the
//! passes' work. Errors become HTTP in [`problem`] alone, and [`openapi`] describes every route.

mod access;
mod answer;
mod audiences;
mod campaigns;
mod coupons;
mod error;
mod feedback;
mod field;
mod guard;
mod inconsistencies;
mod json;
mod once;
mod openapi;
mod page;
mod problem;
mod pushes;
mod quotas;
mod request;
mod schema;
mod stop;
mod transaction;
mod user_id;
mod users;

use axum::Router;
use axum::middleware::from_fn_with_state;
use database::migrate::{self, State};
use runtime::config::Secret;
use runtime::{Backends, Service};
use utoipa_axum::router::OpenApiRouter;

pub use openapi::document;

/// The API as a service, open to whoever has `token`; `/metrics` as well.
///
/// It is ready when SQL answers with the schema of this program, and Datastore answers.
pub fn service(backends: Backends, token: Secret) -> Service {
    let (routes, _) = routes().split_for_parts();
    let guard = access::Guard::new(&token);
    let guarded = move |routes: Router| routes.layer(from_fn_with_state(guard.clone(), access::guard));
    let routes = guarded(routes.with_state(backends.clone()));
    let body_limit =
        usize::try_from(backends.process.config.admin.json_max_bytes.get()).unwrap_or(usize::MAX);
    let (db, push_store) = (backends.db, backends.push_store);
    Service::new("admin", routes, body_limit)
        .guard_metrics(guarded)
        .ready_when("sql", move || check_schema(db.clone()))
        .ready_when("datastore", move || {
            let push_store = push_store.clone();
            async move { push_store.ping().await }
        })
}

/// Every route, with its description.
fn routes() -> OpenApiRouter<Backends> {
    openapi::routes()
        .merge(audiences::routes())
        .merge(campaigns::routes())
        .merge(coupons::routes())
        .merge(users::routes())
        .merge(stop::routes())
        .merge(feedback::routes())
        .merge(guard::routes())
        .merge(pushes::routes())
        .merge(quotas::routes())
        .merge(inconsistencies::routes())
}

async fn check_schema(db: database::Db) -> Result<(), String> {
    let migrations = migrate::status(&db).await.map_err(|error| error.to_string())?;
    match migrations
        .iter()
        .find(|migration| migration.state != State::Applied)
    {
        None => Ok(()),
        Some(migration) => Err(format!("migration {} is not applied", migration.version)),
    }
}
