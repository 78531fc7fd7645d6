//! Why the API did not do what a command asked of it.

use std::path::PathBuf;

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
        /// In these words.
        detail: String,
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
            | Self::Foreign { .. } => None,
        }
    }
}

impl Failure for Error {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoAddress | Self::NoToken(_) | Self::Token { .. } | Self::Foreign { .. } => ExitCode::Usage,
            Self::NoAnswer { .. } => ExitCode::Unavailable,
            Self::Refused { status, .. } if *status == StatusCode::SERVICE_UNAVAILABLE => {
                ExitCode::Unavailable
            }
            Self::Refused { status, .. } if status.is_client_error() => ExitCode::Usage,
            Self::Refused { .. } => ExitCode::Fault,
        }
    }
}
