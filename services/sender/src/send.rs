//! Hands one push to its user's addresses.
//!
//! The permit is asked for last, when the governor has let the message through, the stream is there
//! and nothing stands between the answer and the hand-over. So nothing is handed over after a
//! pause, a cancel or a stop was answered.

use std::sync::Arc;

use campaign::{PushId, Reason, RenderError, RenderedMessage, Templates, time_to_live};
use provider::{Outcome, Outgoing};
use runtime::destination::{Destination, Fate};
use uuid::Uuid;

use crate::answer::{Answer, Sent, sum_up};
use crate::attempt::Attempt;
use crate::permit::Permit;
use crate::sort::Wanted;

/// One push's results, and the devices of which their gateway says that they are of no use.
#[derive(Debug)]
pub(crate) struct Handed {
    pub(crate) push: PushId,
    pub(crate) sent: Sent,
    pub(crate) gone: Vec<Uuid>,
    pub(crate) wrong: Vec<Uuid>,
}

impl Attempt<'_> {
    /// Sends one push to all of its user's addresses.
    pub(crate) async fn hand_over(&self, wanted: &Wanted) -> Handed {
        let mut handed = Handed {
            push: wanted.push.id,
            sent: Sent::Settled(Reason::NoDevice),
            gone: Vec::new(),
            wrong: Vec::new(),
        };
        if !wanted.devices.is_empty() {
            handed.sent = match render(&self.campaign.templates, wanted) {
                Ok(message) => self.send_to_all(wanted, &message, &mut handed).await,
                Err(error) => Sent::Settled(error.reason()),
            };
        }
        handed
    }

    async fn send_to_all(&self, wanted: &Wanted, message: &RenderedMessage, handed: &mut Handed) -> Sent {
        let mut answers = Vec::with_capacity(wanted.devices.len());
        for destination in &wanted.devices {
            let answer = self.send(wanted.push.id, destination, message).await;
            let (kind, outcome) = (destination.kind(), answer.as_str());
            metrics::counter!("noroshi_sends_total", "kind" => kind, "outcome" => outcome).increment(1);
            if let Answer::Said(outcome) = &answer {
                match destination.fate(outcome) {
                    Fate::Kept => {}
                    Fate::Removed => handed.gone.push(destination.device),
                    Fate::Quarantined => handed.wrong.push(destination.device),
                }
            }
            answers.push(answer);
        }
        sum_up(&answers, self.backends.process.config.retry.throttled_floor)
    }

    async fn send(&self, push: PushId, destination: &Destination, message: &RenderedMessage) -> Answer {
        let Some(address) = destination.address() else {
            return Answer::Said(Outcome::AddressWrong);
        };
        let (clock, gateways) = (&self.backends.process.clock, &self.backends.gateways);
        let turnstiles = self
            .governor
            .on_the_way_to(address, self.campaign.id, self.campaign.max_per_second);
        let slot = self
            .pass(&turnstiles, || gateways.slot(address, self.campaign.lane))
            .await;
        let slot = match slot {
            Ok(slot) => slot,
            Err(answer) => return answer,
        };
        let Some(time_to_live) = time_to_live(message.ttl, self.chunk.expires_at, clock.now()) else {
            return Answer::TooLate;
        };
        let may_go = !self.is_over() && self.permits.check(self.campaign.id) == Permit::Go;
        if !(may_go || fault_points::bug!(PermitAskedOnce)) {
            return Answer::NotTried;
        }
        let outgoing = Outgoing {
            push,
            message,
            time_to_live,
        };
        let outcome = slot.send(&outgoing).await;
        let throttled_floor = self.backends.process.config.retry.throttled_floor;
        self.governor.heard_of(address, &outcome, throttled_floor);
        Answer::Said(outcome)
    }
}

/// The message for one recipient, with what the audience file says of it; the push's own, if it has
/// one.
fn render(templates: &Templates, wanted: &Wanted) -> Result<Arc<RenderedMessage>, RenderError> {
    let Wanted { push, user, .. } = wanted;
    let own;
    let templates = match &push.message {
        None => templates,
        Some(message) => {
            own = compile(message)?;
            &own
        }
    };
    let variable = |name: &str| {
        let named = push.variables.iter().find(|(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    };
    templates.render(user, push.locale.as_deref(), variable)
}

/// A message that was checked when it came.
fn compile(message: &str) -> Result<Templates, RenderError> {
    let unreadable = |error: &dyn std::error::Error| RenderError::Template {
        field: "message".to_owned(),
        message: error.to_string(),
    };
    let message = serde_json::from_str(message).map_err(|error| unreadable(&error))?;
    Templates::compile(&message, None).map_err(|error| unreadable(&error))
}

#[cfg(test)]
mod tests {
    use campaign::{CampaignId, ChunkId, Message, Standing};
    use push_store::Push;
    use serde_json::json;

    use super::*;

    fn templates() -> Templates {
        let message = json!({
            "default_locale": "en",
            "texts": {
                "en": {"title": "For {{ name }}", "body": "{{ user_id }} has {{ rank|int + 1 }}"},
                "ja": {"title": "{{ name }}さんへ", "body": "{{ rank }}"},
            },
        });
        let message = serde_json::from_value::<Message>(message).unwrap();
        Templates::compile(&message, None).unwrap()
    }

    fn wanted(locale: Option<&str>, variables: &[(&str, &str)]) -> Wanted {
        let campaign = CampaignId(Uuid::from_u128(7));
        let variables = variables.iter();
        Wanted {
            push: Push {
                id: PushId::of(campaign, "u1"),
                chunk: ChunkId::of(campaign, 0),
                campaign,
                place: 0,
                user: Some("u1".to_owned()),
                locale: locale.map(str::to_owned),
                variables: variables
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
                message: None,
                standing: Standing::Pending,
                settled_at: None,
            },
            user: "u1".to_owned(),
            devices: Vec::new(),
        }
    }

    #[test]
    fn a_recipient_is_told_its_own_variables_in_its_own_locale() {
        let variables = [("name", "花子"), ("rank", "7")];

        let english = render(&templates(), &wanted(None, &variables)).unwrap();
        let japanese = render(&templates(), &wanted(Some("ja-JP"), &variables)).unwrap();

        assert_eq!((&*english.title, &*english.body), ("For 花子", "u1 has 8"));
        assert_eq!((&*japanese.title, &*japanese.body), ("花子さんへ", "7"));
    }

    #[test]
    fn a_message_that_cannot_be_rendered_is_the_pushs_own_fault() {
        let variables = [("name", "花子"), ("rank", "gold")];

        let error = render(&templates(), &wanted(None, &variables)).unwrap_err();

        assert_eq!(error.reason(), Reason::RenderFailed);
    }
}
