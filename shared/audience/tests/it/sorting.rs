//! Sorting against a reader that keeps everything in memory: the same is accepted, the same is
//! a duplicate of the same, for any number of partitions and wherever runs are cut.

use std::collections::{BTreeMap, BTreeSet};

use audience::{
    AudienceReader, Chunk, ChunkSettings, Duplicate, FileSettings, LINES_OF_A_DUPLICATE_RUN, Merge, Position,
    Recipient, Rejection, Role, RowReader, Run, Spread, Unpacked, partition_count, read_duplicates,
};
use proptest::prelude::*;

/// What sorting makes of a file.
#[derive(Debug, Default, PartialEq)]
struct Sorted {
    chunks: Vec<Chunk>,
    duplicates: Vec<Duplicate>,
    most_carried: usize,
}

fn settings() -> ChunkSettings {
    ChunkSettings {
        recipients: 3,
        ..ChunkSettings::default()
    }
}

/// Sorts; runs are given out whenever they have `cut` bytes, and every partition is merged by a
/// merge of its own, as after a takeover.
fn sort(file: &str, partitions: u32, cut: usize) -> Sorted {
    let (names, runs) = spread(file, partitions, cut);
    let mut sorted = Sorted::default();
    let mut carried: Vec<Vec<u8>> = Vec::new();
    let mut stretches: BTreeMap<u32, Vec<Vec<u8>>> = BTreeMap::new();
    for partition in 0..partitions {
        let mut merge = Merge::new(settings(), &names);
        for run in &carried {
            merge.add(Role::Carried, run).unwrap();
        }
        for run in runs.iter().filter(|run| run.partition == partition) {
            merge.add(Role::Rows, &run.bytes).unwrap();
        }
        let is_last = partition + 1 == partitions;
        let position = if is_last { Position::Last } else { Position::Middle };
        let merged = merge.finish(position).unwrap();
        sorted.chunks.extend(merged.chunks);
        carried = merged.carried;
        sorted.most_carried = sorted.most_carried.max(carried.len());
        for run in merged.duplicates {
            stretches.entry(run.stretch).or_default().push(run.bytes);
        }
    }
    assert!(carried.is_empty());
    for (stretch, runs) in stretches {
        let runs = runs.iter().map(Vec::as_slice);
        sorted.duplicates.extend(read_duplicates(stretch, runs).unwrap());
    }
    sorted
}

fn spread(file: &str, partitions: u32, cut: usize) -> (Vec<String>, Vec<Run>) {
    let mut reader = RowReader::open(file.as_bytes(), FileSettings::default()).unwrap();
    let mut spread = Spread::new([9; 16], partitions);
    let mut runs = Vec::new();
    while let Some(row) = reader.next_row().unwrap() {
        if let Ok(recipient) = row.verdict {
            spread.push(row.line, &recipient);
        }
        if spread.bytes() > cut {
            runs.extend(spread.take());
        }
    }
    runs.extend(spread.take());
    (reader.variables().to_vec(), runs)
}

/// Accepted recipients as text, and duplicates, by everything in memory.
fn model(file: &str) -> (BTreeSet<String>, Vec<Duplicate>) {
    let mut reader = AudienceReader::open(file.as_bytes(), FileSettings::default(), [1; 16]).unwrap();
    let (mut accepted, mut duplicates) = (BTreeSet::new(), Vec::new());
    while let Some(row) = reader.next_row().unwrap() {
        match row.verdict {
            Ok(recipient) => assert!(accepted.insert(told(&recipient))),
            Err(Rejection::Duplicate { of_line }) => duplicates.push(Duplicate {
                line: row.line,
                of_line,
            }),
            Err(_) => {}
        }
    }
    (accepted, duplicates)
}

fn told(recipient: &Recipient<'_>) -> String {
    format!("{recipient:?}")
}

/// Everybody in the chunks; nobody may be there twice.
fn recipients(chunks: &[Chunk]) -> BTreeSet<String> {
    let mut recipients = BTreeSet::new();
    for chunk in chunks {
        let unpacked = Unpacked::open(&chunk.packed.bytes).unwrap();
        assert_eq!(unpacked.time_zone(), chunk.time_zone);
        for recipient in unpacked.iter() {
            assert!(recipients.insert(told(&recipient.unwrap())));
        }
    }
    recipients
}

fn file() -> impl Strategy<Value = String> {
    let zone = prop_oneof![Just(""), Just("Asia/Tokyo"), Just("UTC"), Just("Nowhere")];
    let row = ("[a-d]{0,2}", zone, "(|ja|en-US)", "[x狼]{0,4}");
    prop::collection::vec(row, 0..60).prop_map(|rows| {
        rows.into_iter().fold(
            "user_id,time_zone,locale,note\n".to_owned(),
            |file, (id, zone, locale, note)| file + &format!("{id},{zone},{locale},{note}\n"),
        )
    })
}

