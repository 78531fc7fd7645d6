//! Which recipient is in which chunk.

use audience::{
    Chunk, ChunkSettings, FileSettings, MAX_CHUNK_RECIPIENTS, Merge, Position, Role, RowReader, Spread,
    Unpacked, estimated_commit_bytes,
};

fn chunks(file: &str, settings: ChunkSettings) -> Vec<Chunk> {
    sorted(file, settings, 1)
}

/// Of a file that is sorted in so many partitions.
fn sorted(file: &str, settings: ChunkSettings, partitions: u32) -> Vec<Chunk> {
    let mut reader = RowReader::open(file.as_bytes(), FileSettings::default()).unwrap();
    let mut spread = Spread::new([7; 16], partitions);
    while let Some(row) = reader.next_row().unwrap() {
        if let Ok(recipient) = row.verdict {
            spread.push(row.line, &recipient);
        }
    }
    let runs = spread.take();
    let mut merge = Merge::new(settings, reader.variables());
    let mut chunks = Vec::new();
    let mut carried: Vec<Vec<u8>> = Vec::new();
    for partition in 0..partitions {
        for run in &carried {
            merge.add(Role::Carried, run).unwrap();
        }
        for run in runs.iter().filter(|run| run.partition == partition) {
            merge.add(Role::Rows, &run.bytes).unwrap();
        }
        let position = if partition + 1 == partitions {
            Position::Last
        } else {
            Position::Middle
        };
        let merged = merge.finish(position).unwrap();
        chunks.extend(merged.chunks);
        carried = merged.carried;
    }
    chunks
}

/// Each chunk as zone and ids.
fn contents(chunks: &[Chunk]) -> Vec<(String, Vec<String>)> {
    let ids = |chunk: &Unpacked| {
        chunk
            .iter()
            .flatten()
            .map(|recipient| recipient.user_id.to_owned())
            .collect()
    };
    let zone = |chunk: &Chunk| {
        chunk
            .time_zone
            .map_or("campaign's", |zone| zone.name())
            .to_owned()
    };
    let open = |chunk: &Chunk| Unpacked::open(&chunk.packed.bytes).unwrap();
    chunks
        .iter()
        .map(|chunk| (zone(chunk), ids(&open(chunk))))
        .collect()
}

fn small(recipients: u32) -> ChunkSettings {
    ChunkSettings {
        recipients,
        ..ChunkSettings::default()
    }
}

fn rows(count: u32, note: &str) -> String {
    (0..count).fold("user_id,note\n".to_owned(), |file, row| {
        file + &format!("u{row},{note}\n")
    })
}

#[test]
fn a_chunk_has_one_time_zone_and_none_is_one_of_its_own() {
    let file = "user_id,time_zone\nu1,Asia/Tokyo\nu2,\nu3,Asia/Tokyo\nu4,UTC\nu5,Asia/Tokyo\nu6,\n";
    let chunks = chunks(file, small(2));

    let expected = [
        ("Asia/Tokyo", vec!["u1", "u3"]),
        ("campaign's", vec!["u2", "u6"]),
        ("Asia/Tokyo", vec!["u5"]),
        ("UTC", vec!["u4"]),
    ];
    assert_eq!(
        contents(&chunks),
        expected.map(|(zone, ids)| (zone.to_owned(), ids.into_iter().map(str::to_owned).collect()))
    );
}

#[test]
fn no_partition_closes_a_chunk_before_it_is_full() {
    let file = (0..5_000).fold("user_id,time_zone\n".to_owned(), |file, user| {
        file + &format!("u{user},{}\n", ["", "Asia/Tokyo", "UTC"][user % 3])
    });

    let mut sizes: Vec<_> = sorted(&file, small(100), 64)
        .iter()
        .map(|chunk| chunk.packed.size)
        .collect();

    sizes.sort_unstable();
    // 1,667, 1,667 and 1,666 users.
    assert_eq!(sizes[..3], [66, 67, 67]);
    assert!(sizes[3..].iter().all(|size| *size == 100));
}

#[test]
fn four_hundred_and_ninety_nine_are_the_most() {
    let sizes = |settings| -> Vec<u32> {
        chunks(&rows(1_000, ""), settings)
            .iter()
            .map(|chunk| chunk.packed.size)
            .collect()
    };

    assert_eq!(sizes(ChunkSettings::default()), [499, 499, 2]);
    assert_eq!(sizes(small(9_999)), [499, 499, 2]);
}

#[test]
fn a_chunks_commit_stays_within_its_bytes() {
    let settings = ChunkSettings {
        commit_bytes: 100_000,
        ..ChunkSettings::default()
    };

    let chunks = chunks(&rows(300, &"x".repeat(2_000)), settings);

    assert!(chunks.len() > 5);
    for chunk in &chunks {
        let chunk = Unpacked::open(&chunk.packed.bytes).unwrap();
        let bytes: usize = chunk
            .iter()
            .flatten()
            .map(|recipient| estimated_commit_bytes(&recipient))
            .sum();
        assert!(bytes <= 100_000 && bytes > 90_000 || chunk.size() < 30, "{bytes}");
    }
    assert_eq!(chunks.iter().map(|chunk| chunk.packed.size).sum::<u32>(), 300);
}

#[test]
fn the_largest_rows_there_can_be_fill_a_chunk_within_the_default_bytes() {
    let header: String = (0..62).map(|column| format!(",{column:0>128}")).collect();
    let value = "x".repeat(33);
    let row = |row: u32| format!("u{row:0>127},ja{}\n", format!(",{value}").repeat(62));
    let file = (0..499).fold(format!("user_id,locale{header}\n"), |file, number| {
        file + &row(number)
    });

    let chunks = chunks(&file, ChunkSettings::default());

    assert_eq!(chunks.iter().map(|chunk| chunk.packed.size).sum::<u32>(), 499);
    assert!(chunks.len() <= 3, "even so a chunk holds hundreds");
    assert!(chunks[0].packed.size < MAX_CHUNK_RECIPIENTS);
}

#[test]
fn with_many_time_zones_what_is_carried_stays_within_its_memory() {
    let zones = chrono_tz::TZ_VARIANTS.iter().take(100);
    let file = zones
        .enumerate()
        .fold("user_id,time_zone,note\n".to_owned(), |file, (row, zone)| {
            file + &format!("u{row},{},{}\n", zone.name(), "x".repeat(1_000))
        });
    let settings = ChunkSettings {
        carried_bytes: 10_000,
        ..ChunkSettings::default()
    };
    let file = file.clone() + &file.replace("\nu", "\nv").replace("user_id,time_zone,note\n", "");

    let early = sorted(&file, settings, 16);
    let full = sorted(&file, ChunkSettings::default(), 16);

    assert_eq!(early.iter().map(|chunk| chunk.packed.size).sum::<u32>(), 200);
    assert!(early.len() > 150, "most are alone: {}", early.len());
    assert_eq!(full.len(), 100);
}

#[test]
fn the_same_file_makes_the_same_chunks() {
    let file = rows(2_000, "y");

    assert_eq!(chunks(&file, small(37)), chunks(&file, small(37)));
}
