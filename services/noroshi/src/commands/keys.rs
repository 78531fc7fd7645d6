//! `noroshi keys`: keys that Noroshi signs with.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use runtime::ExitCode;
use runtime::gateways::{KeyError, SigningKey};

use crate::output;

/// Which key.
#[derive(Clone, Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key for Web Push (VAPID), or show the public part of one
    ///
    /// Writes a new private key to FILE, which only its owner may read, and prints the public key.
    /// A file that is there is left as it is: its public key is printed again.
    #[command(
        verbatim_doc_comment,
        after_help = "\
Subscriptions are bound to the key, so keep it as long as you want to reach them:

  noroshi keys vapid vapid.pem

  [provider.web_push]
  key = \"file:vapid.pem\"
  subject = \"mailto:ops@example.com\"

and in the browser, with what was printed:

  registration.pushManager.subscribe({userVisibleOnly: true, applicationServerKey: \"…\"})"
    )]
    Vapid {
        /// Where the private key is, or is to be.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Does it.
pub fn run(command: &KeysCommand) -> ExitCode {
    let KeysCommand::Vapid { file } = command;
    match vapid(file) {
        Ok(public_key) => {
            output::line(format_args!("{public_key}"));
            ExitCode::Done
        }
        Err(error) => {
            output::fault(&error);
            ExitCode::Usage
        }
    }
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{} cannot be read or written", .0.display())]
    File(PathBuf, #[source] io::Error),
    #[error("{} is there, and is no such key", .0.display())]
    Key(PathBuf, #[source] KeyError),
}

/// The public key of the one in `file`, which is made if it is missing.
fn vapid(file: &Path) -> Result<String, Error> {
    let refused = |error| Error::File(file.to_owned(), error);
    match std::fs::read_to_string(file) {
        Ok(pem) => {
            let key = SigningKey::from_pem(&pem).map_err(|error| Error::Key(file.to_owned(), error))?;
            Ok(key.public_key())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = SigningKey::generate();
            write_new(file, &key.to_pem()).map_err(refused)?;
            Ok(key.public_key())
        }
        Err(error) => Err(refused(error)),
    }
}

/// Writes a file that only its owner may read, and that is not there yet.
fn write_new(file: &Path, text: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_shown_again() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("vapid.pem");

        let made = vapid(&file).unwrap();
        let shown = vapid(&file).unwrap();

        assert_eq!(made, shown);
        assert_eq!(made.len(), 87);
        let pem = std::fs::read_to_string(&file).unwrap();
        assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----"));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("vapid.pem");

        vapid(&file).unwrap();

        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_is_something_else_is_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("notes.txt");
        std::fs::write(&file, "notes").unwrap();

        assert!(matches!(vapid(&file), Err(Error::Key(..))));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "notes");
    }
}
