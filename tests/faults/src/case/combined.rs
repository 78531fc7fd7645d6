//! Cases in which more than one thing comes together.

use std::time::Duration;

use fault_points::{Action, Point};

use super::lies::FREEZE;
use super::{Case, HANG, Scenario, Trouble, point, point_at};

/// Longer than a rendezvous is waited for.
const PAST_THE_DEADLINE: Duration = Duration::from_secs(11);

/// Milliseconds by which a clock is set.
const JUMP: i64 = 8_000;

/// Milliseconds that two clocks are apart: far more than the settings allow for. With more than the
/// longest pick-up time, the process that is ahead would hand every chunk over for ever.
const SKEW: i64 = 2_000;

/// Every combination that `RELIABILITY.md` names.
pub fn combined() -> Vec<Case> {
    vec![
        // Two fan-outs on one stripe: whoever leases it first hangs past the lease, and then the other
        // who has taken it over does; or one stands still in the middle of its commit.
        Case {
            beside: Some(vec![point(Point::StripeLeased, Action::Hang)]),
            ..case(
                "F6:overtaken",
                vec![vec![point(Point::StripeLeased, Action::Hang)]],
            )
        },
        Case {
            beside: Some(Vec::new()),
            ..case("F6:freeze", vec![vec![Trouble::Wire(FREEZE)]])
        },
        Case {
            scenario: Scenario::CancelAtFault,
            ..case("D5:hang", vec![vec![point(Point::ChunkQueued, Action::Hang)]])
        },
        // Whoever is cancelled has nobody who would grant again what died between the commits.
        Case {
            scenario: Scenario::CancelAtFault,
            ..case(
                "S9:cancelled",
                vec![vec![point(Point::BetweenCommits, Action::Kill)]],
            )
        },
        // A marker that comes after its campaign's chunks were closed.
        Case {
            scenario: Scenario::CancelAtFault,
            ..case(
                "F2:cancelled",
                vec![vec![point(Point::PushesBuilt, Action::Hang)]],
            )
        },
        // One chunk is not expanded when the others are sent, and the process dies. The gateway is slow
        // enough for a mark to be written before that.
        Case {
            scenario: Scenario::SlowGateway,
            ..case(
                "F5:left_behind",
                vec![vec![
                    point_at(Point::PushesBuilt, Action::Hang, 3),
                    point_at(Point::BeforeAnswer, Action::Kill, 2),
                ]],
            )
        },
        // Stock that is set aside for users who opt out before they are granted any.
        Case {
            scenario: Scenario::OptOutAtFault,
            ..case(
                "S19:opted_out",
                vec![vec![point(Point::StockReserved, Action::Kill)]],
            )
        },
        Case {
            scenario: Scenario::PauseAtFault,
            ..case("D7:hang", vec![vec![point(Point::BeforeSends, Action::Hang)]])
        },
        // Coupons and addresses apart: everything is registered once more while the attempt that heard
        // of its end has not written that down.
        Case {
            scenario: Scenario::RegisterAtFault,
            ..case(
                "S22:registered",
                vec![vec![point(Point::BeforeTotals, Action::Hang)]],
            )
        },
        // A canary that passes, and a process that dies with that.
        Case {
            scenario: Scenario::CanaryPasses,
            ..case("C2:passed", vec![vec![point(Point::CanaryDecided, Action::Kill)]])
        },
        Case {
            scenario: Scenario::CanaryPasses,
            ..case(
                "C4:passed",
                vec![vec![point(Point::CanaryCommitted, Action::Kill)]],
            )
        },
        // A webhook that refuses, and a process that dies before it has written that down.
        Case {
            scenario: Scenario::FeedbackRefused,
            ..case("O3:refused", vec![vec![point(Point::ReportPosted, Action::Kill)]])
        },
        // Single pushes have markers as chunks have.
        Case {
            scenario: Scenario::Trigger,
            ..case(
                "F2:triggered",
                vec![vec![point(Point::PushesBuilt, Action::Kill)]],
            )
        },
        Case {
            scenario: Scenario::Trigger,
            ..case(
                "F3:triggered",
                vec![vec![point(Point::ExpandCommitAnswer, Action::Error)]],
            )
        },
        Case {
            scenario: Scenario::Trigger,
            ..case(
                "F4:triggered",
                vec![vec![point(Point::ExpandCommit, Action::Error)]],
            )
        },
        Case {
            scenario: Scenario::Trigger,
            ..case(
                "D2:triggered",
                vec![vec![point(Point::ChunkQueued, Action::Kill)]],
            )
        },
        Case {
            hang: PAST_THE_DEADLINE,
            ..case("S17:hang", vec![vec![point(Point::SqlReady, Action::Hang)]])
        },
        // One reconciler hangs for longer than its lease, the other comes meanwhile.
        Case {
            beside: Some(Vec::new()),
            ..case(
                "R6:hang",
                vec![
                    vec![point(Point::BetweenCommits, Action::Kill)],
                    vec![point(Point::RedoRead, Action::Hang)],
                ],
            )
        },
        // The sender has settled everything when the redo goes on.
        case(
            "R2:overtaken",
            vec![vec![
                point(Point::SqlCommitAnswer, Action::Error),
                point(Point::RedoRead, Action::Hang),
            ]],
        ),
        // Between two lives the clock is set: back, so that every timer is late, or ahead.
        case(
            "D4:back",
            vec![
                vec![point(Point::ChunkQueued, Action::Kill)],
                vec![Trouble::Clock(-JUMP)],
            ],
        ),
        case(
            "D4:ahead",
            vec![vec![
                Trouble::Clock(-JUMP),
                point(Point::ChunkQueued, Action::Kill),
            ]],
        ),
        // Two processes whose clocks are apart: one ends the other's leases early, or late.
        Case {
            beside: Some(vec![Trouble::Clock(SKEW)]),
            ..case("R9:ahead", vec![vec![point(Point::BetweenCommits, Action::Kill)]])
        },
        Case {
            beside: Some(vec![Trouble::Clock(-SKEW)]),
            ..case(
                "R9:behind",
                vec![vec![point(Point::BetweenCommits, Action::Hang)]],
            )
        },
        // Reconcile repairs what a live sender is about to do.
        case(
            "R7:hang",
            vec![vec![
                point(Point::BetweenCommits, Action::Hang),
                point(Point::RedoRead, Action::Hang),
            ]],
        ),
    ]
}

fn case(name: &str, lives: Vec<Vec<Trouble>>) -> Case {
    Case {
        name: name.to_owned(),
        scenario: Scenario::Deliver,
        lives,
        beside: None,
        hang: HANG,
        bugs: Vec::new(),
    }
}
