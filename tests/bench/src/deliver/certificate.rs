//! The gateways' certificate, made for one run and signed by itself.

use std::fs;
use std::path::{Path, PathBuf};

/// Files in PEM.
#[derive(Debug)]
pub(super) struct Certificate {
    /// What clients are to trust.
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Certificate {
    /// One for the gateways on this machine, with its files in `directory`.
    pub(super) fn make(directory: &Path) -> anyhow::Result<Self> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])?;
        let files = Self {
            certificate: directory.join("certificate.pem"),
            key: directory.join("key.pem"),
        };
        fs::write(&files.certificate, made.cert.pem())?;
        fs::write(&files.key, made.signing_key.serialize_pem())?;
        Ok(files)
    }
}
