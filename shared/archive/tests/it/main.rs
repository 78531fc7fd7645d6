//! Archives as other programs read them.

#![cfg(test)]

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use archive::{Archive, Block};
use proptest::prelude::*;

/// Prints each file's name, size and CRC, after checking all of them.
const READ: &str = r"
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    for info in archive.infolist():
        print(info.filename, info.file_size, info.CRC, len(archive.read(info)) if info.file_size < 1e8 else '')
        if len(sys.argv) > 2 and info.filename == sys.argv[2]:
            sys.stdout.buffer.write(archive.read(info))
";

/// Each piece is deflated by itself, and the archive's state goes through JSON after each.
fn archive_of(pieces: &[&[u8]], most_bytes: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut archive = Archive::new();
    archive.begin(&mut out, "summary.json", 2);
    archive.push(&mut out, &Block::deflate(b"{}"));
    archive.end(&mut out);
    archive.begin(&mut out, "報告.csv", most_bytes);
    for piece in pieces {
        archive.push(&mut out, &Block::deflate(piece));
        let stored = serde_json::to_string(&archive).unwrap();
        archive = serde_json::from_str(&stored).unwrap();
    }
    archive.end(&mut out);
    archive.finish(&mut out);
    assert_eq!(archive.len(), out.len() as u64);
    out
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn python(file: &Path) -> String {
    run(Command::new("python3").args(["-c", READ]).arg(file))
}

fn assert_read_by_others(bytes: &[u8], content: &[u8]) {
    let mut file = tempfile::NamedTempFile::with_suffix(".zip").unwrap();
    file.write_all(bytes).unwrap();

    let told = python(file.path());

    let crc = crc32fast::hash(content);
    let length = content.len();
    assert_eq!(
        told,
        format!(
            "summary.json 2 {} 2\n報告.csv {length} {crc} {length}\n",
            crc32fast::hash(b"{}")
        )
    );
    run(Command::new("unzip").arg("-tq").arg(file.path()));
}

#[test]
fn an_archive_is_read_by_unzip_and_by_python() {
    let long = "1,u1,accepted,\r\n".repeat(50_000);
    let pieces: [&[u8]; 4] = [long.as_bytes(), b"", b"x", long.as_bytes()];

    assert_read_by_others(&archive_of(&pieces, 1_000_000), &pieces.concat());
}

#[test]
fn a_file_that_may_be_over_four_gibibytes_is_read_as_well() {
    let piece = b"1,u1,accepted,\r\n";

    assert_read_by_others(&archive_of(&[piece], 1 << 33), piece);
}

#[test]
fn noise_is_not_lost_where_a_block_does_not_get_smaller() {
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(1 << 20)
    .collect();

    assert_read_by_others(
        &archive_of(&[&noise, &noise], 4 << 20),
        &[noise.clone(), noise].concat(),
    );
}

#[test]
fn a_file_over_four_gibibytes_keeps_its_sizes() {
    let piece = vec![b'a'; 64 << 20];
    let block = Block::deflate(&piece);
    let mut out = Vec::new();
    let mut archive = Archive::new();
    archive.begin(&mut out, "a.csv", 5 << 30);
    for _ in 0..65 {
        archive.push(&mut out, &block);
    }
    archive.end(&mut out);
    archive.finish(&mut out);
    let mut file = tempfile::NamedTempFile::with_suffix(".zip").unwrap();
    file.write_all(&out).unwrap();

    let told = run(Command::new("unzip").arg("-lq").arg(file.path()));

    assert!(told.contains(&(65_u64 * (64 << 20)).to_string()), "{told}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_content_is_read_back(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3_000), 0..4)) {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();

        assert_read_by_others(&archive_of(&pieces, 1 << 20), &pieces.concat());
    }
}
