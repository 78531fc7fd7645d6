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
mod reports;
mod request;
mod schema;
mod stop;
mod transaction;
mod uploads;
mod user_id;
mod users;

use axum::middleware::from_fn_with_state;
use axum::{Extension, Router};
use database::migrate::{self, State};
use runtime::config::Secret;
use runtime::{Backends, Service};
use uploads::UploadGate;
use utoipa_axum::router::OpenApiRouter;

pub use openapi::document;

/// The API as a service, open to whoever has `token`; `/metrics` as well.
///
/// It is ready when SQL answers with the schema of this program, and Datastore answers.
pub fn service(backends: Backends, token: Secret) -> Service {
    let (routes, _) = routes().split_for_parts();
    let guard = access::Guard::new(&token);
    let guarded = move |routes: Router| routes.layer(from_fn_with_state(guard.clone(), access::guard));
    let routes = routes.layer(Extension(UploadGate::new(&backends)));
    let routes = guarded(routes.with_state(backends.clone()));
    let body_limit =
        usize::try_from(backends.process.config.admin.json_max_bytes.get()).unwrap_or(usize::MAX);
    let own_files = backends
        .process
        .config
        .files
        .database
        .as_ref()
        .map(|_| backends.files);
    let (db, push_store) = (backends.db, backends.push_store);
    let service = Service::new("admin", routes, body_limit)
        .guard_metrics(guarded)
        .ready_when("sql", move || check_schema(db.clone()));
    let service = match own_files {
        Some(files) => service.ready_when("files", move || check_schema(files.clone())),
        None => service,
    };
    service.ready_when("datastore", move || {
        let push_store = push_store.clone();
        async move { push_store.ping().await }
    })
}

/// Every route, with its description.
fn routes() -> OpenApiRouter<Backends> {
    openapi::routes()
        .merge(audiences::routes())
        .merge(uploads::routes())
        .merge(reports::routes())
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
