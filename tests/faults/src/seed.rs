//! What chance is drawn from.

use rand::RngExt;

/// A seed, or none.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Draw what strikes, and when, from this seed [default: any].
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

impl Arguments {
    /// The one that is asked for, or any.
    pub(crate) fn seed(self) -> u64 {
        self.seed.unwrap_or_else(|| rand::rng().random_range(0..1 << 32))
    }
}
