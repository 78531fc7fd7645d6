//! Where a part is: in this process, or at a URL.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

const RULE: &str = "must be an http:// or https:// URL, as in \"https://host:port\"";

/// An `http://` or `https://` URL with a host, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct HttpUrl(String);

impl HttpUrl {
    /// The URL as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HttpUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let uri: http::Uri = text.parse().map_err(|_| RULE)?;
        let http = matches!(uri.scheme_str(), Some("http" | "https"));
        let host = uri.host().is_some_and(|host| !host.is_empty());
        // A password here would be printed by whoever logs an endpoint.
        let user = uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'));
        if http && host && !user {
            Ok(Self(text.trim_end_matches('/').to_owned()))
        } else {
            Err(RULE)
        }
    }
}

impl<'de> Deserialize<'de> for HttpUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// Where a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `embedded:`: an emulator or sink in this process, on durable files in the data directory.
    Embedded,
    /// At this URL; `http://` means in clear, as emulators speak.
    At(HttpUrl),
}

impl Endpoint {
    /// Whether the part runs in this process.
    pub fn is_embedded(&self) -> bool {
        match self {
            Self::Embedded => true,
            Self::At(_) => false,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("embedded:"),
            Self::At(url) => f.write_str(url.as_str()),
        }
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "embedded:" => Ok(Self::Embedded),
            url => url
                .parse()
                .map(Self::At)
                .map_err(|rule| D::Error::custom(format!("{rule}, or \"embedded:\""))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_embedded_or_a_url_with_a_host() {
        let read = |text: &str| serde_json::from_value::<Endpoint>(text.into());

        assert_eq!(read("embedded:").unwrap(), Endpoint::Embedded);
        assert_eq!(
            read("http://127.0.0.1:8081/").unwrap().to_string(),
            "http://127.0.0.1:8081"
        );
        for text in [
            "",
            "embedded",
            "datastore.googleapis.com",
            "ftp://host",
            "http://",
            "https://u:p@host",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
