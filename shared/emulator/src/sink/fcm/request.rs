//! From an HTTP request to a message that parses: its path and its JSON.

use super::message::SendRequest;
use super::problem::Violation;

/// The project of a path `/v1/projects/{project}/messages:send`.
pub(in crate::sink) fn project(path: &str) -> Option<&str> {
    path.strip_prefix("/v1/projects/")?
        .strip_suffix("/messages:send")
        .filter(|project| !project.is_empty() && !project.contains('/'))
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
