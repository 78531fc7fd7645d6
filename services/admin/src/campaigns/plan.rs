//! What a person decides about a campaign, from request to stored plan.
//!
//! Everything is checked before anything is written. Templates are compiled here, against the
//! audience's variables as soon as those are known, and once more when the campaign is
//! scheduled or started.

use std::num::NonZeroU32;

use campaign::{AudienceId, Canary, CouponId, Expiry, Lane, Message, Schedule, SendAt, Templates};
use chrono::{DateTime, Utc};
use database::Tx;
use database::audience::{Audience, AudienceState};
use database::campaign::{Kind, Plan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::audiences::{Upload, inline_upload};
use crate::coupons::NewCoupon;
use crate::error::Error;
use crate::field::check_name;
use crate::json;
use crate::schema;
use crate::user_id::UserId;

/// A campaign, as a person decides it. Exactly one of `audience_id` and `user_ids` is given, and
/// at most one of `coupon_id` and `coupon`; none of them for one of kind `triggered`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CampaignPlan {
    /// For people; 1 to 255 characters.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// How it comes by its recipients; by default `broadcast`.
    #[serde(default)]
    kind: CampaignKind,
    /// What recipients see.
    #[schema(value_type = schema::Message)]
    message: Message,
    /// When they see it; by default as soon as the campaign is started.
    #[serde(default = "as_soon_as_started")]
    #[schema(value_type = schema::Schedule)]
    schedule: Schedule,
    /// The recipients, an audience that is ready or to be.
    audience_id: Option<Uuid>,
    /// The recipients, as an audience of their own.
    #[schema(min_items = 1, max_items = 10_000, value_type = Option<Vec<String>>)]
    user_ids: Option<Vec<UserId>>,
    /// What comes with it.
    coupon_id: Option<Uuid>,
    /// What comes with it, to be made.
    coupon: Option<NewCoupon>,
    /// Who gets the coupon; by default `all`.
    #[serde(default)]
    coupon_for: CouponFor,
    /// Messages a second at most, of all senders together; by default as many as the gateway takes.
    #[schema(minimum = 1, value_type = Option<u32>)]
    max_per_second: Option<NonZeroU32>,
    /// Which part goes ahead of the others; by default none. Not by local time.
    #[schema(value_type = Option<schema::Canary>)]
    canary: Option<Canary>,
}

fn as_soon_as_started() -> Schedule {
    Schedule::NOW
}

/// How a campaign comes by its recipients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CampaignKind {
    /// Once, to an audience.
    #[default]
    Broadcast,
    /// One by one, as `POST /v1/pushes` names them; it is never finished.
    Triggered,
}

impl From<CampaignKind> for Kind {
    fn from(kind: CampaignKind) -> Self {
        match kind {
            CampaignKind::Broadcast => Self::Broadcast,
            CampaignKind::Triggered => Self::Triggered,
        }
    }
}

/// Who gets a campaign's coupon.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CouponFor {
    /// Every recipient, with a device or without.
    #[default]
    All,
    /// Those with a device.
    Reachable,
}

impl From<CouponFor> for database::campaign::CouponFor {
    fn from(coupon_for: CouponFor) -> Self {
        match coupon_for {
            CouponFor::All => Self::All,
            CouponFor::Reachable => Self::Reachable,
        }
    }
}

impl CampaignPlan {
    /// How it comes by its recipients.
    pub(super) fn kind(&self) -> Kind {
        self.kind.into()
    }

