//! Why the API did not do what a command asked of it.

use std::path::{Path, PathBuf};

use reqwest::StatusCode;
use runtime::{ExitCode, Failure};

/// What went wrong between a command and the API.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Where the API is cannot be told from the configuration.
    #[error("the API is not where [admin] listen says, at port 0: give --api URL")]
    NoAddress,
    /// There is no token.
    #[error(
        "there is no token for the API: neither [admin] token nor {}; give --token-file FILE",
        .0.display()
    )]
    NoToken(PathBuf),
    /// The token's file cannot be read.
    #[error("the API's token cannot be read from {}", .path.display())]
    Token {
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The API did not answer, or not to the end.
    #[error("the API did not answer to {request}")]
    NoAnswer {
        /// Which request.
        request: &'static str,
        /// Why.
        source: reqwest::Error,
    },
    /// The API said no.
    #[error("the API answered to {request}: {status}: {detail}")]
    Refused {
        /// Which request.
        request: &'static str,
        /// With this status.
        status: StatusCode,
        /// Of this type, where it is a problem of Noroshi's.
        problem: Option<String>,
        /// In these words.
        detail: String,
    },
    /// A file on this machine cannot be used.
    #[error("cannot {doing} {}", .path.display())]
    File {
        /// What was to be done with it.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// An upload was begun with another file.
    #[error("part {part} of the upload is of another file")]
    OtherFile {
        /// Counted from 0.
        part: u64,
    },
    /// What answered is not this program's API.
    #[error("the answer to {request} is not that of Noroshi's API")]
    Foreign {
        /// Which request.
        request: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl Error {
    /// A file that cannot be read.
    pub(crate) fn unreadable(path: &Path, source: std::io::Error) -> Self {
        Self::File {
            doing: "read",
            path: path.to_owned(),
            source,
        }
    }

    /// A file that cannot be written.
    pub(crate) fn unwritable(path: &Path, source: std::io::Error) -> Self {
        Self::File {
            doing: "write",
            path: path.to_owned(),
            source,
        }
    }

    /// Whether the API refused with a problem of that name.
    pub(crate) fn is_problem(&self, name: &str) -> bool {
        match self {
            Self::Refused { problem, .. } => {
                let kind = problem.as_deref().unwrap_or_default();
                kind.strip_prefix("urn:noroshi:problem:") == Some(name)
            }
            _ => false,
        }
    }

    /// Whether the same may succeed a little later: the line broke, a proxy gave up, the databases
    /// are busy, or what was sent came through wrong.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::NoAnswer { .. } => true,
            Self::Refused { status, .. } => {
                matches!(status.as_u16(), 408 | 429 | 502..=504) || self.is_problem("digest-differs")
            }
            Self::NoAddress
            | Self::NoToken(_)
            | Self::Token { .. }
            | Self::File { .. }
            | Self::OtherFile { .. }
            | Self::Foreign { .. } => false,
        }
    }

    /// What the user may do about it, where the words above do not say.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::NoAnswer { source, .. } if source.is_connect() => {
                Some("Is it running? `noroshi up` starts it; --api URL names another one.")
            }
            Self::Refused { status, .. } if *status == StatusCode::UNAUTHORIZED => {
                Some("Its token is another one: --token-file FILE names it.")
            }
            Self::NoAddress
            | Self::NoToken(_)
            | Self::Token { .. }
            | Self::NoAnswer { .. }
            | Self::Refused { .. }
            | Self::File { .. }
            | Self::OtherFile { .. }
            | Self::Foreign { .. } => None,
        }
    }
}

impl Failure for Error {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoAddress
            | Self::NoToken(_)
            | Self::Token { .. }
            | Self::File { .. }
            | Self::OtherFile { .. }
            | Self::Foreign { .. } => ExitCode::Usage,
            Self::NoAnswer { .. } => ExitCode::Unavailable,
            Self::Refused { status, .. } if *status == StatusCode::SERVICE_UNAVAILABLE => {
                ExitCode::Unavailable
            }
            Self::Refused { status, .. } if status.is_client_error() => ExitCode::Usage,
            Self::Refused { .. } => ExitCode::Fault,
        }
    }
}
