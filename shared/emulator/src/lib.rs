//! Stand-ins for the services of Google and of the push gateways that the pipeline talks to.
//!
//! They speak the real wire protocols on a local port, so the newcomer's first run, the tests
//! and production run the same client code. They depend on the wire messages only, never on
//! the pipeline's own rules, and so cannot share its misreadings.

pub mod clock;
pub mod datastore;