    /// Checks all that needs no store.
    pub(super) fn check(&self, now: DateTime<Utc>) -> Result<(), Error> {
        check_name("name", &self.name)?;
        check_schedule(&self.schedule, now)?;
        if self.kind == CampaignKind::Triggered {
            return self.check_triggered();
        }
        match (&self.audience_id, &self.user_ids) {
            (Some(_), None) | (None, Some(_)) => {}
            (None, None) => return Err(Error::invalid("audience_id", "or `user_ids` must be given")),
            (Some(_), Some(_)) => {
                return Err(Error::invalid(
                    "user_ids",
                    "must not be given beside `audience_id`",
                ));
            }
        }
        match (&self.coupon_id, &self.coupon) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid("coupon", "must not be given beside `coupon_id`"));
            }
            (None, Some(coupon)) => coupon.check("coupon.")?,
            (Some(_) | None, None) => {}
        }
        if let Some(canary) = &self.canary {
            self.check_canary(canary)?;
        }
        let columns = self.user_ids.is_some().then_some([].as_slice());
        Templates::compile(&self.message, columns).map_err(Error::in_message)?;
        Ok(())
    }

    /// The first chunks of a campaign by local time may be those of a zone that comes last.
    fn check_canary(&self, canary: &Canary) -> Result<(), Error> {
        canary
            .validate()
            .map_err(|error| Error::invalid(format!("canary.{}", error.field), error.reason))?;
        match self.schedule.at {
            SendAt::Now | SendAt::Instant(_) => Ok(()),
            SendAt::Local { .. } => {
                let reason = "must not be given for a campaign by local time";
                Err(Error::invalid("canary", reason))
            }
        }
    }

    /// Checks one of single pushes, whose variables come with each of them.
    fn check_triggered(&self) -> Result<(), Error> {
        let given = [
            ("audience_id", self.audience_id.is_some()),
            ("user_ids", self.user_ids.is_some()),
            ("coupon_id", self.coupon_id.is_some()),
            ("coupon", self.coupon.is_some()),
            ("canary", self.canary.is_some()),
            ("schedule.at", self.schedule.at != SendAt::Now),
        ];
        if let Some((field, _)) = given.iter().find(|(_, given)| *given) {
            return Err(Error::invalid(
                *field,
                "must not be given for a campaign of kind `triggered`",
            ));
        }
        Templates::compile(&self.message, None).map_err(Error::in_message)?;
        Ok(())
    }

    /// The file of its user ids, where it brings them along; nothing of it is stored yet.
    pub(super) fn inline_upload(&self) -> Result<Option<Upload>, Error> {
        let user_ids = self.user_ids.as_ref();
        user_ids
            .map(|user_ids| inline_upload(self.name.clone(), user_ids))
            .transpose()
    }

    /// The plan to store, with what it brings along stored in `tx`; its upload, if it has one, is
    /// stored already and ends here.
    pub(super) async fn resolve(
        &self,
        tx: &mut Tx,
        upload: Option<&Upload>,
        now: DateTime<Utc>,
    ) -> Result<Plan, Error> {
        let (audience_id, lane) = self.resolve_audience(tx, upload, now).await?;
        Ok(Plan {
            name: self.name.clone(),
            lane,
            audience_id,
            coupon_id: self.resolve_coupon(tx, now).await?,
            coupon_for: self.coupon_for.into(),
            message: json::write(&self.message)?,
            schedule: json::write(&self.schedule)?,
            starts_at: self.schedule.starts_at(),
            expires_at: match self.schedule.expires {
                Some(Expiry::At(instant)) => Some(instant),
                Some(Expiry::After(_)) | None => None,
            },
            max_per_second: self.max_per_second.map(NonZeroU32::get),
            canary: self.canary.as_ref().map(json::write).transpose()?,
        })
    }

    async fn resolve_audience(
        &self,
        tx: &mut Tx,
        upload: Option<&Upload>,
        now: DateTime<Utc>,
    ) -> Result<(Option<AudienceId>, Lane), Error> {
        if self.kind == CampaignKind::Triggered {
            return Ok((None, Lane::Fast));
        }
        if let Some(upload) = upload {
            upload.complete(tx, now).await?;
            return Ok((Some(upload.id()), Lane::Fast));
        }
        let id = AudienceId(self.audience_id.unwrap_or_default());
        let audience = database::audience::find(tx, id)
            .await?
            .ok_or_else(|| Error::invalid("audience_id", "there is no such audience"))?;
        match audience.state {
            AudienceState::Uploading | AudienceState::Uploaded | AudienceState::Importing => {}
            AudienceState::Ready => check_variables(&self.message, &audience)?,
            AudienceState::Refused | AudienceState::Cancelled => {
                let reason = format!(
                    "the audience is {} and has no recipients",
                    audience.state.as_str()
                );
                return Err(Error::invalid("audience_id", reason));
            }
        }
        Ok((Some(id), Lane::for_audience(audience.progress.size)))
    }

    async fn resolve_coupon(&self, tx: &mut Tx, now: DateTime<Utc>) -> Result<Option<CouponId>, Error> {
        if let Some(coupon) = &self.coupon {
            return Ok(Some(coupon.insert(tx, now).await?));
        }
        let Some(id) = self.coupon_id.map(CouponId) else {
            return Ok(None);
        };
        match database::coupon::find(tx, id).await? {
            Some(_) => Ok(Some(id)),
            None => Err(Error::invalid("coupon_id", "there is no such coupon")),
        }
    }
}

/// Refuses a message that names variables which a ready audience does not have.
pub(super) fn check_variables(message: &Message, audience: &Audience) -> Result<(), Error> {
    let columns: Vec<String> = json::read("an audience's variables", &audience.progress.variables)?;
    Templates::compile(message, Some(&columns)).map_err(Error::in_message)?;
    Ok(())
}

fn check_schedule(schedule: &Schedule, now: DateTime<Utc>) -> Result<(), Error> {
    schedule
        .validate()
        .map_err(|error| Error::invalid(format!("schedule.{}", error.field), error.reason))?;
    match schedule.expires {
        Some(Expiry::At(instant)) if instant <= now => {
            Err(Error::invalid("schedule.expires.at", "must not be past"))
        }
        Some(_) | None => Ok(()),
    }
}
