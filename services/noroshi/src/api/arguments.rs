//! Which API a command speaks to: the configured one, unless another is named.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use runtime::config::Secret;
use runtime::{Config, token};

use super::{Api, Error};

/// Names the API and its token.
#[derive(Clone, Debug, Args)]
pub struct ApiArguments {
    /// Speak to the API at this URL [default: where [admin] of the configuration listens].
    #[arg(long, global = true, value_name = "URL", value_parser = parse_url)]
    api: Option<String>,
    /// Read its token from this file [default: [admin] token, or the data directory's].
    #[arg(long, global = true, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl ApiArguments {
    /// A client of that API.
    pub fn connect(&self, config: &Config) -> Result<Api, Error> {
        let token = self.token(config)?;
        match &self.api {
            Some(url) => Api::of(url, token),
            None => Api::at(reachable(config.admin.listen)?, token),
        }
    }

    fn token(&self, config: &Config) -> Result<Secret, Error> {
        let unreadable = |path, source| Error::Token { path, source };
        if let Some(file) = &self.token_file {
            return token::read(file).map_err(|source| unreadable(file.clone(), source));
        }
        if let Some(token) = &config.admin.token {
            return Ok(token.clone());
        }
        let data = &config.data.dir;
        let found = token::find(data).map_err(|source| unreadable(data.clone(), source))?;
        found.ok_or_else(|| Error::NoToken(data.join(token::FILE)))
    }
}

/// Where to connect to what listens there: one that listens everywhere is here as well.
fn reachable(listen: SocketAddr) -> Result<SocketAddr, Error> {
    if listen.port() == 0 {
        return Err(Error::NoAddress);
    }
    let here = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    Ok(SocketAddr::new(here, listen.port()))
}

fn parse_url(text: &str) -> Result<String, String> {
    let url = text.trim_end_matches('/');
    let rest = url
        .strip_prefix("http://")
        .or_else(|| url.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(['?', '#']) => Ok(url.to_owned()),
        Some(_) | None => Err("must be a URL, as http://127.0.0.1:8080".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_everywhere_is_reached_here() {
        let reached = |listen: &str| reachable(listen.parse().unwrap()).map(|address| address.to_string());

        assert_eq!(reached("0.0.0.0:8080").unwrap(), "127.0.0.1:8080");
        assert_eq!(reached("[::]:8080").unwrap(), "[::1]:8080");
        assert_eq!(reached("10.1.2.3:80").unwrap(), "10.1.2.3:80");
        assert!(matches!(reached("127.0.0.1:0"), Err(Error::NoAddress)));
    }

    #[test]
    fn a_url_is_one_of_http() {
        assert_eq!(
            parse_url("https://push.example/").unwrap(),
            "https://push.example"
        );
        for wrong in ["", "push.example", "ftp://push.example", "http://", "http://a?b"] {
            assert!(parse_url(wrong).is_err(), "{wrong}");
        }
    }
}
