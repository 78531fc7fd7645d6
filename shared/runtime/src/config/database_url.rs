//! Where the SQL database is.
//!
//! A URL with a password in it is a secret and is only taken by reference; one without may
//! stand in the file. Printed, the password is always masked.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::Secret;
use super::secret::text;

const RULE: &str = "must be \"embedded:\", \"mysql://…\" or \"sqlite:…\", or a reference to one, \
                    \"file:/path\" or \"env:NAME\"";
const PASSWORD: &str = "holds a password: put the whole URL into a file or a variable, \
                        and here \"file:/path\" or \"env:NAME\"";

/// How the URL of a server begins.
const SERVERS: [&str; 2] = ["mysql://", "mariadb://"];

/// `embedded:`, `mysql://…` or `sqlite:…`. Prints and serialises with its password masked.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The SQLite file in the data directory.
    pub fn embedded() -> Self {
        Self("embedded:".to_owned())
    }

    /// Whether it stands for the SQLite file in the data directory.
    pub fn is_embedded(&self) -> bool {
        self.0 == "embedded:"
    }

    /// The URL with its password. For the driver only; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The server as `host:port`, by which logs and metrics name it; `None` of a file.
    pub fn server(&self) -> Option<String> {
        let rest = SERVERS
            .into_iter()
            .find_map(|scheme| self.0.strip_prefix(scheme))?;
        // The last `@`, as for the password.
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        let server = place.split(['/', '?']).next().unwrap_or_default();
        let has_port = server
            .rsplit_once(':')
            .is_some_and(|(_, port)| !port.contains(']'));
        Some(if has_port {
            server.to_owned()
        } else {
            format!("{server}:3306")
        })
    }

    fn read(text: &str) -> Result<Self, String> {
        let url = if Secret::is_reference(text) {
            Self(Secret::read(text)?.expose().to_owned())
        } else if password(text).is_some() {
            return Err(PASSWORD.to_owned());
        } else {
            Self(text.to_owned())
        };
        let known = url.is_embedded()
            || url.0.starts_with("sqlite:")
            || SERVERS.into_iter().any(|scheme| url.0.starts_with(scheme));
        if known { Ok(url) } else { Err(RULE.to_owned()) }
    }

    fn masked(&self) -> String {
        match password(&self.0) {
            Some(range) => format!("{}***{}", &self.0[..range.start], &self.0[range.end..]),
            None => self.0.clone(),
        }
    }
}

/// Where the password stands in a URL of the form `scheme://user:password@host…`.
fn password(url: &str) -> Option<std::ops::Range<usize>> {
    let user = url.find("://")? + 3;
    // The last `@` of the whole text, because an unescaped password may hold `/` and `@`.
    let at = user + url[user..].rfind('@')?;
    let colon = user + url[user..at].find(':')?;
    Some(colon + 1..at)
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DatabaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(&text(deserializer, RULE)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_taken_by_reference_only_and_masked_when_printed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("url");
        std::fs::write(&path, "mysql://noroshi:canary/p@ss@db:3306/noroshi\n").unwrap();

        let literal = DatabaseUrl::read("mysql://noroshi:canary@db/noroshi").unwrap_err();
        let url = DatabaseUrl::read(&format!("file:{}", path.display())).unwrap();

        assert_eq!(literal, PASSWORD);
        assert_eq!(url.expose(), "mysql://noroshi:canary/p@ss@db:3306/noroshi");
        assert_eq!(url.to_string(), "mysql://noroshi:***@db:3306/noroshi");
    }

    #[test]
    fn a_server_is_named_by_its_host_and_port_alone() {
        let server = |url: &str| DatabaseUrl(url.to_owned()).server();

        assert_eq!(
            server("mysql://noroshi:canary/p@ss@db:3307/noroshi?ssl-mode=REQUIRED"),
            Some("db:3307".to_owned())
        );
        assert_eq!(server("mariadb://db/noroshi"), Some("db:3306".to_owned()));
        assert_eq!(server("mysql://u@[::1]/n"), Some("[::1]:3306".to_owned()));
        assert_eq!(server("sqlite:/var/lib/noroshi.db"), None);
    }

    #[test]
    fn a_url_without_a_password_may_stand_in_the_file() {
        for url in [
            "embedded:",
            "mysql://root@127.0.0.1:3306/noroshi",
            "sqlite:/var/lib/noroshi.db",
        ] {
            assert_eq!(DatabaseUrl::read(url).unwrap().to_string(), url);
        }
        assert_eq!(DatabaseUrl::read("postgres://db").unwrap_err(), RULE);
    }
}
