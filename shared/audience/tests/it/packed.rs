//! Packed chunks: there and back, erased, and broken.

use audience::{Corrupt, Packed, Packer, Recipient, Unpacked, erase};
use proptest::prelude::*;

use super::open;

/// Packs the accepted rows of a file, which all have one time zone.
fn pack(file: &str) -> Packed {
    let mut reader = open(file.as_bytes());
    let mut packer: Option<Packer> = None;
    let names = reader.variables().to_vec();
    while let Some(row) = reader.next_row().unwrap() {
        let recipient = row.verdict.unwrap();
        packer
            .get_or_insert_with(|| Packer::new(recipient.time_zone, &names))
            .push(&recipient);
    }
    packer.unwrap_or_default().pack()
}

fn ids(chunk: &Unpacked) -> Vec<Option<&str>> {
    chunk
        .iter()
        .map(|recipient| recipient.map(|recipient| recipient.user_id))
        .collect()
}

const FILE: &str = "user_id,time_zone,locale,name,rank\n\
    u1,Asia/Tokyo,ja,佐藤 花子,7\nu2,Asia/Tokyo,,,\nu3,Asia/Tokyo,en,Zoë,\nu4,Asia/Tokyo,ja,,9\n";

#[test]
fn what_is_packed_is_unpacked() {
    let packed = pack(FILE);
    let chunk = Unpacked::open(&packed.bytes).unwrap();

    assert_eq!(packed.size, 4);
    assert_eq!(chunk.size(), 4);
    assert_eq!(chunk.time_zone().unwrap().name(), "Asia/Tokyo");
    assert_eq!(chunk.variables(), ["name", "rank"]);
    assert_eq!(ids(&chunk), [Some("u1"), Some("u2"), Some("u3"), Some("u4")]);
    let Recipient {
        locale, variables, ..
    } = chunk.get(0).unwrap();
    assert_eq!(locale, Some("ja"));
    assert_eq!(
        variables.iter().collect::<Vec<_>>(),
        [("name", "佐藤 花子"), ("rank", "7")]
    );
    assert_eq!(chunk.get(1).unwrap().locale, None);
    assert_eq!(chunk.get(4), None);
}

#[test]
fn an_erased_user_leaves_an_empty_place_and_no_trace() {
    let packed = pack(FILE);

    let erased = erase(&packed.bytes, "u1").unwrap().unwrap();

    let chunk = Unpacked::open(&erased).unwrap();
    assert_eq!(ids(&chunk), [None, Some("u2"), Some("u3"), Some("u4")]);
    assert_eq!(chunk.get(2), Unpacked::open(&packed.bytes).unwrap().get(2));
    assert!(!erased.windows(6).any(|window| window == "佐藤".as_bytes()));
    assert_eq!(erase(&erased, "u1").unwrap(), None, "a repeat");
    assert_eq!(erase(&erased, "u9").unwrap(), None);
    let twice = erase(&erased, "u4").unwrap().unwrap();
    assert_eq!(
        ids(&Unpacked::open(&twice).unwrap()),
        [None, Some("u2"), Some("u3"), None]
    );
}

#[test]
fn an_empty_chunk_is_a_chunk() {
    let packed = Packer::new(None, &[]).pack();
    let chunk = Unpacked::open(&packed.bytes).unwrap();

    assert_eq!((chunk.size(), chunk.time_zone()), (0, None));
}

#[test]
fn the_digest_tells_contents_apart_and_nothing_else() {
    assert_eq!(pack(FILE), pack(FILE));
    assert_ne!(pack(FILE).digest, pack(&FILE.replace("u4", "u5")).digest);
    assert_ne!(
        pack(FILE).digest,
        pack(&FILE.replace("Asia/Tokyo", "Asia/Seoul")).digest
    );
    assert_ne!(pack(FILE).digest, pack(&FILE.replace("rank", "tank")).digest);
}

#[test]
fn a_version_that_is_not_known_is_told() {
    let mut bytes = pack(FILE).bytes;
    bytes[0] = 9;

    assert_eq!(Unpacked::open(&bytes).unwrap_err(), Corrupt::Version(9));
}

#[test]
fn every_single_changed_byte_is_noticed() {
    let bytes = pack(FILE).bytes;

    for position in 0..bytes.len() {
        let mut broken = bytes.clone();
        broken[position] ^= 0x20;
        assert!(Unpacked::open(&broken).is_err(), "byte {position}");
        assert!(Unpacked::open(&bytes[..position]).is_err(), "cut at {position}");
    }
}

/// Bytes with the right checksum: only the reading itself is in the way of a panic.
fn forged(content: &[u8]) -> Vec<u8> {
    let compressed = lz4_flex::compress_prepend_size(content);
    checked(&compressed)
}

fn checked(compressed: &[u8]) -> Vec<u8> {
    let checksum = xxhash_rust::xxh3::xxh3_64(compressed).to_be_bytes();
    [&[1], checksum.as_slice(), compressed].concat()
}

#[test]
fn counts_and_lengths_that_promise_too_much_ask_for_no_memory() {
    let most = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F];
    let variables = [&[20], most.as_slice(), &[0, 1], &[0; 13]].concat();
    let recipients = [&[20, 0, 0], most.as_slice(), &[0; 13]].concat();

    assert!(Unpacked::open(&forged(&variables)).is_err());
    assert!(Unpacked::open(&forged(&recipients)).is_err());
    assert!(
        Unpacked::open(&checked(&[0xFF, 0xFF, 0xFF, 0x7F, 0, 0])).is_err(),
        "the block's own length"
    );
}

proptest! {
    #[test]
    fn whatever_is_accepted_survives_packing(
        rows in prop::collection::vec(("[a-z]{1,20}", "[ja-p]{0,5}", "\\PC{0,60}"), 0..60)
    ) {
        let mut file = csv::Writer::from_writer(Vec::new());
        file.write_record(["user_id", "locale", "note"]).unwrap();
        for (position, (id, locale, note)) in rows.iter().enumerate() {
            file.write_record([format!("{id}{position}").as_str(), locale, note]).unwrap();
        }
        let file = file.into_inner().unwrap();
        let mut reader = open(file.as_slice());
        let mut packer = Packer::new(None, reader.variables());
        let mut written = Vec::new();
        while let Some(row) = reader.next_row().unwrap() {
            if let Ok(recipient) = row.verdict {
                packer.push(&recipient);
                written.push(format!("{recipient:?}"));
            }
        }

        let packed = packer.pack();
        let chunk = Unpacked::open(&packed.bytes).unwrap();

        let read: Vec<String> = chunk.iter().flatten().map(|recipient| format!("{recipient:?}")).collect();
        prop_assert_eq!(read, written);
    }

    #[test]
    fn forged_content_is_an_error_or_a_chunk_and_never_a_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut content = lz4_flex::decompress_size_prepended(&pack(FILE).bytes[9..]).unwrap();
        for (position, byte) in changes {
            let position = position.index(content.len());
            content[position] = byte;
        }
        let cut = content.len() - cut.index(8);

        if let Ok(chunk) = Unpacked::open(&forged(&content[..cut])) {
            for recipient in chunk.iter().flatten() {
                prop_assert_eq!(recipient.variables.iter().count(), chunk.variables().len());
            }
        }
    }

    #[test]
    fn any_bytes_are_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Unpacked::open(&bytes).is_err());
        let _ = Unpacked::open(&checked(&bytes));
        let _ = Unpacked::open(&forged(&bytes));
    }
}
