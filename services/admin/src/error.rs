//! Why a request was not carried out.

use audience::Refusal;
use campaign::{CampaignState, CampaignStateError, MessageError, Position};
use database::audience::AudienceState;
use database::idempotency::Answered;

/// What went wrong, by what the client can do about it. Nothing was changed, unless a variant
/// says otherwise. [`crate::problem`] says how each is told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The request comes from another site's page in a browser.
    #[error("requests from pages of other sites are refused")]
    ForeignOrigin,
    /// The token is missing or wrong.
    #[error("a bearer token is needed: `Authorization: Bearer …`")]
    Unauthorized,
    /// A value is not one that the API takes.
    #[error("{field}: {reason}")]
    Invalid {
        /// Where it stands: a path in the body, or the name of a parameter or header.
        field: String,
        /// What is wrong with it.
        reason: String,
        /// Where in a template.
        position: Option<Position>,
    },
    /// The body is not JSON.
    #[error("the body is not JSON: {reason}")]
    NotJson {
        /// What is wrong there.
        reason: String,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// The content type is not one that the route takes.
    #[error("the content type must be {expected}")]
    MediaType {
        /// What it takes.
        expected: &'static str,
    },
    /// The body is over the limit.
    #[error("the body has more than {limit} bytes")]
    BodyTooLarge {
        /// In bytes.
        limit: u64,
    },
    /// The body broke off.
    #[error("the body broke off before its end")]
    BodyBroken,
    /// The body's sender fell silent.
    #[error("nothing more of the body came for a minute")]
    BodyStalled,
    /// There is no such thing.
    #[error("there is no such {what}")]
    NotFound {
        /// What was looked for.
        what: &'static str,
    },
    /// The campaign's state does not allow it.
    #[error(transparent)]
    WrongState(#[from] CampaignStateError),
    /// Pushes are accepted by a campaign that was started and has not ended.
    #[error("a campaign that is {} takes no pushes", .0.as_str())]
    NotRunning(CampaignState),
    /// A campaign of single pushes has nobody to be compared with.
    #[error("the campaign is triggered: it has no audience")]
    NoAudience,
    /// Datastore does not hold the campaign's pushes any more.
    #[error("the campaign is pruned: its pushes are no longer kept")]
    Pruned,
    /// Only drafts are changed.
    #[error("a campaign that is {} cannot be changed", .0.as_str())]
    NotDraft(CampaignState),
    /// The audience has no recipients yet, or never will.
    #[error("the campaign's audience is {}, not ready", .0.as_str())]
    AudienceNotReady(AudienceState),
    /// The audience's import is over.
    #[error("an audience that is {} cannot be cancelled", .0.as_str())]
    AudienceOver(AudienceState),
    /// The upload is over.
    #[error("no more parts come: the audience is {}", .0.as_str())]
    UploadOver(AudienceState),
    /// A part is not what its digest says.
    #[error("the part's SHA-256 is not the one in `Content-Digest`: send it again")]
    DigestDiffers,
    /// Another part is there under this number.
    #[error("part {no} is there already, with other bytes")]
    PartDiffers {
        /// Which.
        no: u32,
    },
    /// Not every part is there.
    #[error("{count} parts are missing")]
    PartsMissing {
        /// The first of them.
        named: Vec<u32>,
        /// How many there are.
        count: u32,
    },
    /// A part is there that does not belong to the file.
    #[error("part {no} is there, but of {parts} parts the last is number {last}", last = parts - 1)]
    PartBeyond {
        /// Which.
        no: u32,
        /// How many the file is said to have.
        parts: u32,
    },
    /// The file has not the size that was said.
    #[error("the parts have {received} bytes; {expected} were said when the upload was begun")]
    SizeDiffers {
        /// In bytes.
        expected: u64,
        /// In bytes.
        received: u64,
    },
    /// The report is not whole yet.
    #[error("the report is still being made")]
    ReportMaking,
    /// The report was kept long enough.
    #[error("the report has expired: it is no longer kept")]
    ReportExpired,
    /// A range of a file that it does not have.
    #[error("the file has {size} bytes, and none of those asked for")]
    RangeBeyond {
        /// In bytes.
        size: u64,
    },
    /// The campaign has no recipients before it is scheduled or started.
    #[error("a campaign that is {} has no recipients yet", .0.as_str())]
    NoRecipientsYet(CampaignState),
    /// The load guard lets nothing begin.
    #[error("the databases are under load, and nothing more is taken in now")]
    HeldBack,
    /// There is no import to hold, or it is held.
    #[error("the import of an audience that is {} cannot be paused, or is paused already", .0.as_str())]
    AudienceNotPaused(AudienceState),
    /// The audience's import is not held.
    #[error("the import of an audience that is {} is not paused", .0.as_str())]
    AudienceNotHeld(AudienceState),
    /// An update names no version.
    #[error("an update must name the version that it replaces: `If-Match: \"1\"`")]
    VersionMissing,
    /// Somebody else changed it first.
    #[error("the campaign has another version by now")]
    VersionDiffers {
        /// The version that it has.
        current: u32,
    },
    /// It was carried out before, with this answer.
    #[error("it was carried out before")]
    Answered(Answered),
    /// The idempotency key was used for another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// The audience file can never be imported.
    #[error(transparent)]
    FileRefused(#[from] Refusal),
    /// The user's erasure is under way.
    #[error("{field}: the user is being erased; register the device again when that is done")]
    BeingErased {
        /// Where the user stands: a path in the body, or the name of a parameter.
        field: String,
    },
    /// The process is stopping.
    #[error("the process is stopping")]
    Stopping,
    /// Whether it was carried out is not known.
    #[error("it may have been carried out: repeat it with the same Idempotency-Key")]
    OutcomeUnknown(#[source] database::Error),
    /// SQL failed.
    #[error("the SQL database did not answer as it should")]
    Sql(#[from] database::Error),
    /// Datastore failed.
    #[error("datastore did not answer as it should")]
    Datastore(#[from] push_store::Error),
    /// What is stored is not what this program stores.
    #[error("a fault of ours: {0}")]
    Fault(String),
}

impl Error {
    /// A value that the API does not take.
    pub(crate) fn invalid(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            reason: reason.into(),
            position: None,
        }
    }

    /// A message that cannot be sent as it is written.
    pub(crate) fn in_message(error: MessageError) -> Self {
        Self::Invalid {
            field: format!("message.{}", error.field),
            reason: error.reason,
            position: error.position,
        }
    }
}
