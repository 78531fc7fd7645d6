//! The API token of an embedded installation.
//!
//! There is no default password: when no token is configured, one is made from the system's
//! randomness, kept in the data directory for its owner alone, and used from then on.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::config::Secret;

const FILE: &str = "admin-token";

/// The token of the data directory, and whether this call made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// Made now: to be shown to the user once.
    Generated(Secret),
    /// Was there.
    Kept(Secret),
}

impl Token {
    /// The token, however it came to be.
    pub fn secret(&self) -> &Secret {
        match self {
            Self::Generated(secret) | Self::Kept(secret) => secret,
        }
    }
}

/// The token in `data_dir`, made (with the directory) when there is none. Two processes that
/// start at once get the same one.
pub fn find_or_generate(data_dir: &Path) -> io::Result<Token> {
    let path = data_dir.join(FILE);
    let reference = format!("file:{}", path.display());
    match fs::read_to_string(&path) {
        Ok(token) => return Ok(Token::Kept(Secret::new(reference, token.trim_end()))),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fs::create_dir_all(data_dir)?;
    let token = hex::encode(rand::random::<[u8; 32]>());
    match publish(&path, &token) {
        Ok(()) => Ok(Token::Generated(Secret::new(reference, token))),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Token::Kept(Secret::new(
            reference,
            fs::read_to_string(&path)?.trim_end(),
        ))),
        Err(error) => Err(error),
    }
}

/// Writes the token aside and links it into place, so that nobody sees half of one and an
/// existing one is never replaced.
fn publish(path: &Path, token: &str) -> io::Result<()> {
    let aside = path.with_extension(std::process::id().to_string());
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&aside)?;
    writeln!(file, "{token}")?;
    file.sync_all()?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    linked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_generated_once_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");

        let first = find_or_generate(&data).unwrap();
        let second = find_or_generate(&data).unwrap();

        assert!(matches!(first, Token::Generated(_)));
        assert_eq!(second, Token::Kept(first.secret().clone()));
        assert_eq!(first.secret().expose().len(), 64);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "nothing is left aside");
        assert!(!format!("{first:?}").contains(first.secret().expose()));
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_the_token() {
        use std::os::unix::fs::PermissionsExt;
        let data = tempfile::tempdir().unwrap();

        find_or_generate(data.path()).unwrap();

        let mode = fs::metadata(data.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
