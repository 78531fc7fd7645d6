//! Hands one push to its user's addresses.
//!
//! The permit is asked for last, when the stream is there and nothing stands between the answer
//! and the hand-over. So nothing is handed over after a pause, a cancel or a stop was answered.

use campaign::{PushId, Reason, RenderedMessage, time_to_live};
use chrono::{DateTime, Utc};
use database::device::{Device, DeviceKind};
use provider::fcm::{Address, Outgoing};
use provider::{Outcome, Unreachable};
use runtime::Backends;
use runtime::clock::Moment;
use uuid::Uuid;

use crate::answer::{Answer, Sent, sum_up};
use crate::campaigns::Campaign;
use crate::permit::{Permit, Permits};
use crate::sort::Wanted;

/// What all sends of one attempt share.
#[derive(Debug)]
pub(crate) struct Sending<'a> {
    pub(crate) backends: &'a Backends,
    pub(crate) permits: &'a Permits,
    pub(crate) campaign: &'a Campaign,
    pub(crate) expires_at: DateTime<Utc>,
    /// No send starts after this.
    pub(crate) until: Moment,
}

/// One push's results, and the devices that their gateway called gone.
#[derive(Debug)]
pub(crate) struct Handed {
    pub(crate) push: PushId,
    pub(crate) sent: Sent,
    pub(crate) gone: Vec<Uuid>,
}

impl Sending<'_> {
    /// Sends one push to all of its user's addresses.
    pub(crate) async fn hand_over(&self, wanted: &Wanted) -> Handed {
        let push = &wanted.push;
        if wanted.devices.is_empty() {
            return Handed {
                push: push.id,
                sent: Sent::Settled(Reason::NoDevice),
                gone: Vec::new(),
            };
        }
        let variable = |name: &str| {
            let named = push.variables.iter().find(|(known, _)| known == name);
            named.map(|(_, value)| value.as_str())
        };
        let message = match self
            .campaign
            .templates
            .render(&wanted.user, push.locale.as_deref(), variable)
        {
            Ok(message) => message,
            Err(error) => {
                return Handed {
                    push: push.id,
                    sent: Sent::Settled(error.reason()),
                    gone: Vec::new(),
                };
            }
        };
        let mut gone = Vec::new();
        let mut answers = Vec::with_capacity(wanted.devices.len());
        for device in &wanted.devices {
            let answer = self.send(push.id, device, &message).await;
            metrics::counter!("noroshi_sends_total", "outcome" => answer.as_str()).increment(1);
            if answer == Answer::Said(Outcome::AddressGone) {
                gone.push(device.id);
            }
            answers.push(answer);
        }
        Handed {
            push: push.id,
            sent: sum_up(&answers),
            gone,
        }
    }

    async fn send(&self, push: PushId, device: &Device, message: &RenderedMessage) -> Answer {
        let Some(slot) = self.backends.fcm.slot().await else {
            return Answer::Said(Outcome::Unreachable(Unreachable::NotDelivered { after: None }));
        };
        let clock = &self.backends.process.clock;
        let Some(time_to_live) = time_to_live(message.ttl, self.expires_at, clock.now()) else {
            return Answer::TooLate;
        };
        if clock.monotonic() >= self.until || self.permits.check(self.campaign.id) != Permit::Go {
            return Answer::NotTried;
        }
        let address = &device.registration.address;
        let address = match device.registration.kind {
            DeviceKind::FcmToken => Address::Token(address),
            DeviceKind::FcmFid => Address::InstallationId(address),
            DeviceKind::Apns | DeviceKind::WebPush => return Answer::Said(Outcome::AddressWrong),
        };
        let outgoing = Outgoing {
            push,
            address,
            message,
            time_to_live,
        };
        Answer::Said(self.backends.fcm.send(slot, &outgoing).await)
    }
}
