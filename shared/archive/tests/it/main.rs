//! Archives as other programs read them, those that are installed, and by the directory at their end.

#![cfg(test)]

use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;
use std::process::Command;

use archive::{Archive, Block};
use flate2::read::DeflateDecoder;
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

/// What a program says; `None` where it is not installed.
fn run(command: &mut Command) -> Option<String> {
    let output = match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        output => output.unwrap(),
    };
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8(output.stdout).unwrap())
}

fn python(file: &Path) -> Option<String> {
    run(Command::new("python3").args(["-c", READ]).arg(file))
}

fn number(bytes: &[u8], at: usize, length: usize) -> usize {
    let number = bytes[at..at + length].iter().rev();
    number.fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// Name and content of each file, by the directory; sizes and checksums must be right.
fn read(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let end = archive.len() - 22;
    let mut at = number(archive, end + 16, 4);
    let mut files = Vec::new();
    while at < end {
        let (crc, size, name_length) = (
            number(archive, at + 16, 4),
            number(archive, at + 24, 4),
            number(archive, at + 28, 2),
        );
        let name = String::from_utf8(archive[at + 46..][..name_length].to_vec()).unwrap();
        let start = number(archive, at + 42, 4);
        let content = start + 30 + number(archive, start + 26, 2) + number(archive, start + 28, 2);
        let mut bytes = Vec::new();
        let mut decoder = DeflateDecoder::new(&archive[content..]);
        decoder.read_to_end(&mut bytes).unwrap();
        assert_eq!(decoder.total_in() as usize, number(archive, at + 20, 4));
        assert_eq!((bytes.len(), crc32fast::hash(&bytes) as usize), (size, crc));
        files.push((name, bytes));
        at += 46 + name_length + number(archive, at + 30, 2);
    }
    files
}

fn assert_read_by_others(bytes: &[u8], content: &[u8]) {
    let mut file = tempfile::NamedTempFile::with_suffix(".zip").unwrap();
    file.write_all(bytes).unwrap();

    let files = read(bytes);
    let told = python(file.path());

    let expected = [
        ("summary.json".to_owned(), b"{}".to_vec()),
        ("報告.csv".to_owned(), content.to_vec()),
    ];
    assert!(files == expected);
    if let Some(told) = told {
        let lines = expected.map(|(name, bytes)| {
            let length = bytes.len();
            format!("{name} {length} {} {length}\n", crc32fast::hash(&bytes))
        });
        assert_eq!(told, lines.concat());
    }
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

    let size = 65_u64 * (64 << 20);
    let local = out.windows(4).next();
    assert_eq!(local, Some(b"PK\x03\x04".as_slice()));
    let in_64_bits = size.to_le_bytes();
    assert!(out.windows(8).filter(|window| *window == in_64_bits).count() >= 2);
    if let Some(told) = run(Command::new("unzip").arg("-lq").arg(file.path())) {
        assert!(told.contains(&size.to_string()), "{told}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn any_content_is_read_back(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3_000), 0..4)) {
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();

        assert_read_by_others(&archive_of(&pieces, 1 << 20), &pieces.concat());
    }
}
