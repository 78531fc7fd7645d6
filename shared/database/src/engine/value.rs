//! Values on their way into a statement.
//!
//! Each engine binds them in its own types. An instant is cut to microseconds; SQLite keeps it
//! as fixed-width text, so that the order of the text is the order of time.

use std::borrow::Cow;

use chrono::{DateTime, SubsecRound, Utc};
use sqlx::Arguments;
use sqlx::error::BoxDynError;
use sqlx::mysql::MySqlArguments;
use sqlx::sqlite::SqliteArguments;
use uuid::Uuid;

/// How SQLite keeps an instant: what MySQL prints for a DATETIME(6), in UTC.
pub(crate) const INSTANT_TEXT: &str = "%Y-%m-%d %H:%M:%S%.6f";

/// One value for one placeholder.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// SQL's NULL.
    Null,
    /// BOOLEAN.
    Bool(bool),
    /// INT or BIGINT.
    Integer(i64),
    /// VARCHAR, TEXT or JSON.
    Text(Cow<'a, str>),
    /// BINARY or BLOB.
    Bytes(Cow<'a, [u8]>),
    /// BINARY(16).
    Uuid(Uuid),
    /// DATETIME(6).
    Instant(DateTime<Utc>),
}

impl Value<'_> {
    pub(crate) fn add_to_mysql(&self, arguments: &mut MySqlArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Null => arguments.add(None::<i64>),
            Self::Bool(value) => arguments.add(value),
            Self::Integer(value) => arguments.add(value),
            Self::Text(value) => arguments.add(&**value),
            Self::Bytes(value) => arguments.add(&**value),
            Self::Uuid(value) => arguments.add(value),
            // As DATETIME: sqlx binds a DateTime<Utc> as TIMESTAMP, of which MariaDB makes NULL
            // before 1970 and after January 2038.
            Self::Instant(value) => arguments.add(value.naive_utc().trunc_subsecs(6)),
        }
    }

    pub(crate) fn add_to_sqlite(&self, arguments: &mut SqliteArguments) -> Result<(), BoxDynError> {
        match self {
            Self::Null => arguments.add(None::<i64>),
            Self::Bool(value) => arguments.add(value),
            Self::Integer(value) => arguments.add(value),
            Self::Text(value) => arguments.add(&**value),
            Self::Bytes(value) => arguments.add(&**value),
            Self::Uuid(value) => arguments.add(value),
            Self::Instant(value) => arguments.add(value.format(INSTANT_TEXT).to_string()),
        }
    }

    /// Roughly the bytes that this value takes in a packet.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Text(value) => value.len() + 4,
            Self::Bytes(value) => value.len() + 4,
            Self::Null | Self::Bool(_) | Self::Integer(_) | Self::Uuid(_) | Self::Instant(_) => 20,
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Bytes(Cow::Borrowed(value))
    }
}

impl<const N: usize> From<[u8; N]> for Value<'_> {
    fn from(value: [u8; N]) -> Self {
        Self::Bytes(Cow::Owned(value.to_vec()))
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Gives types a constructor of [`Value`] by an expression over the value.
macro_rules! values {
    ($($type:ty: |$value:ident| $into:expr;)+) => {$(
        impl From<$type> for Value<'_> {
            fn from($value: $type) -> Self {
                $into
            }
        }
    )+};
}

values! {
    bool: |value| Self::Bool(value);
    i64: |value| Self::Integer(value);
    u32: |value| Self::Integer(value.into());
    u16: |value| Self::Integer(value.into());
    // No count or size of ours comes near 2^63, and BIGINT holds no more.
    u64: |value| Self::Integer(i64::try_from(value).unwrap_or(i64::MAX));
    Uuid: |value| Self::Uuid(value);
    DateTime<Utc>: |value| Self::Instant(value);
    campaign::CampaignId: |id| Self::Uuid(id.0);
    campaign::AudienceId: |id| Self::Uuid(id.0);
    campaign::ReportId: |id| Self::Uuid(id.0);
    campaign::CouponId: |id| Self::Uuid(id.0);
    campaign::IntentId: |id| Self::Uuid(id.0);
    campaign::InconsistencyId: |id| Self::Uuid(id.0);
    campaign::LeaseToken: |token| Self::Uuid(token.0);
    campaign::CampaignState: |state| Self::Text(Cow::Borrowed(state.as_str()));
    campaign::CanaryState: |state| Self::Text(Cow::Borrowed(state.as_str()));
    campaign::Lane: |lane| Self::Text(Cow::Borrowed(lane.as_str()));
}
