//! What was reached and what happened, in a file that outlives the process.
//!
//! Each line is one write to a file opened for appending, so that it is there when the process
//! is killed the moment after, and lines of several processes do not mix.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// The file, or nothing where none is wanted.
#[derive(Debug)]
pub(crate) struct Journal(Option<File>);

impl Journal {
    pub(crate) fn open(path: Option<&Path>) -> io::Result<Self> {
        let open = |path| OpenOptions::new().create(true).append(true).open(path);
        Ok(Self(path.map(open).transpose()?))
    }

    pub(crate) fn write(&self, line: &str) {
        if let Some(mut file) = self.0.as_ref() {
            file.write_all(format!("{line}\n").as_bytes())
                .expect("a proof whose journal cannot be written proves nothing");
        }
    }
}
