//! The order of keys: element by element, each by kind, then numeric ids before names.
//!
//! A parent sorts right before its descendants, and its encoding is the beginning of theirs;
//! so the entities below an ancestor are one range.

use gcloud_sdk::google::datastore::v1::key::PathElement;
use gcloud_sdk::google::datastore::v1::key::path_element::IdType;

use super::bytes::{invert_from, push_bytes, push_i64, split_bytes, split_i64};

const ID: u8 = 0x01;
const NAME: u8 = 0x02;
/// Sorts a path before its descendants' where all bits are turned: a following element could
/// begin with `00 FF` at the least.
const END: [u8; 2] = [0x00, 0x00];

/// Appends one complete element.
pub(crate) fn push_element(out: &mut Vec<u8>, kind: &str, id: &IdType) {
    push_bytes(out, kind.as_bytes());
    match id {
        IdType::Id(id) => {
            out.push(ID);
            push_i64(out, *id);
        }
        IdType::Name(name) => {
            out.push(NAME);
            push_bytes(out, name.as_bytes());
        }
    }
}

/// Appends a path so that it sorts in descending order.
pub(crate) fn push_descending(out: &mut Vec<u8>, path: &[u8]) {
    let start = out.len();
    out.extend_from_slice(path);
    out.extend(END);
    invert_from(out, start);
}

/// Reads back what [`push_descending`] wrote, which must be all of `encoded`.
pub(crate) fn descending(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut path = encoded.to_vec();
    invert_from(&mut path, 0);
    path.ends_with(&END).then(|| {
        path.truncate(path.len() - END.len());
        path
    })
}

/// The elements of an encoded path. `None`: not such an encoding.
pub(crate) fn elements(mut encoded: &[u8]) -> Option<Vec<PathElement>> {
    let mut elements = Vec::new();
    while !encoded.is_empty() {
        let (element, rest) = split_element(encoded)?;
        elements.push(element);
        encoded = rest;
    }
    Some(elements)
}

/// The lengths of the encodings of the path's ancestors, the path itself last.
pub(crate) fn ancestor_lengths(encoded: &[u8]) -> Vec<usize> {
    let mut lengths = Vec::new();
    let mut rest = encoded;
    while let Some((_, tail)) = split_element(rest) {
        lengths.push(encoded.len() - tail.len());
        rest = tail;
    }
    lengths
}

fn split_element(encoded: &[u8]) -> Option<(PathElement, &[u8])> {
    let (kind, rest) = split_bytes(encoded)?;
    let (id, rest) = match rest {
        [ID, rest @ ..] => {
            let (id, rest) = split_i64(rest)?;
            (IdType::Id(id), rest)
        }
        [NAME, rest @ ..] => {
            let (name, rest) = split_bytes(rest)?;
            (IdType::Name(String::from_utf8(name).ok()?), rest)
        }
        _ => return None,
    };
    let element = PathElement {
        kind: String::from_utf8(kind).ok()?,
        id_type: Some(id),
    };
    Some((element, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Element = (String, Result<i64, String>);

    fn path() -> impl Strategy<Value = Vec<Element>> {
        let kind = prop_oneof!["[AB]{1,2}", ".{0,3}"];
        let id = prop_oneof![any::<i64>().prop_map(Ok), ".{0,3}".prop_map(Err),];
        prop::collection::vec((kind, id), 1..4)
    }

    fn encoded(path: &[Element]) -> Vec<u8> {
        let mut out = Vec::new();
        for (kind, id) in path {
            let id = match id {
                Ok(id) => IdType::Id(*id),
                Err(name) => IdType::Name(name.clone()),
            };
            push_element(&mut out, kind, &id);
        }
        out
    }

    proptest! {
        #[test]
        fn paths_keep_their_order_both_ways(a in path(), b in path()) {
            let (left, right) = (encoded(&a), encoded(&b));

            prop_assert_eq!(left.cmp(&right), a.cmp(&b));

            let (mut down, mut up) = (Vec::new(), Vec::new());
            push_descending(&mut down, &left);
            push_descending(&mut up, &right);
            prop_assert_eq!(down.cmp(&up), b.cmp(&a));
            prop_assert_eq!(descending(&down), Some(left));
        }

        #[test]
        fn a_path_comes_back_and_begins_with_its_ancestors(path in path()) {
            let whole = encoded(&path);

            prop_assert_eq!(elements(&whole).map(|elements| elements.len()), Some(path.len()));
            let lengths = ancestor_lengths(&whole);
            for (depth, length) in lengths.iter().enumerate() {
                prop_assert_eq!(&whole[..*length], &encoded(&path[..=depth])[..]);
            }
        }
    }
}
