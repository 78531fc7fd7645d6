//! Why a ZIP is refused.

use std::io;

use crate::Refusal;

/// What is wrong with a ZIP.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZipRefusal {
    /// Nothing is in it.
    #[error("the ZIP has no file in it")]
    Empty,
    /// More than one file is in it.
    #[error("the ZIP has more than one file in it: put each into one of its own")]
    Several,
    /// The file in it is a ZIP.
    #[error("the file in the ZIP is a ZIP itself")]
    Nested,
    /// It wants a password.
    #[error("the ZIP is encrypted")]
    Encrypted,
    /// It is packed by another method than deflate.
    #[error("the ZIP is packed by a method that is not read here ({method}): pack it with deflate")]
    Method {
        /// Its number.
        method: u16,
    },
    /// The file's name leads out of the folder that it would be unpacked in.
    #[error("the file in the ZIP has a name that leads elsewhere")]
    Name,
    /// The file in it is too large.
    #[error("the file in the ZIP has more than {limit} bytes")]
    TooLarge {
        /// The most that it may have.
        limit: u64,
    },
    /// The file in it is too large for how small the ZIP is.
    #[error("the file in the ZIP is more than {limit} times as large as it is packed")]
    Ratio {
        /// The most times.
        limit: u32,
    },
    /// It is not what its headers say.
    #[error("the ZIP is broken: {0}")]
    Broken(&'static str),
}

impl ZipRefusal {
    /// The word that the API uses.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Empty => "zip_empty",
            Self::Several => "zip_several",
            Self::Nested => "zip_nested",
            Self::Encrypted => "zip_encrypted",
            Self::Method { .. } => "zip_method",
            Self::Name => "zip_name",
            Self::TooLarge { .. } => "zip_too_large",
            Self::Ratio { .. } => "zip_ratio",
            Self::Broken(_) => "zip_broken",
        }
    }
}

impl From<ZipRefusal> for io::Error {
    /// The way of a refusal through [`io::Read`], at whose end it is a refusal again.
    fn from(refusal: ZipRefusal) -> Self {
        Self::new(io::ErrorKind::InvalidData, Refusal::Zip(refusal))
    }
}
