//! Verdicts on audiences, pushes and ledgers that are made up.

use std::path::Path;

use audience::{AudienceReader, FileSettings, Packer};
use campaign::{Reason, Standing};
use uuid::Uuid;

use super::super::devices::address;
use super::*;

const CAMPAIGN: CampaignId = CampaignId(Uuid::from_u128(7));
const SENT: Standing = Standing::Settled(Reason::Accepted);
const SKIPPED: Standing = Standing::Settled(Reason::NoDevice);

/// A chunk of the recipients a, b and c.
fn recipients() -> Unpacked {
    let file = "user_id\na\nb\nc\n".as_bytes();
    let mut reader = AudienceReader::open(file, FileSettings::default(), [0; 16]).unwrap();
    let mut packer = Packer::new(None, &[]);
    while let Some(row) = reader.next_row().unwrap() {
        packer.push(&row.verdict.unwrap());
    }
    Unpacked::open(&packer.pack().bytes).unwrap()
}

fn push(user_id: &str, standing: Standing) -> Push {
    Push {
        id: PushId::of(CAMPAIGN, user_id),
        chunk: ChunkId::of(CAMPAIGN, 0),
        campaign: CAMPAIGN,
        place: 0,
        user: Some(user_id.to_owned()),
        locale: None,
        variables: Vec::new(),
        message: None,
        standing,
        settled_at: None,
    }
}

/// A line of the ledger, in its documented form.
fn line(user_id: &str) -> String {
    let (push, address) = (PushId::of(CAMPAIGN, user_id), address(device_of(user_id)));
    format!("{push}\t{address}\t\t\t0\n")
}

/// The verdict on pushes of that chunk and a ledger with those lines.
fn verdict(pushes: &[Push], lines: &[String]) -> Truth {
    let directory = tempfile::tempdir().unwrap();
    let ledger = directory.path().join("ledger");
    std::fs::write(&ledger, lines.concat()).unwrap();
    let mut truth = Truth::default();
    let mut sorter = Sorter::new(directory.path(), SORT_MEMORY);
    for expected in truth.add(CAMPAIGN, &recipients(), pushes) {
        sorter.push(expected.to_bytes()).unwrap();
    }
    truth.conclude(compare_with_ledger(sorter, Path::new(&ledger)).unwrap());
    truth
}

#[test]
fn an_audience_whose_pushes_are_final_and_received_once_has_lost_nothing() {
    let pushes = [push("a", SENT), push("b", SKIPPED), push("c", SENT)];

    let truth = verdict(&pushes, &[line("c"), line("a")]);

    assert_eq!((truth.audience, truth.lost, truth.doubled), (3, 0, 0));
    assert_eq!(truth.pushes.settled[&Reason::Accepted], 2);
    assert_eq!(truth.pushes.settled[&Reason::NoDevice], 1);
}

#[test]
fn a_push_that_is_missing_not_final_or_not_received_is_lost() {
    let missing = [push("a", SENT), push("b", SENT)];
    let open = [push("a", SENT), push("b", SENT), push("c", Standing::Granted)];
    let unreceived = [push("a", SENT), push("b", SENT), push("c", SENT)];

    for pushes in [&missing[..], &open, &unreceived] {
        let truth = verdict(pushes, &[line("a"), line("b")]);

        assert_eq!((truth.lost, truth.doubled), (1, 0));
    }
}

#[test]
fn a_push_that_was_received_twice_is_doubled_and_not_lost() {
    let pushes = [push("a", SENT), push("b", SENT), push("c", SENT)];

    let truth = verdict(&pushes, &[line("a"), line("b"), line("c"), line("b")]);

    assert_eq!((truth.lost, truth.doubled), (0, 1));
}

#[test]
fn a_push_to_nobody_of_the_audience_is_one_too_many() {
    let pushes = [
        push("a", SENT),
        push("b", SENT),
        push("c", SENT),
        push("d", SKIPPED),
    ];

    let truth = verdict(&pushes, &["a", "b", "c"].map(line));

    assert_eq!((truth.audience, truth.pushes.total()), (3, 4));
}
