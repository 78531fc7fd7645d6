//! The law that a campaign must obey to be finished.

use campaign::{Balance, CampaignState, PushState, Raised, Reason, Standing, Tally};

fn tally(counts: &[(Standing, u64)]) -> Tally {
    let mut tally = Tally::default();
    for (standing, count) in counts {
        tally.add(*standing, *count);
    }
    tally
}

fn in_words(balance: &Balance) -> Vec<String> {
    balance.missing().iter().map(ToString::to_string).collect()
}

#[test]
fn counts_are_by_state_and_by_reason() {
    let first = tally(&[
        (Standing::Settled(Reason::Accepted), 90),
        (Standing::Settled(Reason::NoDevice), 4),
        (Standing::Settled(Reason::OptedOut), 3),
        (Standing::Pending, 2),
    ]);
    let second = tally(&[(Standing::Settled(Reason::NoDevice), 1), (Standing::Granted, 5)]);

    let sum: Tally = [&first, &second].into_iter().sum();

    assert_eq!(sum.count(PushState::Sent), 90);
    assert_eq!(sum.count(PushState::Skipped), 8);
    assert_eq!(sum.count(PushState::Granted), 5);
    assert_eq!(sum.settled(), 98);
    assert_eq!(sum.total(), 105);
    assert_eq!(sum.settled[&Reason::NoDevice], 5);
}

#[test]
fn a_campaign_with_everything_settled_lacks_nothing() {
    let balance = Balance {
        audience: 10,
        expanded: 10,
        tally: tally(&[
            (Standing::Settled(Reason::Accepted), 9),
            (Standing::Settled(Reason::Unregistered), 1),
        ]),
        open_chunks: 0,
        open_intents: 0,
    };

    assert_eq!(balance.missing(), []);
}

#[test]
fn what_is_missing_is_said_in_words() {
    let balance = Balance {
        audience: 1_000,
        expanded: 499,
        tally: tally(&[
            (Standing::Settled(Reason::Accepted), 400),
            (Standing::Pending, 98),
        ]),
        open_chunks: 2,
        open_intents: 1,
    };

    assert_eq!(
        in_words(&balance),
        [
            "501 of 1000 recipients are not expanded",
            "98 pushes are pending and 0 granted, of 499 expanded",
            "the tally counts 498 pushes, but 499 were expanded",
            "2 chunks are open",
            "1 intents are open",
        ]
    );
}

#[test]
fn more_pushes_than_recipients_is_never_finished() {
    let balance = Balance {
        audience: 10,
        expanded: 11,
        tally: tally(&[(Standing::Settled(Reason::Accepted), 11)]),
        open_chunks: 0,
        open_intents: 0,
    };

    assert_eq!(
        in_words(&balance),
        ["1 pushes more than the 10 recipients were expanded"]
    );
}

#[test]
fn what_a_cancelled_campaign_did_not_settle_reads_as_cancelled() {
    let counted = tally(&[
        (Standing::Settled(Reason::Accepted), 60),
        (Standing::Settled(Reason::NoDevice), 5),
        (Standing::Settled(Reason::PastExpiry), 1),
        (Standing::Settled(Reason::CampaignCancelled), 2),
        (Standing::Granted, 7),
        (Standing::Pending, 4),
    ]);

    let read = counted.read_in(CampaignState::Cancelled, 100);

    assert_eq!(read.count(PushState::Sent), 60);
    assert_eq!(read.count(PushState::Cancelled), 34, "expanded or not");
    assert_eq!(read.total(), 100);
    assert_eq!(counted.read_in(CampaignState::Running, 100), counted);
}

#[test]
fn a_single_push_reads_like_the_counts() {
    let failed = CampaignState::Failed;

    assert_eq!(
        Standing::Granted.read_in(failed),
        Standing::Settled(Reason::CampaignFailed)
    );
    let sent = Standing::Settled(Reason::Accepted);
    assert_eq!(sent.read_in(failed), sent);
    assert_eq!(
        Standing::Pending.read_in(CampaignState::Paused),
        Standing::Pending
    );
}

#[test]
fn state_and_reason_make_a_standing_where_they_agree() {
    for reason in Reason::ALL {
        let standing = Standing::Settled(reason);

        assert_eq!(Standing::of(reason.state(), Some(reason)), Some(standing));
        assert_eq!(
            (standing.state(), standing.reason()),
            (reason.state(), Some(reason))
        );
        assert_eq!(Standing::of(PushState::Granted, Some(reason)), None);
        assert_eq!(Standing::of(reason.state(), None), None);
    }
    assert_eq!(Standing::of(PushState::Failed, Some(Reason::Accepted)), None);
    assert_eq!(Standing::of(PushState::Pending, None), Some(Standing::Pending));
}

#[test]
fn a_standing_only_rises_and_the_first_reason_stays() {
    let mut standing = Standing::Pending;

    assert_eq!(standing.raise(Standing::Granted), Raised::Raised);
    assert_eq!(standing.raise(Standing::Pending), Raised::Stays);
    assert_eq!(
        standing.raise(Standing::Settled(Reason::Accepted)),
        Raised::Raised
    );
    assert_eq!(
        standing.raise(Standing::Settled(Reason::Unregistered)),
        Raised::Stays
    );
    assert_eq!(standing, Standing::Settled(Reason::Accepted));
}
