//! The API's own description, OpenAPI 3.1, at `/openapi.json` and checked in beside this crate.
//!
//! It is made from the routes themselves, so there is no route that it does not have. What an
//! operation can answer because of its shape (a token, an id, parameters, a body) is added here
//! once.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use runtime::Backends;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{Modify, OpenApi, ToResponse, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let document = with_common_answers(crate::routes().to_openapi());
    document
        .to_pretty_json()
        .expect("a document that is made of strings and maps is JSON")
});

/// The document, as it is served.
pub fn document() -> &'static str {
    &DOCUMENT
}

/// The route of the document.
pub(crate) fn routes() -> OpenApiRouter<Backends> {
    OpenApiRouter::with_openapi(Api::openapi()).routes(routes!(openapi))
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "about", operation_id = "get_openapi",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json"))
)]
async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], document()).into_response()
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Noroshi",
        description = "Campaigns of push notifications: audiences, messages, coupons, devices, and how far everything is."
    ),
    components(
        schemas(Problem),
        responses(Missing, Gone, Conflicting, Outdated, TooLarge, WrongType, Unaccepted, Unreadable, Stalled, Unauthorized, Unversioned, Foreign, Unavailable)
    ),
    security(("token" = [])),
    modifiers(&Token)
)]
struct Api;

/// Names the token that every operation needs.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let token = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The token of the configuration's `[admin]` section"))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(token));
    }
}

/// Adds to every operation what its shape lets it answer, unless it says so itself.
fn with_common_answers(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item) {
            for (status, response) in common_answers(path, operation) {
                let answers = &mut operation.responses.responses;
                let answer = answers.entry(status.to_owned());
                answer.or_insert(RefOr::Ref(Ref::from_response_name(response)));
            }
        }
    }
    document
}

fn common_answers(path: &str, operation: &Operation) -> Vec<(&'static str, &'static str)> {
    let mut answers = vec![
        ("401", "Unauthorized"),
        ("403", "Foreign"),
        ("503", "Unavailable"),
    ];
    if path.contains("{id}") {
        answers.push(("404", "Missing"));
    }
    if operation.parameters.is_some() || operation.request_body.is_some() {
        answers.push(("422", "Unaccepted"));
    }
    if operation.request_body.is_some() {
        answers.extend([("400", "Unreadable"), ("413", "TooLarge"), ("415", "WrongType")]);
    }
    answers
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        put,
        post,
        delete,
        ..
    } = item;
    [get, put, post, delete].into_iter().flatten()
}

/// An error, as RFC 9457 has it. Further members name what it is about.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what the service shell answers")]
pub(crate) struct Problem {
    /// Stable, and what programs decide by: `urn:noroshi:problem:` and a name.
    #[schema(example = "urn:noroshi:problem:campaign-state")]
    r#type: String,
    /// For people; the same for every problem of the type.
    title: String,
    /// As the answer's.
    status: u16,
    /// What is wrong in this case.
    detail: Option<String>,
    /// Where: a path in the body, or the name of a parameter or header.
    field: Option<String>,
    /// The state that does not allow it.
    state: Option<String>,
    /// Of a template, or of a body that is not JSON.
    line: Option<u32>,
    /// In that line.
    column: Option<u32>,
}

/// Describes one error answer.
macro_rules! answers {
    ($($name:ident: $description:literal;)+) => {$(
        #[doc = $description]
        #[derive(ToResponse)]
        #[response(description = $description, content_type = "application/problem+json")]
        #[expect(dead_code, reason = "it describes what `problem` answers")]
        pub(crate) struct $name(Problem);
    )+};
}

answers! {
    Unreadable: "The body cannot be read";
    Stalled: "Nothing more of the body came for a minute";
    Unauthorized: "The token is missing or wrong";
    Foreign: "A page of another site asks";
    Missing: "It is not there";
    Gone: "It is no longer kept";
    Conflicting: "The state of what is asked for does not allow it";
    Outdated: "Somebody else changed it first; `version` is the one it has";
    Unversioned: "`If-Match` is missing";
    TooLarge: "The body is too large; nothing of it is kept";
    WrongType: "The body is of a wrong type";
    Unaccepted: "A value is not accepted; `field` says which";
    Unavailable: "A store cannot be used now, or its answer was lost; come back after `Retry-After`";
}
