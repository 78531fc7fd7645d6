//! The gateways that there are, and to which of them an address belongs.

use campaign::Lane;

use crate::apns::{self, Apns};
use crate::fcm::{self, Fcm};
use crate::outcome::Outcome;
use crate::outgoing::Outgoing;
use crate::web_push::{self, WebPush};

/// The gateways. One that is not configured is `None`, and its addresses are not sent to.
#[derive(Debug, Default)]
pub struct Gateways {
    /// Firebase Cloud Messaging.
    pub fcm: Option<Fcm>,
    /// Apple Push Notification service.
    pub apns: Option<Apns>,
    /// Web Push.
    pub web_push: Option<WebPush>,
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address<'a> {
    /// A device of Firebase's.
    Fcm(fcm::Address<'a>),
    /// A device of Apple's.
    Apns(apns::Address<'a>),
    /// A browser's subscription.
    WebPush(&'a web_push::Subscription),
}

/// All that one more message needs, at the gateway that it is for. Nothing but the answer is
/// waited for once it is there, so whatever forbids a send is to be asked for with the slot in
/// hand.
#[derive(Debug)]
pub struct Slot<'g>(Of<'g>);

#[derive(Debug)]
enum Of<'g> {
    Fcm(&'g Fcm, fcm::Slot, fcm::Address<'g>),
    Apns(&'g Apns, apns::Slot, apns::Address<'g>),
    WebPush(&'g WebPush, web_push::Slot, &'g web_push::Subscription),
}

impl Gateways {
    /// Waits until one more message of that lane may be sent to `address`; without a slot, what
    /// comes of the message.
    pub async fn slot<'g>(&'g self, address: Address<'g>, lane: Lane) -> Result<Slot<'g>, Outcome> {
        Ok(Slot(match address {
            Address::Fcm(address) => {
                let fcm = self.fcm.as_ref().ok_or(Outcome::NOT_SENT)?;
                Of::Fcm(fcm, fcm.slot(lane).await?, address)
            }
            Address::Apns(address) => {
                let apns = self.apns.as_ref().ok_or(Outcome::NOT_SENT)?;
                Of::Apns(apns, apns.slot(address.environment, lane).await?, address)
            }
            Address::WebPush(subscription) => {
                let web_push = self.web_push.as_ref().ok_or(Outcome::NOT_SENT)?;
                Of::WebPush(web_push, web_push.slot(subscription, lane).await?, subscription)
            }
        }))
    }
}

impl Slot<'_> {
    /// Has one message to the address that was waited for checked by its gateway, and not
    /// delivered; `None` if the gateway has no such thing.
    pub async fn check(self, outgoing: &Outgoing<'_>) -> Option<Outcome> {
        match self.0 {
            Of::Fcm(fcm, slot, address) => Some(fcm.check(slot, address, outgoing).await),
            Of::Apns(..) | Of::WebPush(..) => None,
        }
    }

    /// Sends one message to the address that was waited for.
    pub async fn send(self, outgoing: &Outgoing<'_>) -> Outcome {
        match self.0 {
            Of::Fcm(fcm, slot, address) => fcm.send(slot, address, outgoing).await,
            Of::Apns(apns, slot, address) => apns.send(slot, address, outgoing).await,
            Of::WebPush(web_push, slot, subscription) => web_push.send(slot, subscription, outgoing).await,
        }
    }
}