proptest! {
    #[test]
    fn any_file_gives_what_memory_would(file in file(), partitions in 1..9_u32, cut in 0..2_000_usize) {
        let (accepted, duplicates) = model(&file);

        let sorted = sort(&file, partitions, cut);

        prop_assert_eq!(recipients(&sorted.chunks), accepted);
        prop_assert_eq!(sorted.duplicates, duplicates);
    }

    #[test]
    fn where_runs_are_cut_makes_no_difference(file in file(), partitions in 1..9_u32, cut in 0..2_000_usize) {
        prop_assert_eq!(sort(&file, partitions, cut), sort(&file, partitions, usize::MAX));
    }
}

/// Users of other lists, who take part with a role.
fn users() -> impl Strategy<Value = BTreeSet<String>> {
    prop::collection::btree_set("[a-d]{1,2}", 0..12)
}

/// The ids that one partition becomes.
fn ids_of(merged: &audience::Merged) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for chunk in &merged.chunks {
        for recipient in Unpacked::open(&chunk.packed.bytes).unwrap().iter() {
            assert!(ids.insert(recipient.unwrap().user_id.to_owned()));
        }
    }
    assert_eq!(ids.len() as u64, merged.recipients);
    ids
}

fn run_of(users: &BTreeSet<String>) -> Vec<Vec<u8>> {
    let mut spread = Spread::new([9; 16], 1);
    users.iter().for_each(|user| spread.push_user(user));
    spread.take().into_iter().map(|run| run.bytes).collect()
}

proptest! {
    #[test]
    fn lists_take_part_as_sets_do(
        file in users(), included in users(), excluded in users(), required in prop::option::of(users()), is_removed: bool,
    ) {
        let mut merge = Merge::new(settings(), &[]);
        if required.is_some() {
            merge = merge.of_required();
        }
        let of_file = if is_removed { Role::Removed } else { Role::Rows };
        let lists = [
            (Role::Required, required.clone().unwrap_or_default()),
            (Role::Excluded, excluded.clone()),
            (of_file, file.clone()),
            (Role::Included, included.clone()),
        ];
        for (role, users) in &lists {
            for run in run_of(users) {
                merge.add(*role, &run).unwrap();
            }
        }

        let merged = merge.finish(Position::Last).unwrap();

        let expected: BTreeSet<_> = included
            .into_iter()
            .chain((!is_removed).then(|| file.clone()).into_iter().flatten())
            .filter(|user| !excluded.contains(user))
            .filter(|user| !is_removed || !file.contains(user))
            .filter(|user| required.as_ref().is_none_or(|required| required.contains(user)))
            .collect();
        prop_assert_eq!(ids_of(&merged), expected);
    }
}

#[test]
fn a_user_on_every_line_takes_no_memory_for_its_duplicates() {
    let rows = 250_000;
    let file = format!("user_id\n{}", "u1\n".repeat(rows));

    let sorted = sort(&file, 2, 1 << 20);

    assert_eq!(sorted.chunks.len(), 1);
    assert_eq!(sorted.duplicates.len(), rows - 1);
    assert_eq!(sorted.duplicates.first().map(|first| first.line), Some(3));
    let last = u32::try_from(rows).unwrap() + 1;
    assert!(last / LINES_OF_A_DUPLICATE_RUN > 1, "several stretches");
    assert_eq!(
        sorted.duplicates.last(),
        Some(&Duplicate {
            line: last,
            of_line: 2
        })
    );
}

#[test]
fn runs_are_under_one_mebibyte_whatever_they_hold() {
    let noise = |row: u64| {
        (0..120).fold(String::new(), |text, part| {
            text + &format!("{:016x}", (row * 120 + part).wrapping_mul(0x9E37_79B9_7F4A_7C15))
        })
    };
    let file = (0..2_000).fold("user_id,note\n".to_owned(), |file, row| {
        file + &format!("u{row},{}\n", noise(row))
    });

    let (_, runs) = spread(&file, 1, usize::MAX);

    assert!(runs.len() > 3);
    assert!(runs.iter().all(|run| run.bytes.len() <= 1 << 20));
}

#[test]
fn partitions_are_as_many_as_the_memory_asks_for() {
    assert_eq!(partition_count(0, 8 << 20), 1);
    assert_eq!(partition_count(8 << 20, 8 << 20), 1);
    assert_eq!(partition_count((8 << 20) + 1, 8 << 20), 2);
    assert_eq!(partition_count(u64::MAX, 8 << 20), 4_096);
}
