//! Where a result stands in the order of its query.
//!
//! A position is the values of the query's orders, each in its direction, then the path in the
//! last direction; positions of one query compare byte by byte whatever index they come from.
//! A cursor is a position with a mark in front.

use std::ops::Bound;

use crate::datastore::encoding::bytes::after_prefix;
use crate::datastore::encoding::path::{descending, push_descending};
use crate::datastore::encoding::value::{Direction, value_length};
use crate::datastore::engine::{Sense, Span};
use crate::datastore::error::Error;

/// The form of our cursors; another one would make old cursors be refused, not misread.
const MARK: [u8; 2] = [0x4E, 0x01];

/// How the positions of a query are put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// The properties in order.
    pub(crate) orders: Vec<(String, Direction)>,
    /// The direction of the path behind them.
    pub(crate) path: Direction,
}

/// A position taken apart.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    /// The encoded values, each in its direction.
    pub(crate) values: Vec<&'a [u8]>,
    /// The encoded path, ascending.
    pub(crate) path: Vec<u8>,
}

impl Layout {
    /// Takes a position apart. `None`: it is not one of this layout.
    pub(crate) fn split<'a>(&self, position: &'a [u8]) -> Option<Parts<'a>> {
        let mut values = Vec::with_capacity(self.orders.len());
        let mut rest = position;
        for (_, direction) in &self.orders {
            let (value, tail) = rest.split_at_checked(value_length(rest, *direction)?)?;
            values.push(value);
            rest = tail;
        }
        let path = match self.path {
            Direction::Ascending => rest.to_vec(),
            Direction::Descending => descending(rest)?,
        };
        Some(Parts { values, path })
    }

    /// Turns what an ascending index holds into a position, when it is read backward; and a
    /// position back into that. Forward they are the same.
    pub(crate) fn position_of(&self, stored: &[u8], sense: Sense) -> Option<Vec<u8>> {
        match sense {
            Sense::Forward => Some(stored.to_vec()),
            Sense::Backward => {
                let values = self.orders.iter().try_fold(0, |length, _| {
                    Some(length + value_length(&stored[length..], Direction::Ascending)?)
                })?;
                let (values, path) = stored.split_at(values);
                let mut position: Vec<u8> = values.iter().map(|byte| !byte).collect();
                push_descending(&mut position, path);
                Some(position)
            }
        }
    }

    /// The other way round than [`Layout::position_of`].
    pub(crate) fn stored_form(&self, position: &[u8], sense: Sense) -> Option<Vec<u8>> {
        match sense {
            Sense::Forward => Some(position.to_vec()),
            Sense::Backward => {
                let parts = self.split(position)?;
                let turned = parts.values.concat().into_iter().map(|byte| !byte);
                Some(turned.chain(parts.path).collect())
            }
        }
    }
}

/// The bytes of a cursor behind that position.
pub(crate) fn to_cursor(position: &[u8]) -> Vec<u8> {
    [&MARK, position].concat()
}

/// The position of a cursor; `None` for the empty one, which stands for none.
pub(crate) fn from_cursor(cursor: &[u8], layout: &Layout) -> Result<Option<Vec<u8>>, Error> {
    if cursor.is_empty() {
        return Ok(None);
    }
    let position = cursor
        .strip_prefix(&MARK)
        .filter(|position| layout.split(position).is_some());
    match position {
        Some(position) => Ok(Some(position.to_vec())),
        None => Err(Error::invalid("The cursor is not one of this query.")),
    }
}

/// The positions whose first value, of that direction, is in an interval of ascending values.
pub(crate) fn span_of_values(interval: &Span, direction: Direction) -> Span {
    let behind = |value: &[u8]| after_prefix(value).expect("a value begins with a tag below FF");
    let turned = |value: &[u8]| value.iter().map(|byte| !byte).collect::<Vec<u8>>();
    match direction {
        Direction::Ascending => Span {
            low: match &interval.low {
                Bound::Excluded(low) => Bound::Included(behind(low)),
                kept => kept.clone(),
            },
            high: match &interval.high {
                Bound::Included(high) => Bound::Excluded(behind(high)),
                kept => kept.clone(),
            },
        },
        Direction::Descending => Span {
            low: match &interval.high {
                Bound::Included(high) => Bound::Included(turned(high)),
                Bound::Excluded(high) => Bound::Included(behind(&turned(high))),
                Bound::Unbounded => Bound::Unbounded,
            },
            high: match &interval.low {
                Bound::Included(low) => Bound::Excluded(behind(&turned(low))),
                Bound::Excluded(low) => Bound::Excluded(turned(low)),
                Bound::Unbounded => Bound::Unbounded,
            },
        },
    }
}
