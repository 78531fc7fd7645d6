//! What is wrong with a configuration, said so that its author can mend it.

use std::fmt;
use std::path::PathBuf;

/// Why a configuration was not taken. Nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not there or cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file that was asked for.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is not TOML. The text of the line is not shown: it may hold a secret.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What the parser expected.
        message: String,
    },
    /// Settings have values that cannot be. One fault a line.
    #[error("{}", lines(.0))]
    Invalid(Vec<Fault>),
}

/// One setting that cannot be taken as it is: `[sender] budget: must be …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Dotted path, as `provider.fcm.timeout`; of a section alone where the fault is the section's.
    pub setting: String,
    /// What would be right.
    pub rule: String,
    /// The environment variable that set it, if one did.
    pub variable: Option<String>,
}

impl Fault {
    /// A fault of `setting`, a dotted path.
    pub(super) fn new(setting: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            setting: setting.into(),
            rule: rule.into(),
            variable: None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.setting.rsplit_once('.') {
            Some((section, key)) => write!(f, "[{section}] {key}: {}", self.rule)?,
            None => write!(f, "[{}] {}", self.setting, self.rule)?,
        }
        match &self.variable {
            Some(variable) => write!(f, " (set by {variable})"),
            None => Ok(()),
        }
    }
}

fn lines(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")
}
