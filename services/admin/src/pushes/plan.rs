//! What a program asks for, from request to what is stored.

use std::collections::BTreeMap;
use std::time::Duration;

use campaign::{CampaignId, Expiry, Message, Priority, PushId, Schedule, SendAt, Templates};
use chrono::{DateTime, Utc};
use database::campaign::Campaign;
use push_store::{NewPush, NewTriggered};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;
use crate::json;
use crate::schema;
use crate::user_id::UserId;

/// The most bytes of all variables' values, as in an audience file.
const MAX_VARIABLE_BYTES: usize = 2_048;

/// The most variables, as in an audience file.
const MAX_VARIABLES: usize = 64;

/// A push to one user.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TriggeredPlan {
    /// A campaign of kind `triggered` that was started.
    campaign_id: Uuid,
    /// Whom it is for.
    #[schema(value_type = String, min_length = 1, max_length = 128)]
    user_id: UserId,
    /// Which of the message's texts; by default those of its default locale.
    locale: Option<String>,
    /// What the message's templates name, beside `user_id`.
    #[serde(default)]
    variables: BTreeMap<String, String>,
    /// What the user sees; by default what the campaign says.
    #[schema(value_type = Option<schema::Message>)]
    message: Option<Message>,
    /// How much it may disturb a sleeping device, in place of what the message says.
    #[schema(value_type = Option<schema::Priority>)]
    priority: Option<Priority>,
    /// How long a gateway keeps it for a device that cannot be reached, in place of what the message
    /// says.
    ttl_seconds: Option<u64>,
    /// When it is sent; by default at once.
    deliver_at: Option<DateTime<Utc>>,
    /// When it is too late; by default as the campaign's schedule says.
    #[schema(value_type = Option<schema::Expiry>)]
    expires: Option<Expiry>,
}

impl TriggeredPlan {
    pub(super) fn campaign(&self) -> CampaignId {
        CampaignId(self.campaign_id)
    }

    pub(super) fn user(&self) -> &str {
        self.user_id.as_str()
    }

    /// The push to store, checked.
    pub(super) fn resolve(
        self,
        campaign: &Campaign,
        id: PushId,
        digest: [u8; 32],
        now: DateTime<Utc>,
    ) -> Result<NewTriggered, Error> {
        self.check_variables()?;
        let (send_at, expires_at) = self.times(campaign, now)?;
        let message = self.message(campaign)?;
        Ok(NewTriggered {
            campaign: campaign.id,
            id,
            digest,
            send_at,
            expires_at,
            recipient: NewPush {
                user: self.user_id.into_string(),
                locale: self.locale.filter(|locale| !locale.is_empty()),
                variables: self.variables.into_iter().collect(),
            },
            message,
        })
    }

    fn check_variables(&self) -> Result<(), Error> {
        let bytes = self.variables.values().map(String::len).sum::<usize>();
        if self.variables.len() > MAX_VARIABLES || bytes > MAX_VARIABLE_BYTES {
            let reason = "must be 64 variables of 2,048 bytes together at most";
            return Err(Error::invalid("variables", reason));
        }
        Ok(())
    }

    fn times(
        &self,
        campaign: &Campaign,
        now: DateTime<Utc>,
    ) -> Result<(DateTime<Utc>, DateTime<Utc>), Error> {
        let of_campaign: Schedule = json::read("a campaign's schedule", &campaign.plan.schedule)?;
        let schedule = Schedule {
            at: self.deliver_at.map_or(SendAt::Now, SendAt::Instant),
            expires: self.expires.or(of_campaign.expires),
        };
        schedule.validate().map_err(|error| {
            let field = error
                .field
                .strip_prefix("expires")
                .map_or_else(|| "deliver_at".to_owned(), |rest| format!("expires{rest}"));
            Error::invalid(field, error.reason)
        })?;
        let send_at = self.deliver_at.unwrap_or(now).max(now);
        let expires_at = schedule.expires_at(send_at);
        if expires_at <= send_at {
            return Err(Error::invalid("expires", "must be after it is sent"));
        }
        Ok((send_at, expires_at))
    }

    /// Its message, if it is not the campaign's; checked either way against the variables.
    fn message(&self, campaign: &Campaign) -> Result<Option<String>, Error> {
        let of_campaign: Message = json::read("a campaign's message", &campaign.plan.message)?;
        let mut message = self.message.clone().unwrap_or_else(|| of_campaign.clone());
        if let Some(priority) = self.priority {
            message.priority = priority;
        }
        if let Some(seconds) = self.ttl_seconds {
            message.ttl = Some(Duration::from_secs(seconds));
        }
        let names: Vec<_> = self.variables.keys().cloned().collect();
        Templates::compile(&message, Some(&names)).map_err(Error::in_message)?;
        if message == of_campaign {
            return Ok(None);
        }
        json::write(&message).map(Some)
    }
}
