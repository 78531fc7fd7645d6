//! The digest that comes with a part: `Content-Digest: sha-256=:…:`, as RFC 9530 has it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use sha2::Sha256;

use crate::error::Error;

/// The header's name.
pub(super) const HEADER: &str = "content-digest";

const RULE: &str = "must be the part's SHA-256 in Base64: `sha-256=:…:`";

/// The SHA-256 of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PartDigest(pub(super) [u8; 32]);

impl PartDigest {
    /// Of these bytes.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(<Sha256 as sha2::Digest>::digest(bytes).into())
    }

    /// What the request says. Digests of other kinds beside it are passed over.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Error> {
        let invalid = || Error::invalid("Content-Digest", RULE);
        let value = headers.get(HEADER).ok_or_else(invalid)?;
        let digests = value.to_str().map_err(|_| invalid())?.split(',');
        let mut sha256 = digests.filter_map(|digest| digest.trim().strip_prefix("sha-256="));
        let encoded = sha256.next().ok_or_else(invalid)?;
        let encoded = encoded.strip_prefix(':').and_then(|rest| rest.strip_suffix(':'));
        let bytes = BASE64_STANDARD.decode(encoded.ok_or_else(invalid)?);
        let bytes = bytes.map_err(|_| invalid())?;
        Ok(Self(bytes.try_into().map_err(|_| invalid())?))
    }
}

impl std::fmt::Display for PartDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sha-256=:{}:", BASE64_STANDARD.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<PartDigest> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, value.parse().unwrap());
        PartDigest::read(&headers).ok()
    }

    #[test]
    fn what_is_written_is_read() {
        let digest = PartDigest::of(b"{\"hello\": \"world\"}\n");
        // The example of RFC 9530, section 2.
        let example = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";

        assert_eq!(digest.to_string(), example);
        assert_eq!(read(example), Some(digest));
        assert_eq!(read(&format!("sha-512=:YQ==:, {example}")), Some(digest));
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for wrong in [
            "",
            "sha-256",
            "sha-256=:YQ==:",
            "sha-512=:YQ==:",
            "sha-256=RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=",
        ] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
        assert!(PartDigest::read(&HeaderMap::new()).is_err());
    }
}
