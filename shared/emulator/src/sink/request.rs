//! From an HTTP request to a message that parses: its path, its body, its JSON.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;

use super::message::SendRequest;
use super::problem::Violation;

/// A request larger than this is not read.
const LARGEST_BODY: usize = 64 << 10;

/// The project of a path `/v1/projects/{project}/messages:send`.
pub(super) fn project(path: &str) -> Option<&str> {
    path.strip_prefix("/v1/projects/")?
        .strip_suffix("/messages:send")
        .filter(|project| !project.is_empty() && !project.contains('/'))
}

/// The body of a request, read to its end.
pub(super) async fn read(request: Request<Incoming>) -> Result<Bytes, Violation> {
    let body = Limited::new(request.into_body(), LARGEST_BODY).collect().await;
    body.map(http_body_util::Collected::to_bytes)
        .map_err(|error| Violation {
            field: String::new(),
            description: format!("The request could not be read: {error}"),
        })
}

/// Parses a body; at full speed, and again with a path to the fault only where there is one.
pub(super) fn parse(body: &[u8]) -> Result<SendRequest<'_>, Violation> {
    serde_json::from_slice(body).map_err(|_| {
        let mut json = serde_json::Deserializer::from_slice(body);
        let fault = serde_path_to_error::deserialize::<_, SendRequest<'_>>(&mut json).err();
        let (field, description) = match fault {
            Some(fault) => (fault.path().to_string(), fault.inner().to_string()),
            None => (
                String::new(),
                "there is something behind the JSON object".to_owned(),
            ),
        };
        Violation {
            field,
            description: format!("Invalid JSON payload received. {description}"),
        }
    })
}
