//! The decision: events in, actions out.
//!
//! A [`Meeting`] promises that nobody is committed before all are ready, that commits come in
//! the participants' order and stop at the first that is not known to be committed, and that
//! every participant is told exactly once how its transaction ends.

/// How a participant's transaction is known to have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Its commit was acknowledged.
    Committed,
    /// It was rolled back, or its commit certainly failed.
    NotCommitted,
    /// Its commit was sent and not answered: it may hold, now or later.
    Unknown,
}

/// What a participant, named by its place in the order, reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// All its work is done and nothing is committed.
    Ready(usize),
    /// It could not do its work; its transaction has ended without a commit, or will.
    Failed(usize),
    /// Its commit came to this end.
    Ended(usize, Fate),
    /// Its task is gone, by panic or abort, whatever it was doing.
    Left(usize),
    /// The time for what is being waited for has passed.
    DeadlinePassed,
}

/// What is to be done with a participant's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Commit it and report [`Event::Ended`].
    Commit(usize),
    /// Roll it back; there is nothing to report.
    RollBack(usize),
}

/// One rendezvous of participants in a fixed order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Meeting {
    places: Vec<Place>,
    blamed: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Working,
    Ready,
    Committing,
    Ended(Fate),
}

impl Meeting {
    /// A meeting of `participants`, all of them at work.
    pub fn new(participants: usize) -> Self {
        Self {
            places: vec![Place::Working; participants],
            blamed: None,
        }
    }

