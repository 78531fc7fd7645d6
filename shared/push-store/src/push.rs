//! The `Push` entity: one campaign to one user.

use campaign::{CampaignId, ChunkId, PushId, PushState, Reason, Standing};
use chrono::{DateTime, Utc};
use gcloud_sdk::google::datastore::v1::value::ValueType;
use gcloud_sdk::google::datastore::v1::{Entity, PartitionId};

use crate::entity::{PUSH, Properties};
use crate::error::Error;
use crate::fields::Fields;
use crate::reading::Reading;

/// One campaign to one user, as Datastore holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// Computed from campaign and user.
    pub id: PushId,
    /// The chunk that holds it.
    pub chunk: ChunkId,
    /// The campaign it belongs to.
    pub campaign: CampaignId,
    /// The recipient's place in the packed chunk, from 0; an intent names pushes by it.
    pub place: u16,
    /// Who it is for; `None` once that user is erased.
    pub user: Option<String>,
    /// The recipient's locale, if it has one of its own.
    pub locale: Option<String>,
    /// The recipient's template variables.
    pub variables: Vec<(String, String)>,
    /// Its own message as JSON, if it does not say what the campaign says.
    pub message: Option<String>,
    /// Where it is on its way, and why if that is final.
    pub standing: Standing,
    /// When it became final.
    pub settled_at: Option<DateTime<Utc>>,
}

impl Push {
    /// Writes it as the entity that Datastore holds.
    pub(crate) fn write(&self, partition: &PartitionId, entity: &mut Fields) {
        let variables = (!self.variables.is_empty()).then_some(&self.variables);
        Properties::of_push(entity, partition, self.chunk, self.id)
            .id("campaign", self.campaign.0)
            .integer("place", self.place)
            .maybe(self.user.as_deref(), |properties, user| {
                properties.indexed("user", user)
            })
            .maybe(self.locale.as_deref(), |properties, locale| {
                properties.text("locale", locale)
            })
            .maybe(variables, |properties, variables| {
                properties.nested("variables", |nested| {
                    let variables = variables.iter();
                    variables.fold(nested, |nested, (name, value)| nested.text(name, value))
                })
            })
            .maybe(self.message.as_deref(), |properties, message| {
                properties.text("message", message)
            })
            .text("state", self.standing.state().as_str())
            .maybe(self.standing.reason(), |properties, reason| {
                properties.text("reason", reason.as_str())
            })
            .maybe(self.settled_at, |properties, at| {
                properties.instant("settled_at", at)
            });
    }

    pub(crate) fn from_entity(entity: Entity) -> Result<Self, Error> {
        let mut reading = Reading::of(PUSH, entity);
        Ok(Self {
            id: PushId(reading.id_at(1)?),
            chunk: ChunkId(reading.id_at(0)?),
            campaign: reading.parsed("campaign", |text| text.parse().ok())?,
            place: reading.number("place")?,
            user: reading.find_text("user"),
            locale: reading.find_text("locale"),
            variables: variables(&mut reading)?,
            message: reading.find_text("message"),
            standing: standing(&mut reading)?,
            settled_at: reading.find_instant("settled_at")?,
        })
    }
}

fn standing(reading: &mut Reading) -> Result<Standing, Error> {
    let state = reading.parsed("state", PushState::parse)?;
    let reason = reading.find_text("reason");
    let reason = reason
        .map(|word| Reason::parse(&word).ok_or_else(|| reading.malformed("reason")))
        .transpose()?;
    Standing::of(state, reason).ok_or_else(|| reading.malformed("reason"))
}

fn variables(reading: &mut Reading) -> Result<Vec<(String, String)>, Error> {
    let nested = reading.nested("variables");
    let mut variables = Vec::with_capacity(nested.len());
    for (name, value) in nested {
        match value.value_type {
            Some(ValueType::StringValue(value)) => variables.push((name, value)),
            _ => return Err(reading.malformed("variables")),
        }
    }
    variables.sort_unstable();
    Ok(variables)
}
