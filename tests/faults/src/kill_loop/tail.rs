//! A file that others append to, read as it grows.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

/// The lines that have come since the last look.
#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    read: u64,
    unfinished: Vec<u8>,
}

impl Tail {
    /// Of a file that need not be there yet.
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            read: 0,
            unfinished: Vec::new(),
        }
    }

    /// Whole lines that have come since the last call.
    pub(super) fn lines(&mut self) -> Vec<String> {
        // What cannot be read now can be read at the next look.
        let _ = self.read_on();
        let Some(end) = self.unfinished.iter().rposition(|byte| *byte == b'\n') else {
            return Vec::new();
        };
        let whole: Vec<u8> = self.unfinished.drain(..=end).collect();
        String::from_utf8_lossy(&whole)
            .lines()
            .map(str::to_owned)
            .collect()
    }

    fn read_on(&mut self) -> std::io::Result<()> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.read))?;
        self.read += file.read_to_end(&mut self.unfinished)? as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write;

    use super::*;

    #[test]
    fn each_line_comes_once_and_when_it_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let mut tail = Tail::new(path.clone());
        let say = |text: &str| {
            let file = OpenOptions::new().create(true).append(true).open(&path);
            file.unwrap().write_all(text.as_bytes()).unwrap();
        };

        let before = tail.lines();
        say("one\ntw");
        let first = tail.lines();
        say("o\n");
        let second = tail.lines();

        assert_eq!([before, first, second], [vec![], vec!["one"], vec!["two"]]);
    }
}
