//! Secrets: read when the configuration is loaded, never printed.
//!
//! A setting holds where the secret is, `"file:/path"` or `"env:NAME"`, and never the secret
//! itself: what stands in a configuration file ends up in backups, tickets and diffs. Whatever
//! prints a [`Secret`] prints its reference.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

const RULE: &str = "must be a reference, \"file:/path\" or \"env:NAME\"; \
                    a secret written out here would end up in backups and logs";

/// A secret and where it came from. Prints and serialises as its reference.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    reference: String,
    value: String,
}

impl Secret {
    /// A secret that is held under `reference`, for instance a generated one.
    pub fn new(reference: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            reference: reference.into(),
            value: value.into(),
        }
    }

    /// The secret itself. For the one place that hands it to its user; never for a log.
    pub fn expose(&self) -> &str {
        &self.value
    }

    /// Where it came from: `file:/path`, `env:NAME`.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Whether the text is a reference and not a secret.
    pub(super) fn is_reference(text: &str) -> bool {
        text.starts_with("file:") || text.starts_with("env:")
    }

    /// Reads what the reference names, without the line end that editors leave. Errors say what
    /// is wrong with the reference and never hold what was read.
    pub(super) fn read(reference: &str) -> Result<Self, String> {
        let value = match reference.split_once(':') {
            Some(("file", path)) => read_file(Path::new(path))?,
            Some(("env", name)) => std::env::var_os(name)
                .ok_or_else(|| format!("environment variable {name} is not set"))?
                .into_string()
                .map_err(|_| format!("environment variable {name} is not UTF-8"))?,
            _ => return Err(RULE.to_owned()),
        };
        let value = value.trim_end_matches(['\r', '\n']);
        if value.is_empty() {
            return Err(format!("{reference} is empty"));
        }
        Ok(Self::new(reference, value))
    }
}

/// Reads a text, or says the rule. serde's own message for a wrong type would quote the value.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D, rule: &str) -> Result<String, D::Error> {
    match toml::Value::deserialize(deserializer)? {
        toml::Value::String(text) => Ok(text),
        _ => Err(D::Error::custom(rule)),
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.reference)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.reference)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&text(deserializer, RULE)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_from_its_file_and_never_printed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, "canary-7f3a\n").unwrap();
        let reference = format!("file:{}", path.display());

        let secret = Secret::read(&reference).unwrap();

        assert_eq!(secret.expose(), "canary-7f3a");
        assert_eq!(secret.reference(), reference);
        assert!(!format!("{secret:?}").contains("canary"));
        assert!(!serde_json::to_string(&secret).unwrap().contains("canary"));
    }

    #[test]
    fn what_is_wrong_with_a_reference_is_said_without_the_secret() {
        let literal = Secret::read("canary-7f3a").unwrap_err();
        let number = serde_json::from_str::<Secret>("73111").unwrap_err().to_string();

        assert!(!literal.contains("canary") && literal.starts_with("must be a reference"));
        assert!(!number.contains("73111") && number.starts_with("must be a reference"));
        assert!(
            Secret::read("env:NOROSHI_NO_SUCH_VARIABLE")
                .unwrap_err()
                .contains("is not set")
        );
        assert!(
            Secret::read("file:/no/such/file")
                .unwrap_err()
                .contains("cannot read /no/such/file")
        );
    }
}
