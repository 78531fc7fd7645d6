//! One message to one address, and under which id a device shows it.

use std::time::Duration;

use campaign::{PushId, RenderedMessage};
use uuid::Uuid;

/// What is sent, wherever it goes.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// The push that it delivers.
    pub push: PushId,
    /// What it says.
    pub message: &'a RenderedMessage,
    /// How long the gateway may keep it for a device that is off.
    pub time_to_live: Duration,
}

impl Outgoing<'_> {
    /// The id under which a device shows the message: a second delivery replaces the first.
    pub(crate) fn shown_as(&self) -> Uuid {
        if fault_points::bug!(NewCollapseId) {
            return campaign::LeaseToken::allocate().0;
        }
        self.push.0
    }
}
