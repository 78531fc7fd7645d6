//! Noroshi's own binaries, built from the sources that are being tested.
//!
//! Cargo tells a test only of its own package's binaries, and one that merely lies in the target
//! directory may be older than the sources. So cargo is asked each time; when all is fresh, which
//! it is under `tests/run`, the answer takes a fraction of a second.

use std::env;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cargo_metadata::Message;

/// The executable of the workspace's binary target `name` (`noroshi`, `noroshi-fan-out`), in the
/// profile of the running test.
///
/// # Panics
/// If it does not compile, or there is no such target.
pub fn binary(name: &str) -> PathBuf {
    let test = env::current_exe().expect("a running test has an executable");
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        // Features of dependencies are unified over what is selected. The whole workspace with a
        // test is what `cargo test --workspace` selects; less would build the dependencies anew.
        .args(["build", "--workspace", "--bin", name, "--test", "architecture"])
        .args([
            "--profile",
            profile_of(&test),
            "--quiet",
            "--message-format=json-render-diagnostics",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be started, as it started this test");
    assert!(
        output.status.success(),
        "cargo could not build the binary `{name}`"
    );
    executable(name, &output.stdout).unwrap_or_else(|| panic!("cargo built no binary `{name}`"))
}

/// The profile of an executable in `<target>/<profile>/deps`.
fn profile_of(executable: &Path) -> &str {
    let directory = executable
        .ancestors()
        .nth(2)
        .and_then(Path::file_name)
        .and_then(|name| name.to_str());
    match directory {
        None | Some("debug") => "dev",
        Some(profile) => profile,
    }
}

/// What cargo's messages say of where it put the binary `name`.
fn executable(name: &str, messages: &[u8]) -> Option<PathBuf> {
    Message::parse_stream(Cursor::new(messages)).find_map(|message| match message {
        Ok(Message::CompilerArtifact(artifact))
            if artifact.target.is_bin() && artifact.target.name == name =>
        {
            artifact.executable.map(PathBuf::from)
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_read_from_where_the_test_lies() {
        assert_eq!(profile_of(Path::new("/src/target/debug/deps/journeys-0f")), "dev");
        assert_eq!(
            profile_of(Path::new("/src/target/release/deps/journeys-0f")),
            "release"
        );
        assert_eq!(
            profile_of(Path::new(
                "/src/target/x86_64-unknown-linux-musl/lean/deps/journeys-0f"
            )),
            "lean"
        );
    }

    #[test]
    fn the_command_is_built_and_found() {
        let noroshi = binary("noroshi");

        assert!(noroshi.is_file(), "{} is not there", noroshi.display());
    }
}
