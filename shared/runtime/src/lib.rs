//! What every process of Noroshi stands on: configuration, clock, tracked tasks, shutdown,
//! telemetry, and the shells around services and passes.
//!
//! Nothing here knows what a campaign is. A service hands over its routes and a pass its
//! function; the shells see to it that both start with a checked configuration, log alike, end
//! with an exit code that a scheduler understands, and lose nothing when they are told to stop.

pub mod backends;
pub mod clock;
pub mod config;
pub mod destination;
mod embedded;
pub mod exit;
pub mod gateways;
pub mod guard;
pub mod job;
pub mod process;
pub mod service;
pub mod spawn;
pub mod stop;
pub mod telemetry;
pub mod token;

pub use backends::{Backends, ConnectError, Nudges};
pub use clock::Clock;
pub use config::Config;
pub use embedded::{Embedded, LEDGER, StartError};
pub use exit::{ExitCode, Failure};
pub use guard::Guard;
pub use process::Process;
pub use service::Service;
pub use spawn::Tasks;
pub use stop::Stop;
