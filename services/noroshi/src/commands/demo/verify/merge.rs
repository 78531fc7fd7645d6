//! What the audience should have got beside what the gateway says it took.
//!
//! Both sides come in the order of push ids, so a campaign of any size is compared in the memory
//! of two records.

use std::io;
use std::iter::Peekable;

use campaign::PushId;
use emulator::sink::ledger::Entry;
use uuid::Uuid;

use super::super::devices::address;

/// Bytes of a stored [`Expected`].
pub(super) const RECORD: usize = 33;

/// Whether the store says that a push was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// So the ledger must have it.
    Yes,
    /// So the ledger may have it, if the gateway's answer was lost.
    No,
}

/// One push of the audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) push: PushId,
    /// The device that its user registered.
    pub(super) device: Uuid,
    pub(super) sent: Sent,
}

impl Expected {
    /// In the order of push ids.
    pub(super) fn to_bytes(self) -> [u8; RECORD] {
        let mut bytes = [0; RECORD];
        bytes[..16].copy_from_slice(self.push.0.as_bytes());
        bytes[16..32].copy_from_slice(self.device.as_bytes());
        bytes[32] = u8::from(self.sent == Sent::Yes);
        bytes
    }

    /// What [`Self::to_bytes`] wrote.
    pub(super) fn from_bytes(bytes: &[u8; RECORD]) -> Self {
        let id = |start: usize| {
            let sixteen = bytes[start..start + 16].try_into();
            Uuid::from_bytes(sixteen.expect("the slice has sixteen bytes"))
        };
        Self {
            push: PushId(id(0)),
            device: id(16),
            sent: if bytes[32] == 1 { Sent::Yes } else { Sent::No },
        }
    }
}

/// How the two sides differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Pushes that were sent, and of which the gateway has nothing at their user's address.
    pub(super) unreceived: u64,
    /// Ledger entries beyond one for each push and address.
    pub(super) doubled: u64,
}

/// Compares them. Both sides are in the order of push ids. Entries of other pushes than the
/// expected ones belong to other campaigns.
pub(super) fn compare(
    expected: impl Iterator<Item = io::Result<Expected>>,
    entries: impl Iterator<Item = io::Result<Entry>>,
) -> io::Result<Difference> {
    let mut entries = entries
        .filter_map(|entry| entry.map(of_push).transpose())
        .peekable();
    let mut difference = Difference::default();
    for expected in expected {
        let expected = expected?;
        let received = received(&mut entries, &expected)?;
        difference.doubled += received.doubled;
        let lost = expected.sent == Sent::Yes && received.place == Place::NotThere;
        difference.unreceived += u64::from(lost);
    }
    Ok(difference)
}

/// The entry with its push id; `None` for one that is no push of ours.
fn of_push(entry: Entry) -> Option<(Uuid, String)> {
    let id = Uuid::parse_str(&entry.push_id).ok()?;
    // Written in another way, it would be in another place of the order.
    let canonical = *id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == *entry.push_id;
    canonical.then_some((id, entry.address))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    AtTheUsers,
    NotThere,
}

struct Received {
    place: Place,
    doubled: u64,
}

/// What was received of one push. Takes its entries, and those of pushes before it.
fn received<I>(entries: &mut Peekable<I>, expected: &Expected) -> io::Result<Received>
where
    I: Iterator<Item = io::Result<(Uuid, String)>>,
{
    let id = expected.push.0;
    let own = address(expected.device);
    let mut received = Received {
        place: Place::NotThere,
        doubled: 0,
    };
    let mut before: Option<String> = None;
    while let Some(entry) = entries.next_if(|entry| entry.as_ref().map_or(true, |(push, _)| *push <= id)) {
        let (push, address) = entry?;
        if push < id {
            continue;
        }
        if address == own {
            received.place = Place::AtTheUsers;
        }
        // Entries of one push and address stand together.
        if before.as_ref() == Some(&address) {
            received.doubled += 1;
        }
        before = Some(address);
    }
    Ok(received)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    fn push(number: u128) -> PushId {
        PushId(Uuid::from_u128(number))
    }

    fn device(number: u128) -> Uuid {
        Uuid::from_u128(1_000 + number)
    }

    fn expected(number: u128, sent: Sent) -> Expected {
        Expected {
            push: push(number),
            device: device(number),
            sent,
        }
    }

    fn entry_at(number: u128, address: String) -> Entry {
        Entry {
            push_id: push(number).to_string(),
            address,
            collapse_id: None,
            attempt: None,
            received_at: DateTime::UNIX_EPOCH,
        }
    }

    fn entry(number: u128) -> Entry {
        entry_at(number, address(device(number)))
    }

    fn difference(expected: &[Expected], entries: &[Entry]) -> Difference {
        compare(expected.iter().copied().map(Ok), entries.iter().cloned().map(Ok)).unwrap()
    }

    #[test]
    fn a_ledger_with_each_sent_push_once_differs_in_nothing() {
        let expected = [
            expected(1, Sent::Yes),
            expected(2, Sent::No),
            expected(3, Sent::Yes),
        ];

        assert_eq!(
            difference(&expected, &[entry(1), entry(3)]),
            Difference::default()
        );
    }

    #[test]
    fn a_sent_push_without_an_entry_at_its_users_address_was_not_received() {
        let expected = [
            expected(1, Sent::Yes),
            expected(2, Sent::Yes),
            expected(3, Sent::Yes),
        ];
        let elsewhere = entry_at(2, address(device(3)));

        let difference = difference(&expected, &[entry(1), elsewhere]);

        assert_eq!((difference.unreceived, difference.doubled), (2, 0));
    }

    #[test]
    fn entries_beyond_one_for_a_push_and_address_are_doubled_whatever_the_store_says() {
        let expected = [expected(1, Sent::Yes), expected(2, Sent::No)];
        let second_address = entry_at(1, "demo-token-of-a-tablet".to_owned());

        let difference = difference(
            &expected,
            &[entry(1), entry(1), entry(1), second_address, entry(2), entry(2)],
        );

        assert_eq!((difference.unreceived, difference.doubled), (0, 3));
    }

    #[test]
    fn entries_of_other_campaigns_count_for_nothing() {
        let foreign = |push_id: &str| Entry {
            push_id: push_id.to_owned(),
            ..entry(0)
        };
        let entries = [
            foreign(""),
            entry(1),
            entry(1),
            entry(2),
            foreign("00000000-0000-0000-0000-0000000000AA"),
            entry(3),
            entry(3),
            foreign("order-7"),
        ];

        assert_eq!(
            difference(&[expected(2, Sent::Yes)], &entries),
            Difference::default()
        );
    }

    #[test]
    fn a_ledger_that_cannot_be_read_is_no_result() {
        let broken = [Err(io::Error::other("gone"))].into_iter();

        let compared = compare([Ok(expected(1, Sent::No))].into_iter(), broken);

        assert_eq!(compared.unwrap_err().to_string(), "gone");
    }

    proptest! {
        #[test]
        fn a_record_is_read_as_it_was_written_and_sorts_by_its_push(
            (one, other, device, sent) in any::<(u128, u128, u128, bool)>(),
        ) {
            let expected = |push| Expected {
                push: PushId(Uuid::from_u128(push)),
                device: Uuid::from_u128(device),
                sent: if sent { Sent::Yes } else { Sent::No },
            };
            let bytes = expected(one).to_bytes();

            prop_assert_eq!(Expected::from_bytes(&bytes), expected(one));
            if one != other {
                prop_assert_eq!(bytes.cmp(&expected(other).to_bytes()), one.cmp(&other));
            }
        }
    }
}
