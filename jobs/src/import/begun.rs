//! With what an import began: what it makes depends on this and on what it reads, and on nothing
//! that changes while it runs.

use audience::{ChunkSettings, FileSettings, partition_count};
use campaign::{AudienceId, CampaignId, FileRole, Sources};
use database::audience::{self as audiences, Audience};
use database::campaign as campaigns;
use runtime::Backends;
use serde::{Deserialize, Serialize};

use super::source::Source;
use crate::Error;

/// Bytes of each partition in one batch of sorting, at the least: with very many partitions, runs
/// would be tiny otherwise.
const MIN_RUN_BYTES: usize = 4 << 10;

/// About what a recipient of another audience takes between the steps, and a user of whom nothing
/// else matters.
const RECIPIENT_BYTES: u64 = 96;
const USER_BYTES: u64 = 32;

/// Kept beside the file as JSON when an import begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    /// How the chunks are cut.
    pub(super) chunks: ChunkSettings,
    /// Into how many partitions the rows are sorted.
    pub(super) partitions: u32,
    /// Bytes of rows in one batch of sorting.
    pub(super) batch_bytes: usize,
    /// What the users of the file are.
    pub(super) file: FileRole,
    /// Other lists, in their order.
    pub(super) lists: Vec<List>,
    /// Variables of the included audiences.
    pub(super) variables: Vec<String>,
}

/// A list that takes part beside the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct List {
    pub(super) of: Of,
    /// In so many chunks.
    pub(super) chunks: u32,
    /// Of so many recipients.
    pub(super) size: u64,
}

/// Whom a list names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Of {
    /// Recipients to be included.
    Included(AudienceId),
    /// Recipients who are not.
    Excluded(AudienceId),
    /// Users who were sent a campaign, and are not included.
    SentIn(CampaignId),
    /// Users to whom a campaign failed: nobody else is included.
    FailedIn(CampaignId),
}

impl Begun {
    /// As the process is configured, and the lists are.
    pub(super) async fn now(
        backends: &Backends,
        audience: &Audience,
        source: &Source,
    ) -> Result<Self, Error> {
        let config = &backends.process.config;
        let sources = sources(audience)?;
        let (lists, variables) = resolve(backends, &sources).await?;
        let bytes = source.most_bytes() + lists.iter().map(List::bytes).sum::<u64>();
        let partition_bytes = config.import.partition_bytes.get();
        let partitions = partition_count(bytes, partition_bytes.into());
        Ok(Self {
            chunks: ChunkSettings {
                // One mutation of a commit is the chunk's marker.
                recipients: config.fan_out.mutations.get() - 1,
                commit_bytes: config.import.chunk_max_bytes.get() as usize,
                ..ChunkSettings::default()
            },
            partitions,
            batch_bytes: (partition_bytes as usize / 2).max(partitions as usize * MIN_RUN_BYTES),
            file: sources.file,
            lists,
            variables,
        })
    }

    /// Whether nobody is in the audience who is in no list of [`Of::FailedIn`].
    pub(super) fn requires(&self) -> bool {
        self.lists.iter().any(|list| matches!(list.of, Of::FailedIn(_)))
    }
}

impl List {
    /// About what it takes between the steps.
    pub(super) fn bytes(&self) -> u64 {
        self.size
            * match self.of {
                Of::Included(_) => RECIPIENT_BYTES,
                Of::Excluded(_) | Of::SentIn(_) | Of::FailedIn(_) => USER_BYTES,
            }
    }
}

fn sources(audience: &Audience) -> Result<Sources, Error> {
    match &audience.sources {
        None => Ok(Sources::default()),
        Some(stored) => serde_json::from_str(stored)
            .map_err(|error| Error::stored(format!("the sources of audience {}", audience.id), error)),
    }
}

/// The lists as they are now, and the variables of the included ones.
async fn resolve(backends: &Backends, sources: &Sources) -> Result<(Vec<List>, Vec<String>), Error> {
    let included = sources.include.iter().map(|id| (*id, Of::Included(*id)));
    let excluded = sources.exclude.iter().map(|id| (*id, Of::Excluded(*id)));
    let (mut lists, mut variables) = (Vec::new(), Vec::new());
    for (id, of) in included.chain(excluded) {
        let found = audiences::find(&backends.db, id).await?;
        let found = found.ok_or_else(|| Error::stored(format!("audience {id}"), "it is not there"))?;
        lists.push(List {
            of,
            chunks: found.progress.chunk_count,
            size: found.progress.size,
        });
        if matches!(of, Of::Included(_)) {
            let names: Vec<String> = serde_json::from_str(&found.progress.variables)
                .map_err(|error| Error::stored(format!("the variables of audience {id}"), error))?;
            add_missing(&mut variables, &names);
        }
    }
    let sent = sources.exclude_sent_in.iter().map(|id| (*id, Of::SentIn(*id)));
    let failed = sources.only_failed_in.iter().map(|id| (*id, Of::FailedIn(*id)));
    for (id, of) in sent.chain(failed) {
        let found = campaigns::find(&backends.db, id).await?;
        let found = found.ok_or_else(|| Error::stored(format!("campaign {id}"), "it is not there"))?;
        lists.push(List {
            of,
            chunks: found.chunk_count,
            size: found.audience_size,
        });
    }
    Ok((lists, variables))
}

/// Adds the names that are not there yet.
pub(super) fn add_missing(variables: &mut Vec<String>, names: &[String]) {
    for name in names {
        if !variables.contains(name) {
            variables.push(name.clone());
        }
    }
}

/// What is given about the audience's file.
pub(super) fn file_settings(audience: &Audience) -> Result<FileSettings, Error> {
    serde_json::from_str(&audience.settings)
        .map_err(|error| Error::stored(format!("the settings of audience {}", audience.id), error))
}
