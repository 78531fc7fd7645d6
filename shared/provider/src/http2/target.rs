//! The gateway's address, and a byte stream to it.

use http::Uri;
use http::uri::{Authority, Scheme};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::gathered::Gathered;
use super::reach::Reach;
use super::trust::Trust;

/// A gateway's base address: `https://host[:port]`, or `http://host:port` in clear.
#[derive(Clone)]
pub struct Target {
    authority: Authority,
    scheme: Scheme,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    reach: Reach,
}

/// A base address that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not the address of a gateway: it must be https://host[:port] or http://host:port")]
pub struct TargetError(String);

/// A connection in clear or over TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({self})")
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

impl Target {
    /// The target that `base` names, wherever it is.
    pub fn parse(base: &str, trust: &Trust) -> Result<Self, TargetError> {
        Self::within(Reach::Anywhere, base, trust)
    }

    /// The target that `base` names, to be connected to only if it is within `reach`.
    pub(crate) fn within(reach: Reach, base: &str, trust: &Trust) -> Result<Self, TargetError> {
        let refused = || TargetError(base.to_owned());
        let parts = base.parse::<Uri>().map_err(|_| refused())?.into_parts();
        let authority = parts.authority.ok_or_else(refused)?;
        let scheme = parts.scheme.ok_or_else(refused)?;
        if parts.path_and_query.is_some_and(|path| path != "/") {
            return Err(refused());
        }
        let tls = match scheme.as_str() {
            "http" => None,
            "https" => {
                let host = authority
                    .host()
                    .trim_start_matches('[')
                    .trim_end_matches(']')
                    .to_owned();
                Some((
                    trust.connector(),
                    ServerName::try_from(host).map_err(|_| refused())?,
                ))
            }
            _ => return Err(refused()),
        };
        Ok(Self {
            authority,
            scheme,
            tls,
            reach,
        })
    }

    /// The address of `path` at this gateway.
    pub(crate) fn uri(&self, path: &str) -> Option<Uri> {
        let builder = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone());
        builder.path_and_query(path).build().ok()
    }

    /// Opens a connection that speaks HTTP/2.
    pub(super) async fn connect(&self) -> std::io::Result<Box<dyn Stream>> {
        let port = self
            .authority
            .port_u16()
            .unwrap_or(if self.tls.is_some() { 443 } else { 80 });
        let host = self
            .authority
            .host()
            .trim_start_matches('[')
            .trim_end_matches(']');
        let addresses = self.reach.resolve(host, port).await?;
        let stream = TcpStream::connect(addresses.as_slice()).await?;
        stream.set_nodelay(true)?;
        Ok(match &self.tls {
            Some((connector, name)) => Box::new(Gathered(connector.connect(name.clone(), stream).await?)),
            None => Box::new(Gathered(stream)),
        })
    }
}
