//! The gateways' certificate, made for one run and signed by itself.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

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
        fs::write(&files.certificate, pem("CERTIFICATE", made.cert.der()))?;
        fs::write(&files.key, pem("PRIVATE KEY", made.signing_key.serialized_der()))?;
        Ok(files)
    }
}

/// The textual encoding of RFC 7468: lines of 64 characters.
fn pem(label: &str, der: &[u8]) -> String {
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in der.chunks(48) {
        pem.push_str(&STANDARD.encode(line));
        pem.push('\n');
    }
    pem + &format!("-----END {label}-----\n")
}
