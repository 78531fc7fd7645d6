//! Pages of lists, and the cursors between them.
//!
//! A cursor is opaque to clients: where its page ended, and of which list. One that was made up,
//! or belongs to another list, is refused.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::error::Error;

const DEFAULT_LIMIT: u32 = 50;
const MAX_LIMIT: u32 = 500;

/// Which page of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParameters {
    /// `next_cursor` of the page before; without one, the first page.
    pub(crate) cursor: Option<String>,
    /// Items of a page at most: 1 to 500, by default 50.
    #[param(minimum = 1, maximum = 500)]
    pub(crate) limit: Option<u32>,
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Page<T: ToSchema> {
    /// In the list's order.
    pub(crate) items: Vec<T>,
    /// Asks for the next page; `null` on the last one.
    pub(crate) next_cursor: Option<String>,
}

/// The lists that have cursors.
#[derive(Clone, Copy, Debug)]
pub(crate) enum List {
    Audiences = 1,
    Campaigns = 2,
    Coupons = 3,
    Inconsistencies = 4,
    Recipients = 5,
    Verification = 6,
    Quotas = 7,
    Feedback = 8,
}

impl PageParameters {
    /// Items of the page at most.
    pub(crate) fn limit(&self) -> Result<u32, Error> {
        match self.limit {
            None => Ok(DEFAULT_LIMIT),
            Some(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
            Some(_) => Err(Error::invalid("limit", "must be from 1 to 500")),
        }
    }

    /// The id at which the page before ended.
    pub(crate) fn after(&self, list: List) -> Result<Option<Uuid>, Error> {
        Ok(list.read(self.cursor.as_deref())?.map(Uuid::from_bytes))
    }
}

impl List {
    /// The cursor to go on from this place.
    pub(crate) fn cursor(self, place: &[u8]) -> String {
        BASE64_URL_SAFE_NO_PAD.encode([&[self as u8], place].concat())
    }

    /// The place that a cursor of this list goes on from.
    pub(crate) fn read<const N: usize>(self, cursor: Option<&str>) -> Result<Option<[u8; N]>, Error> {
        let Some(cursor) = cursor else { return Ok(None) };
        let place = self.place(cursor).and_then(|place| place.try_into().ok());
        place.map(Some).ok_or_else(foreign)
    }

    /// The same of a list whose places are names.
    pub(crate) fn read_text(self, cursor: Option<&str>) -> Result<Option<String>, Error> {
        let Some(cursor) = cursor else { return Ok(None) };
        let place = self.place(cursor).and_then(|place| String::from_utf8(place).ok());
        place.map(Some).ok_or_else(foreign)
    }

    fn place(self, cursor: &str) -> Option<Vec<u8>> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        Some(bytes.strip_prefix(&[self as u8])?.to_vec())
    }

    /// The page of `rows`, of which one more than `limit` was asked for to see whether there are
    /// more.
    pub(crate) fn page<R, T: ToSchema>(
        self,
        mut rows: Vec<R>,
        limit: u32,
        id: impl Fn(&R) -> Uuid,
        item: impl FnMut(R) -> Result<T, Error>,
    ) -> Result<Page<T>, Error> {
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next_cursor = rows
            .last()
            .filter(|_| more)
            .map(|last| self.cursor(id(last).as_bytes()));
        Ok(Page {
            items: rows.into_iter().map(item).collect::<Result<_, _>>()?,
            next_cursor,
        })
    }
}

fn foreign() -> Error {
    Error::invalid("cursor", "is not a cursor of this list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_by_its_own_list_only() {
        let cursor = List::Campaigns.cursor(Uuid::from_u128(7).as_bytes());

        let own: Option<[u8; 16]> = List::Campaigns.read(Some(&cursor)).unwrap();
        assert_eq!(own.map(Uuid::from_bytes), Some(Uuid::from_u128(7)));
        assert!(List::Coupons.read::<16>(Some(&cursor)).is_err());
        assert!(List::Campaigns.read::<16>(Some("made up")).is_err());
        assert!(List::Campaigns.read::<16>(Some("")).is_err());
    }
}
