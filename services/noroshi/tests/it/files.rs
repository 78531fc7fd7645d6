//! Files that were made to harm: what they cost a running installation.

use std::io::{BufRead, BufReader, Cursor, Write};
use std::process::{Child, Command, Stdio};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Shell, code};

/// What a process may come to need more, for all that it reads: some parts and blocks.
const ROOM: u64 = 48 << 20;

/// A running installation.
struct Up {
    process: Child,
    api: String,
}

impl Up {
    fn start(shell: &Shell) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_noroshi"))
            .arg("up")
            .current_dir(shell.directory.path())
            .env_clear()
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap()).lines();
        let api = said.find_map(|line| {
            let line = line.unwrap();
            let (_, rest) = line.split_once("The API listens on ")?;
            Some(rest.split("/v1").next()?.to_owned())
        });
        // What else it says is not for anybody, and must not fill the pipe.
        std::thread::spawn(move || said.for_each(drop));
        Self {
            process,
            api: api.unwrap(),
        }
    }

    /// The most memory that it needed so far, in bytes.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let kibibytes: u64 = line.trim().strip_suffix("kB").unwrap().trim().parse().unwrap();
        kibibytes << 10
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn zip(content: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("users.csv", SimpleFileOptions::default()).unwrap();
    zip.write_all(content).unwrap();
    zip.finish().unwrap().into_inner()
}

#[cfg(target_os = "linux")]
#[test]
fn hostile_files_are_refused_and_cost_no_memory() {
    let shell = Shell::new();
    shell.write(
        "noroshi.toml",
        "[admin]\nlisten = \"127.0.0.1:0\"\n[sender]\nlisten = \"127.0.0.1:0\"\n[log]\nlevel = \"warn\"\n",
    );
    let write =
        |name: &str, content: &[u8]| std::fs::write(shell.directory.path().join(name), content).unwrap();
    let rows = "n".repeat(1_000) + ",u1\n";
    write(
        "good.csv",
        ("note,user_id\n".to_owned() + &rows.repeat(12_000)).as_bytes(),
    );
    let columns = (0..1_000_000).map(|no| format!("c{no},")).collect::<String>();
    let quote = "user_id,note\nu1,\"".to_owned() + &"a".repeat(40 << 20);
    let bomb = [b"user_id\n".to_vec(), vec![b'\n'; 200 << 20]].concat();
    for (name, content) in [
        ("nul.csv", vec![0; 40 << 20]),
        ("columns.csv", columns.into_bytes()),
        ("quote.csv", quote.into_bytes()),
        ("delimiters.csv", vec![b','; 40 << 20]),
        ("bomb.zip", zip(&bomb)),
    ] {
        write(name, &content);
    }
    drop(bomb);
    let up = Up::start(&shell);
    let import = |file: &str| shell.run(&["audiences", "import", file, "--api", &up.api]);

    let good = import("good.csv");
    let before = up.peak();
    for hostile in [
        "nul.csv",
        "columns.csv",
        "quote.csv",
        "delimiters.csv",
        "bomb.zip",
    ] {
        let refused = import(hostile);
        assert_eq!(code(&refused), 64, "{hostile}: {refused:?}");
    }

    assert_eq!(code(&good), 0, "{good:?}");
    let more = up.peak() - before;
    assert!(more < ROOM, "{} MiB more than for a good file", more >> 20);
}
