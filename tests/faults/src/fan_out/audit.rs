//! Whether every chunk was expanded once: markers and pushes against the audience.

use campaign::{ChunkId, PushId};
use serde::Serialize;

use super::stage::{Stage, user};

/// What Datastore holds of the campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Holding {
    /// Markers.
    pub markers: usize,
    /// The sum of the sizes that stand in them.
    pub sizes: u64,
    /// Pushes.
    pub pushes: usize,
    /// Recipients of the audience with exactly one push.
    pub reached: usize,
}

impl Stage {
    /// Reads every marker and every push.
    pub async fn holding(&self) -> anyhow::Result<Holding> {
        let store = &self.backends.push_store;
        let (mut markers, mut sizes) = (0, 0);
        let mut pushes = Vec::new();
        for numbers in self.numbers() {
            let chunks = store.list_chunks(self.campaign, &numbers).await?;
            markers += chunks.len();
            sizes += chunks.iter().map(|chunk| u64::from(chunk.size)).sum::<u64>();
            for no in numbers {
                let found = store.list_pushes(ChunkId::of(self.campaign, no)).await?;
                pushes.extend(found.into_iter().map(|push| push.id));
            }
        }
        pushes.sort_unstable();
        let expected = (0..self.plan.users).map(|no| PushId::of(self.campaign, &user(no)));
        let reached = expected.filter(|push| is_once_in(&pushes, push)).count();
        Ok(Holding {
            markers,
            sizes,
            pushes: pushes.len(),
            reached,
        })
    }

    /// What is there when every chunk was expanded once.
    pub fn whole(&self) -> Holding {
        let users = self.plan.users as usize;
        Holding {
            markers: self.plan.chunks() as usize,
            sizes: u64::from(self.plan.users),
            pushes: users,
            reached: users,
        }
    }
}

/// Whether exactly one of the sorted pushes is this.
fn is_once_in(sorted: &[PushId], push: &PushId) -> bool {
    let first = sorted.partition_point(|other| other < push);
    sorted.get(first) == Some(push) && sorted.get(first + 1) != Some(push)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_push_that_is_missing_or_there_twice_is_not_there_once() {
        let [one, two, three, four] = [1, 2, 3, 4].map(|number| PushId(Uuid::from_u128(number)));
        let sorted = [one, two, two, four];

        let once = [one, two, three, four].map(|push| is_once_in(&sorted, &push));

        assert_eq!(once, [true, false, false, true]);
    }
}
