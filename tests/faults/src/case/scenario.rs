//! What is asked of the process under test.

use std::time::Duration;

use emulator::sink::{Delay, Fault, Outcome};
use fault_points::Point;

/// What is asked of the process under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Everybody gets the push, most a coupon, some at the second try.
    Deliver,
    /// The same for so few that they are one chunk.
    DeliverFew,
    /// The same for so many that the import takes several batches; most have no device.
    DeliverMany,
    /// The same with a gateway so slow that results are settled in several parts.
    SlowGateway,
    /// The same with a quota so small that delivery takes seconds.
    SmallQuota,
    /// The campaign is cancelled when part of it is sent.
    Cancel,
    /// The campaign is cancelled as soon as the fault has happened.
    CancelAtFault,
    /// Some users opt out as soon as the fault has happened, which may be after their coupons were
    /// set aside.
    OptOutAtFault,
    /// The campaign is paused as soon as the fault has happened, and resumed a moment later.
    PauseAtFault,
    /// The campaign's canary fails, and somebody resumes the campaign.
    CanaryFails,
    /// The campaign's canary passes.
    CanaryPasses,
    /// Few get the push, and many of their addresses are gone or wrong, which a webhook is told.
    Feedback,
    /// The same with a webhook that takes only some of it, and is asked once.
    FeedbackRefused,
    /// The same, and all addresses are registered once more as soon as the fault has happened.
    RegisterAtFault,
    /// Single pushes are asked for one after the other, each more than once.
    Trigger,
}

impl Scenario {
    /// The one in which a point is reached.
    pub(super) fn of(point: Point) -> Self {
        match point {
            Point::BatchCommitAnswer | Point::BatchStored => Self::DeliverMany,
            Point::PartSettled => Self::SlowGateway,
            Point::ChunksCancelled => Self::Cancel,
            Point::ShareDivided | Point::ShareCommitAnswer | Point::ShareCommitted => Self::SmallQuota,
            Point::CanaryJudged
            | Point::CanaryDecided
            | Point::CanaryCommitAnswer
            | Point::CanaryCommitted => Self::CanaryFails,
            Point::AddressesRemoved
            | Point::ReportsLeased
            | Point::ReportPosted
            | Point::ReportSettleAnswer => Self::Feedback,
            Point::ReportGivenUp => Self::FeedbackRefused,
            Point::PushResolved | Point::PushStored => Self::Trigger,
            _ => Self::Deliver,
        }
    }

    /// Whether a webhook is told what becomes of addresses.
    pub fn has_webhook(self) -> bool {
        matches!(
            self,
            Self::Feedback | Self::FeedbackRefused | Self::RegisterAtFault
        )
    }

    /// What the gateway does wrong there.
    pub fn usual_faults(self) -> Vec<Fault> {
        let fault = |outcome, share, first| Fault {
            outcome,
            share,
            first,
            in_all: None,
            retry_after: None,
        };
        let mut faults = vec![fault(Outcome::Unavailable, 0.06, Some(1))];
        match self {
            Self::CanaryFails => {
                faults.push(fault(Outcome::Unregistered, 0.03, None));
                faults.push(fault(Outcome::BadRequest, 0.3, None));
            }
            Self::Feedback | Self::FeedbackRefused | Self::RegisterAtFault => {
                faults.push(fault(Outcome::Unregistered, 0.2, None));
                faults.push(fault(Outcome::InvalidArgument, 0.1, None));
            }
            _ => faults.push(fault(Outcome::Unregistered, 0.03, None)),
        }
        faults
    }

    /// How long the gateway takes for an answer.
    pub fn delay(self) -> Delay {
        let milliseconds = |fixed, jitter| Delay {
            fixed: Duration::from_millis(fixed),
            jitter: Duration::from_millis(jitter),
        };
        match self {
            Self::SlowGateway => milliseconds(500, 200),
            Self::Cancel => milliseconds(100, 100),
            _ => Delay::default(),
        }
    }
}
