//! Audiences that are made of others: by a file that changes one, or by sets alone.

use campaign::{AudienceId, CampaignId, FileRole, Sources};
use database::Tx;
use database::audience::AudienceState;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::inline::InlineAudience;
use crate::error::Error;
use crate::json;
use crate::user_id::UserId;

/// The most audiences, and the most campaigns, of one audience.
const MAX_LISTS: usize = 16;

/// What a file does with the audience that it is uploaded for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// It is an audience of its own.
    #[default]
    New,
    /// It takes the place of the base.
    Replace,
    /// Its recipients come to those of the base; of a user who is in both, the file's row counts.
    Add,
    /// Its users are taken from the base.
    Subtract,
}

/// What an audience is made of, and of which it is a version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct MadeOf {
    base: Option<AudienceId>,
    /// None for the file alone.
    sources: Option<Sources>,
}

impl MadeOf {
    /// Of a file that is uploaded in that mode.
    pub(crate) fn file(mode: Mode, base: Option<Uuid>) -> Result<Self, Error> {
        let Some(base) = base.map(AudienceId) else {
            return match mode {
                Mode::New => Ok(Self::default()),
                Mode::Replace | Mode::Add | Mode::Subtract => {
                    Err(Error::invalid("base", "must be given with this mode"))
                }
            };
        };
        let of_base = |file| Sources {
            file,
            include: vec![base],
            ..Sources::default()
        };
        let sources = match mode {
            Mode::New => {
                return Err(Error::invalid(
                    "base",
                    "goes with the modes replace, add and subtract",
                ));
            }
            Mode::Replace => None,
            Mode::Add => Some(of_base(FileRole::Recipients)),
            Mode::Subtract => Some(of_base(FileRole::Excluded)),
        };
        Ok(Self {
            base: Some(base),
            sources,
        })
    }

    /// Says so in the transaction that has inserted the audience. Every audience that it names must
    /// be ready, and every campaign be there.
    pub(crate) async fn store(&self, tx: &mut Tx, id: AudienceId) -> Result<(), Error> {
        if self.base.is_none() && self.sources.is_none() {
            return Ok(());
        }
        if let Some(base) = self.base {
            check_audience(tx, "base", base).await?;
        }
        if let Some(sources) = &self.sources {
            let audiences = [("include", &sources.include), ("exclude", &sources.exclude)];
            for (field, ids) in audiences {
                for id in ids {
                    check_audience(tx, field, *id).await?;
                }
            }
            for id in &sources.exclude_sent_in {
                check_campaign(tx, "exclude_sent_in", *id).await?;
            }
            if let Some(id) = sources.only_failed_in {
                check_campaign(tx, "only_failed_in", id).await?;
            }
        }
        let sources = self.sources.as_ref().map(json::write).transpose()?;
        Ok(database::audience::set_sources(tx, id, self.base, sources.as_deref()).await?)
    }
}

async fn check_audience(tx: &mut Tx, field: &'static str, id: AudienceId) -> Result<(), Error> {
    match database::audience::find(tx, id).await? {
        Some(found) if found.state == AudienceState::Ready => Ok(()),
        Some(_) => Err(Error::invalid(field, "names an audience that is not ready")),
        None => Err(Error::invalid(field, "names an audience that is not there")),
    }
}

/// Of a campaign whose pushes are pruned nobody can tell to whom it was sent.
async fn check_campaign(tx: &mut Tx, field: &'static str, id: CampaignId) -> Result<(), Error> {
    match database::campaign::find(tx, id).await? {
        Some(found) if found.pruned_at.is_none() => Ok(()),
        Some(_) => Err(Error::invalid(field, "names a campaign whose pushes are pruned")),
        None => Err(Error::invalid(field, "names a campaign that is not there")),
    }
}

/// An audience without a file: a list of users, or a set of other lists.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct JsonAudience {
    /// For people; 1 to 255 characters.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// Its recipients; of one that is there twice, the second is rejected as `duplicate`. Not with
    /// the others.
    #[schema(min_items = 1, max_items = 10_000, value_type = Option<Vec<String>>)]
    user_ids: Option<Vec<UserId>>,
    /// Audiences whose recipients are in it; of a user who is in several, the first counts.
    #[schema(max_items = 16)]
    include: Option<Vec<Uuid>>,
    /// Audiences whose recipients are not.
    #[schema(max_items = 16)]
    exclude: Option<Vec<Uuid>>,
    /// Campaigns: whoever was sent one of them, by the time of the import, is not in it.
    #[schema(max_items = 16)]
    exclude_sent_in: Option<Vec<Uuid>>,
    /// A campaign: nobody else is in it than those to whom it failed.
    only_failed_in: Option<Uuid>,
}

/// Which of the two it is.
#[derive(Debug)]
pub(super) enum Given {
    /// User ids.
    Users(InlineAudience),
    /// Other lists, and the name.
    Lists(String, MadeOf),
}

impl JsonAudience {
    pub(super) fn given(self) -> Result<Given, Error> {
        let names_lists = self.include.is_some()
            || self.exclude.is_some()
            || self.exclude_sent_in.is_some()
            || self.only_failed_in.is_some();
        match self.user_ids {
            Some(_) if names_lists => Err(Error::invalid("user_ids", "does not go with other lists")),
            Some(user_ids) => Ok(Given::Users(InlineAudience {
                name: self.name,
                user_ids,
            })),
            None => {
                let include = self.include.unwrap_or_default();
                if include.is_empty() {
                    let reason = "must name an audience, or user_ids be given";
                    return Err(Error::invalid("include", reason));
                }
                let audiences = |field, ids| Ok::<_, Error>(checked(field, ids)?.map(AudienceId).collect());
                let sent_in = checked("exclude_sent_in", self.exclude_sent_in.unwrap_or_default())?;
                let sources = Sources {
                    file: FileRole::default(),
                    include: audiences("include", include)?,
                    exclude: audiences("exclude", self.exclude.unwrap_or_default())?,
                    exclude_sent_in: sent_in.map(CampaignId).collect(),
                    only_failed_in: self.only_failed_in.map(CampaignId),
                };
                let made_of = MadeOf {
                    base: None,
                    sources: Some(sources),
                };
                Ok(Given::Lists(self.name, made_of))
            }
        }
    }
}

fn checked(field: &'static str, ids: Vec<Uuid>) -> Result<impl Iterator<Item = Uuid>, Error> {
    if ids.len() > MAX_LISTS {
        return Err(Error::invalid(field, "must name 16 at most"));
    }
    Ok(ids.into_iter())
}
