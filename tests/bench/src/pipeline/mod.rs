//! The whole journey by the real command: `noroshi demo`, on embedded and on real stores.
//!
//! Each run is a process, with stores of its own. The cases take turns; afterwards one large
//! campaign shows what memory does when the audience grows.

mod engines;
mod journey;
mod report;

use engines::Engines;
use journey::{Coupon, Journey};
use report::Report;

/// How the journeys are to be.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Users of a campaign.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    users: u64,
    /// Runs of each case.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    rounds: u64,
    /// Users of the one large campaign; 0 leaves it out.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    large: u64,
    /// Leave out the real stores, even where they are named.
    #[arg(long)]
    embedded_only: bool,
    /// Print one JSON object instead of tables.
    #[arg(long)]
    json: bool,
}

/// Runs the journeys and prints what they took.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut engines = vec![Engines::Embedded];
    if !arguments.embedded_only {
        engines.extend(Engines::real()?);
    }
    let mut report = Report::new(arguments.users, arguments.rounds);
    for round in 1..=arguments.rounds {
        for engines in &engines {
            for coupon in [Coupon::With, Coupon::Without] {
                noroshi::output::note(format_args!(
                    "round {round} of {}: {engines}, {coupon}",
                    arguments.rounds
                ));
                let journey = Journey::run(engines, coupon, arguments.users)?;
                report.add(engines, coupon, journey);
            }
        }
    }
    if arguments.large > 0 {
        noroshi::output::note(format_args!("{} users", arguments.large));
        let large = Journey::run(&Engines::Embedded, Coupon::With, arguments.large)?;
        report.set_large(arguments.large, large);
    }
    if arguments.json {
        noroshi::output::line(serde_json::to_string(&report.summary())?);
    } else {
        noroshi::output::line(report.summary());
    }
    Ok(())
}
