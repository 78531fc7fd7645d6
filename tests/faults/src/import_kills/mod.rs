//! One import by several processes, which are killed and started again all the while.
//!
//! The processes run nothing but imports, in a loop as `noroshi up` has it, on one SQL database that
//! outlives them. Whichever has worked most is killed (SIGKILL), at random moments that are spread
//! over all three phases, and started again at once. In the end every user of the file is in the
//! audience once, its chunks are those of the same file whose import nobody disturbed, and so is
//! every byte of the report.

mod audit;
mod plan;
mod play;
mod report;
mod stage;
mod worker;

use std::process::ExitCode;

use tokio::runtime::Runtime;

pub use plan::{Arguments, Plan};
pub use play::play;
pub use report::Report;

/// Runs it; fails if anything is wrong.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let report = Runtime::new()?.block_on(play(&Plan::of(arguments)?))?;
    if arguments.json {
        noroshi::output::line(serde_json::to_string(&report)?);
    } else {
        noroshi::output::line(&report);
    }
    Ok(if report.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
