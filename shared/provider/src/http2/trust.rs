//! Whose word a gateway's certificate needs.

use std::fmt;
use std::sync::{Arc, LazyLock};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

/// The authorities that a gateway's certificate may be signed by. Cheap to clone.
#[derive(Clone)]
pub struct Trust(TlsConnector);

/// Authorities that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("must be one or more certificates in PEM")]
pub struct TrustError(#[source] Option<Box<dyn std::error::Error + Send + Sync>>);

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust(..)")
    }
}

impl Default for Trust {
    /// The web's authorities.
    fn default() -> Self {
        static WEB: LazyLock<TlsConnector> = LazyLock::new(|| connector(web()));
        Self(WEB.clone())
    }
}

impl Trust {
    /// The web's authorities and those in `pem`, such as that of a proxy through which a company
    /// reaches the internet.
    ///
    /// # Errors
    ///
    /// There is none in it, or one that is not an authority's.
    pub fn with(pem: &[u8]) -> Result<Self, TrustError> {
        let mut roots = web();
        let mut any = false;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| TrustError(Some(Box::new(error))))?;
            let added = roots.add(certificate);
            added.map_err(|error| TrustError(Some(Box::new(error))))?;
            any = true;
        }
        if any {
            Ok(Self(connector(roots)))
        } else {
            Err(TrustError(None))
        }
    }

    /// Opens TLS connections in which HTTP/2 is spoken.
    pub(super) fn connector(&self) -> TlsConnector {
        self.0.clone()
    }
}

fn web() -> RootCertStore {
    RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    }
}

fn connector(roots: RootCertStore) -> TlsConnector {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("aws-lc-rs has the cipher suites of TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}
