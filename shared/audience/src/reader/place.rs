//! A place between two records of a file, from which reading can go on.

use serde::{Deserialize, Serialize};

use super::header::Delimiter;
use super::text::Found;

/// Where the reading of a file is, with all that was learnt from what lies before. As JSON it is
/// kept beside what was made of the rows before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Bytes of the file before it.
    pub offset: u64,
    /// The line that begins there.
    pub line: u64,
    pub(super) delimiter: Delimiter,
    pub(super) found: Found,
    pub(super) header: Vec<String>,
}