    /// Takes an event and tells what is to be done now.
    ///
    /// An event of somebody who was already told how it ends changes nothing: a late `Ready`
    /// after a deadline, a commit's answer after it was given up.
    pub fn on(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::Ready(place) => self.ready(place),
            Event::Failed(place) => self.failed(place),
            Event::Ended(place, fate) => self.ended(place, fate),
            Event::Left(place) => self.left(place),
            Event::DeadlinePassed => self.waited_for().map_or_else(Vec::new, |place| self.left(place)),
        }
    }

    /// How each transaction ended, in order; `None` while that is not decided for all.
    pub fn fates(&self) -> Option<Vec<Fate>> {
        let fate = |place: &Place| match place {
            Place::Ended(fate) => Some(*fate),
            Place::Working | Place::Ready | Place::Committing => None,
        };
        self.places.iter().map(fate).collect()
    }

    /// The first participant whose report is missing, if the meeting is not over.
    pub fn waited_for(&self) -> Option<usize> {
        self.places
            .iter()
            .position(|place| matches!(place, Place::Working | Place::Committing))
    }

    /// The first participant that kept the others, or itself, from being committed.
    pub fn blamed(&self) -> Option<usize> {
        self.blamed
    }

    fn ready(&mut self, place: usize) -> Vec<Action> {
        if self.places[place] != Place::Working {
            return Vec::new();
        }
        self.places[place] = Place::Ready;
        if self.places.iter().all(|place| *place == Place::Ready) {
            self.commit_next()
        } else {
            Vec::new()
        }
    }

    fn failed(&mut self, place: usize) -> Vec<Action> {
        if self.places[place] != Place::Working {
            return Vec::new();
        }
        self.end(place, Fate::NotCommitted);
        self.roll_back_from(0)
    }

    fn left(&mut self, place: usize) -> Vec<Action> {
        match self.places[place] {
            Place::Working => self.failed(place),
            // A participant that waits for the verdict and is gone would answer a commit with
            // silence; better to find out before the first commit than after it. While commits
            // run, those before it in the order may still follow, those after it must not.
            Place::Ready => {
                self.end(place, Fate::NotCommitted);
                if self.places.contains(&Place::Committing) {
                    self.roll_back_from(place)
                } else {
                    self.roll_back_from(0)
                }
            }
            Place::Committing => self.ended(place, Fate::Unknown),
            Place::Ended(_) => Vec::new(),
        }
    }

    fn ended(&mut self, place: usize, fate: Fate) -> Vec<Action> {
        if self.places[place] != Place::Committing {
            return Vec::new();
        }
        self.end(place, fate);
        match fate {
            Fate::Committed => self.commit_next(),
            Fate::NotCommitted | Fate::Unknown => self.roll_back_from(0),
        }
    }

    fn end(&mut self, place: usize, fate: Fate) {
        self.places[place] = Place::Ended(fate);
        if fate != Fate::Committed {
            self.blamed.get_or_insert(place);
        }
    }

    fn commit_next(&mut self) -> Vec<Action> {
        match self.places.iter().position(|place| *place == Place::Ready) {
            Some(next) => {
                self.places[next] = Place::Committing;
                vec![Action::Commit(next)]
            }
            None => Vec::new(),
        }
    }

    /// Rolls back everybody from `first` on who may still be.
    fn roll_back_from(&mut self, first: usize) -> Vec<Action> {
        let mut actions = Vec::new();
        for (number, place) in self.places.iter_mut().enumerate().skip(first) {
            if matches!(place, Place::Working | Place::Ready) {
                *place = Place::Ended(Fate::NotCommitted);
                actions.push(Action::RollBack(number));
            }
        }
        actions
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn all_ready_are_committed_in_order() {
        let mut meeting = Meeting::new(3);

        assert_eq!(meeting.on(Event::Ready(2)), []);
        assert_eq!(meeting.on(Event::Ready(0)), []);
        assert_eq!(meeting.on(Event::Ready(1)), [Action::Commit(0)]);
        assert_eq!(meeting.on(Event::Ended(0, Fate::Committed)), [Action::Commit(1)]);
        assert_eq!(meeting.on(Event::Ended(1, Fate::Committed)), [Action::Commit(2)]);
        assert_eq!(meeting.fates(), None);
        assert_eq!(meeting.on(Event::Ended(2, Fate::Committed)), []);
        assert_eq!(meeting.fates(), Some(vec![Fate::Committed; 3]));
    }

    #[test]
    fn one_failure_rolls_all_others_back() {
        let mut meeting = Meeting::new(3);

        meeting.on(Event::Ready(0));
        let actions = meeting.on(Event::Failed(1));

        assert_eq!(actions, [Action::RollBack(0), Action::RollBack(2)]);
        assert_eq!(meeting.on(Event::Ready(2)), [], "too late");
        assert_eq!(meeting.fates(), Some(vec![Fate::NotCommitted; 3]));
    }

    #[test]
    fn an_unknown_commit_stops_those_after_it() {
        let mut meeting = Meeting::new(2);

        meeting.on(Event::Ready(0));
        meeting.on(Event::Ready(1));
        let actions = meeting.on(Event::Ended(0, Fate::Unknown));

        assert_eq!(actions, [Action::RollBack(1)]);
        assert_eq!(meeting.fates(), Some(vec![Fate::Unknown, Fate::NotCommitted]));
    }

    #[test]
    fn a_deadline_before_all_are_ready_rolls_all_back() {
        let mut meeting = Meeting::new(3);

        meeting.on(Event::Ready(0));
        let actions = meeting.on(Event::DeadlinePassed);

        assert_eq!(actions, [Action::RollBack(0), Action::RollBack(2)]);
        assert_eq!(meeting.fates(), Some(vec![Fate::NotCommitted; 3]));
    }

    #[test]
    fn a_commit_that_outlives_its_deadline_is_unknown() {
        let mut meeting = Meeting::new(2);

        meeting.on(Event::Ready(0));
        meeting.on(Event::Ready(1));
        let actions = meeting.on(Event::DeadlinePassed);

        assert_eq!(actions, [Action::RollBack(1)]);
        assert_eq!(meeting.on(Event::Ended(0, Fate::Committed)), [], "too late");
        assert_eq!(meeting.fates(), Some(vec![Fate::Unknown, Fate::NotCommitted]));
    }

    #[test]
    fn one_that_leaves_while_it_waits_is_not_waited_for() {
        let mut meeting = Meeting::new(3);

        for place in 0..3 {
            meeting.on(Event::Ready(place));
        }
        meeting.on(Event::Left(2));
        let actions = meeting.on(Event::Ended(0, Fate::Committed));

        assert_eq!(actions, [Action::Commit(1)]);
        meeting.on(Event::Ended(1, Fate::Committed));
        assert_eq!(
            meeting.fates(),
            Some(vec![Fate::Committed, Fate::Committed, Fate::NotCommitted])
        );
    }

    #[test]
    fn who_comes_after_one_that_left_is_not_committed() {
        let mut meeting = Meeting::new(3);

        for place in 0..3 {
            meeting.on(Event::Ready(place));
        }
        let actions = meeting.on(Event::Left(1));

        assert_eq!(actions, [Action::RollBack(2)]);
        assert_eq!(meeting.on(Event::Ended(0, Fate::Committed)), []);
        assert_eq!(
            meeting.fates(),
            Some(vec![Fate::Committed, Fate::NotCommitted, Fate::NotCommitted])
        );
    }

    /// A meeting somewhere on its way, with what its participants have said and been told.
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Way {
        meeting: Meeting,
        ready: Vec<bool>,
        told: Vec<bool>,
    }

    impl Way {
        fn every_event(&self) -> impl Iterator<Item = Event> + use<> {
            let of_one = |place| {
                [Event::Ready(place), Event::Failed(place), Event::Left(place)]
                    .into_iter()
                    .chain(
                        [Fate::Committed, Fate::NotCommitted, Fate::Unknown]
                            .map(|fate| Event::Ended(place, fate)),
                    )
            };
            (0..self.ready.len())
                .flat_map(of_one)
                .chain([Event::DeadlinePassed])
        }

        fn after(&self, event: Event) -> Self {
            let mut next = self.clone();
            if let Event::Ready(place) = event {
                next.ready[place] = true;
            }
            for action in next.meeting.on(event) {
                let (Action::Commit(place) | Action::RollBack(place)) = action;
                assert!(!next.told[place], "{place} was told before");
                assert!(action != Action::Commit(place) || next.ready.iter().all(|ready| *ready));
                next.told[place] = true;
            }
            next
        }
    }

    /// Every state that up to four participants can bring a meeting to, by any events at all.
    fn every_way() -> HashSet<Way> {
        let mut seen = HashSet::new();
        let mut open: Vec<_> = (1..=4)
            .map(|participants| Way {
                meeting: Meeting::new(participants),
                ready: vec![false; participants],
                told: vec![false; participants],
            })
            .collect();
        while let Some(way) = open.pop() {
            if seen.insert(way.clone()) {
                open.extend(way.every_event().map(|event| way.after(event)));
            }
        }
        seen
    }

    #[test]
    fn nobody_is_told_twice_and_nobody_commits_before_all_are_ready() {
        let all_committed = |way: &Way| way.meeting.fates() == Some(vec![Fate::Committed; 4]);

        assert!(
            every_way().iter().any(all_committed),
            "each step on the way was asked"
        );
    }

    #[test]
    fn after_the_first_that_is_not_committed_nobody_is() {
        for fates in every_way().iter().filter_map(|way| way.meeting.fates()) {
            let committed = fates.iter().take_while(|fate| **fate == Fate::Committed).count();

            assert!(
                fates
                    .iter()
                    .skip(committed + 1)
                    .all(|fate| *fate == Fate::NotCommitted),
                "{fates:?}"
            );
        }
    }

    #[test]
    fn deadlines_alone_bring_every_meeting_to_its_end() {
        for mut way in every_way() {
            for _ in 0..way.ready.len() {
                way = way.after(Event::DeadlinePassed);
            }

            assert!(way.meeting.fates().is_some(), "{:?}", way.meeting);
        }
    }
}
