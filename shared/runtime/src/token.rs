//! The API token of an embedded installation.
//!
//! There is no default password: when no token is configured, one is made from the system's
//! randomness, kept in the data directory for its owner alone, and used from then on.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::config::Secret;

/// The token's name in the data directory.
pub const FILE: &str = "admin-token";

/// The token in `data_dir`, if one was made there.
pub fn find(data_dir: &Path) -> io::Result<Option<Secret>> {
    let path = data_dir.join(FILE);
    match read(&path) {
        Ok(token) => Ok(Some(token)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The token in `data_dir`, made (with the directory) when there is none. Two processes that
/// start at once get the same one.
pub fn find_or_generate(data_dir: &Path) -> io::Result<Secret> {
    if let Some(token) = find(data_dir)? {
        return Ok(token);
    }
    let path = data_dir.join(FILE);
    fs::create_dir_all(data_dir)?;
    generate(&path)?;
    read(&path)
}

/// The token in a file of that path, without the line end that editors leave.
pub fn read(path: &Path) -> io::Result<Secret> {
    let token = fs::read_to_string(path)?;
    Ok(Secret::new(format!("file:{}", path.display()), token.trim_end()))
}

/// Writes a token aside and links it into place, so that nobody sees half of one and an existing
/// one is never replaced.
fn generate(path: &Path) -> io::Result<()> {
    let aside = path.with_extension(std::process::id().to_string());
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&aside)?;
    writeln!(file, "{}", hex::encode(rand::random::<[u8; 32]>()))?;
    file.sync_all()?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_generated_once_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");

        let none = find(&data).unwrap();
        let first = find_or_generate(&data).unwrap();
        let second = find_or_generate(&data).unwrap();

        assert_eq!(none, None);
        assert_eq!(second, first);
        assert_eq!(find(&data).unwrap().as_ref(), Some(&first));
        assert_eq!(first.expose().len(), 64);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "nothing is left aside");
        generate(&data.join(FILE)).unwrap();
        assert_eq!(find_or_generate(&data).unwrap(), first, "the first one stays");
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
