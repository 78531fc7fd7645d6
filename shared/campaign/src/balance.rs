//! The conservation law: everybody expanded once, every push final, every chunk closed, no intent
//! open.
//!
//! A campaign is finished only when [`Balance::missing`] has nothing to say, and what it says
//! is what people are shown.

use crate::Tally;

/// What is known of a campaign when it is asked whether it may be finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Recipients of the audience.
    pub audience: u64,
    /// Pushes of the chunks whose markers are there.
    pub expanded: u64,
    /// Those pushes, by state and reason.
    pub tally: Tally,
    /// Chunks that are not known to be closed, expanded or not.
    pub open_chunks: u64,
    /// Intents that are not closed.
    pub open_intents: u64,
}

/// One thing that keeps a campaign from being finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// Fan-out is not done.
    #[error("{count} of {audience} recipients are not expanded")]
    NotExpanded {
        /// How many.
        count: u64,
        /// Of how many.
        audience: u64,
    },
    /// There are more pushes than recipients: a fault of ours.
    #[error("{count} pushes more than the {audience} recipients were expanded")]
    ExpandedTooMany {
        /// How many.
        count: u64,
        /// Than how many.
        audience: u64,
    },
    /// Some pushes are pending or granted.
    #[error("{pending} pushes are pending and {granted} granted, of {expanded} expanded")]
    NotSettled {
        /// How many have nothing decided yet.
        pending: u64,
        /// How many have their coupon and nothing else.
        granted: u64,
        /// Of how many.
        expanded: u64,
    },
    /// The tally counts other pushes than those expanded.
    #[error("the tally counts {counted} pushes, but {expanded} were expanded")]
    TallyDiffers {
        /// How many the tally counts.
        counted: u64,
        /// How many there are.
        expanded: u64,
    },
    /// Somebody may still be at work on some chunks.
    #[error("{count} chunks are open")]
    OpenChunks {
        /// How many.
        count: u64,
    },
    /// Some rendezvous is not known to have ended on both sides.
    #[error("{count} intents are open")]
    OpenIntents {
        /// How many.
        count: u64,
    },
}

impl Balance {
    /// What is missing for the conservation law: everybody expanded once, every push final, every
    /// chunk closed, no intent open. Nothing missing means that the campaign may be finished.
    pub fn missing(&self) -> Vec<Missing> {
        let Self {
            audience, expanded, ..
        } = *self;
        let Tally { pending, granted, .. } = self.tally;
        let counted = self.tally.total();
        let mut missing = Vec::new();
        if expanded < audience {
            let count = audience - expanded;
            missing.push(Missing::NotExpanded { count, audience });
        }
        if expanded > audience {
            let count = expanded - audience;
            missing.push(Missing::ExpandedTooMany { count, audience });
        }
        if pending + granted > 0 {
            missing.push(Missing::NotSettled {
                pending,
                granted,
                expanded,
            });
        }
        if counted != expanded {
            missing.push(Missing::TallyDiffers { counted, expanded });
        }
        if self.open_chunks > 0 {
            let count = self.open_chunks;
            missing.push(Missing::OpenChunks { count });
        }
        if self.open_intents > 0 {
            let count = self.open_intents;
            missing.push(Missing::OpenIntents { count });
        }
        missing
    }
}
