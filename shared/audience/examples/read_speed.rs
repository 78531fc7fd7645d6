//! How fast an audience file is read, beside a bare CSV reader that only fills a set.
//!
//! `cargo run --release -p audience --example read_speed -- [ROWS]`

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    reason = "it measures time and prints what it measured"
)]

use std::collections::HashSet;
use std::time::Instant;

use audience::{AudienceReader, ChunkSettings, Chunker, ReadSettings, Unpacked};

fn main() {
    let rows = std::env::args()
        .nth(1)
        .and_then(|rows| rows.parse().ok())
        .unwrap_or(1_000_000);
    let file = generate(rows);
    println!("{rows} rows, {} MB", file.len() / 1_000_000);
    for _ in 0..3 {
        measure("bare csv reader into a set", rows, || bare(&file));
        measure("audience reader", rows, || read(&file));
        measure("audience reader, packing chunks", rows, || chunk(&file).0);
    }
    let (recipients, bytes) = chunk(&file);
    println!(
        "packed: {:.1} bytes a recipient",
        bytes as f64 / recipients as f64
    );
}

fn generate(rows: u64) -> Vec<u8> {
    const ZONES: [&str; 4] = ["Asia/Tokyo", "Asia/Tokyo", "Europe/Paris", ""];
    const LOCALES: [&str; 3] = ["ja-JP", "en", ""];
    const NAMES: [&str; 5] = ["佐藤 花子", "木村 竜", "Zoë", "O'Brien", ""];
    let mut file = String::from("user_id,time_zone,locale,name,rank\n");
    for row in 0..rows {
        let random = row.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
        let zone = ZONES[(random >> 3) as usize % 4];
        let locale = LOCALES[(random >> 9) as usize % 3];
        let name = NAMES[(random >> 15) as usize % 5];
        file += &format!(
            "u{:012},{zone},{locale},{name},{}\n",
            random % 1_000_000_000_000,
            random % 100
        );
    }
    file.into_bytes()
}

fn measure(what: &str, rows: u64, run: impl FnOnce() -> u64) {
    let start = Instant::now();
    let accepted = run();
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{:.2} M rows/s  {what}, {accepted} accepted",
        rows as f64 / seconds / 1e6
    );
}

fn bare(file: &[u8]) -> u64 {
    let mut ids = HashSet::new();
    for record in csv::Reader::from_reader(file).into_records() {
        ids.insert(record.expect("the file is generated")[0].to_owned());
    }
    ids.len() as u64
}

fn read(file: &[u8]) -> u64 {
    let mut reader = open(file);
    let mut accepted = 0;
    while let Some(row) = reader.next_row().expect("the file is generated") {
        accepted += u64::from(row.verdict.is_ok());
    }
    accepted
}

/// The recipients, and the bytes that their chunks take.
fn chunk(file: &[u8]) -> (u64, usize) {
    let mut reader = open(file);
    let mut chunker = Chunker::new(ChunkSettings::default(), reader.variables());
    let mut chunks = Vec::new();
    while let Some(row) = reader.next_row().expect("the file is generated") {
        chunks.extend(row.verdict.ok().and_then(|recipient| chunker.push(&recipient)));
    }
    chunks.extend(chunker.finish());
    let size = |bytes| Unpacked::open(bytes).expect("just packed").size() as u64;
    let recipients = chunks.iter().map(|chunk| size(&chunk.packed.bytes)).sum();
    (
        recipients,
        chunks.iter().map(|chunk| chunk.packed.bytes.len()).sum(),
    )
}

fn open(file: &[u8]) -> AudienceReader<&[u8]> {
    AudienceReader::open(file, ReadSettings::default()).expect("the file is generated")
}
