//! Who may ask: whoever has the token, from anywhere but a page of another site.
//!
//! Browsers say where a request comes from, and a page cannot change what they say. A foreign
//! page gets 403 even with the token, so that one that got hold of it cannot use it from a
//! visitor's browser.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::{HeaderMap, Uri};
use runtime::config::Secret;
use sha2::{Digest, Sha256};

use crate::error::Error;

/// The token, as its digest: all comparisons are of the same length.
#[derive(Clone)]
pub(crate) struct Guard(Arc<[u8; 32]>);

impl Guard {
    /// The guard that lets this token pass.
    pub(crate) fn new(token: &Secret) -> Self {
        Self(Arc::new(Sha256::digest(token.expose()).into()))
    }

    fn check(&self, headers: &HeaderMap, uri: &Uri) -> Result<(), Error> {
        if is_foreign(headers, uri) {
            return Err(Error::ForeignOrigin);
        }
        let given = bearer(headers).ok_or(Error::Unauthorized)?;
        let given: [u8; 32] = Sha256::digest(given).into();
        verify_slices_are_equal(&given, &*self.0).map_err(|_| Error::Unauthorized)
    }
}

/// Lets a request pass, or answers 401 or 403.
pub(crate) async fn guard(
    State(guard): State<Guard>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    guard.check(request.headers(), request.uri())?;
    Ok(next.run(request).await)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether a browser says that the request comes from a page of another site.
fn is_foreign(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let cross_site = text("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none");
    let host = text(HOST.as_str()).or_else(|| uri.authority().map(|authority| authority.as_str()));
    let is_ours = |origin| authority(origin).is_some_and(|authority| Some(authority) == host);
    let foreign = text(ORIGIN.as_str()).is_some_and(|origin| !is_ours(origin));
    cross_site || foreign
}

/// Host and port of an origin. An opaque one (`null`) has none.
fn authority(origin: &str) -> Option<&str> {
    origin.split_once("://").map(|(_, authority)| authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &'static str)]) -> Result<(), Error> {
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let guard = Guard::new(&Secret::new("test", "t0k3n"));
        guard.check(&headers.collect(), &Uri::from_static("/v1/campaigns"))
    }

    const HOSTED: (&str, &str) = ("host", "push.example:8080");
    const TOKEN: (&str, &str) = ("authorization", "Bearer t0k3n");

    #[test]
    fn the_token_lets_pass_and_no_other_does() {
        assert!(check(&[HOSTED, TOKEN]).is_ok());
        assert!(check(&[HOSTED, ("authorization", "bearer t0k3n")]).is_ok());
        for wrong in [
            "",
            "Bearer",
            "Bearer t0k3",
            "Bearer t0k3nn",
            "Basic t0k3n",
            "t0k3n",
        ] {
            let answer = check(&[HOSTED, ("authorization", wrong)]);
            assert!(matches!(answer, Err(Error::Unauthorized)), "{wrong:?}");
        }
        assert!(matches!(check(&[HOSTED]), Err(Error::Unauthorized)));
    }

    #[test]
    fn a_page_of_our_own_may_ask_and_one_of_another_site_may_not() {
        assert!(check(&[HOSTED, TOKEN, ("origin", "http://push.example:8080")]).is_ok());
        assert!(check(&[HOSTED, TOKEN, ("sec-fetch-site", "same-origin")]).is_ok());
        assert!(check(&[HOSTED, TOKEN, ("sec-fetch-site", "none")]).is_ok());
        for foreign in [
            ("origin", "https://evil.example"),
            ("origin", "http://push.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            let answer = check(&[HOSTED, TOKEN, foreign]);
            assert!(matches!(answer, Err(Error::ForeignOrigin)), "{foreign:?}");
        }
        let hostless = check(&[TOKEN, ("origin", "null")]);
        assert!(matches!(hostless, Err(Error::ForeignOrigin)));
    }
}
