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
        self.roll_back_the_rest()
    }

    fn left(&mut self, place: usize) -> Vec<Action> {
        match self.places[place] {
            Place::Working => self.failed(place),
            // A participant that waits for the verdict and is gone would answer a commit with
            // silence; better to find out before the first commit than after it.
            Place::Ready => {
                self.end(place, Fate::NotCommitted);
                if self.places.contains(&Place::Committing) {
                    Vec::new()
                } else {
                    self.roll_back_the_rest()
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
            Fate::NotCommitted | Fate::Unknown => self.roll_back_the_rest(),
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

    fn roll_back_the_rest(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        for (number, place) in self.places.iter_mut().enumerate() {
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
    use proptest::prelude::*;

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

    fn event(participants: usize) -> impl Strategy<Value = Event> {
        let fate = prop_oneof![
            Just(Fate::Committed),
            Just(Fate::NotCommitted),
            Just(Fate::Unknown)
        ];
        prop_oneof![
            4 => (0..participants).prop_map(Event::Ready),
            1 => (0..participants).prop_map(Event::Failed),
            1 => (0..participants).prop_map(Event::Left),
            1 => Just(Event::DeadlinePassed),
            4 => ((0..participants), fate).prop_map(|(place, fate)| Event::Ended(place, fate)),
        ]
    }

    fn meeting() -> impl Strategy<Value = (usize, Vec<Event>)> {
        (1_usize..5).prop_flat_map(|n| (Just(n), proptest::collection::vec(event(n), 0..60)))
    }

    proptest! {
        #[test]
        fn nobody_is_told_twice_and_nobody_commits_before_all_are_ready((participants, events) in meeting()) {
            let mut meeting = Meeting::new(participants);
            let mut ready = vec![false; participants];
            let mut told = vec![false; participants];

            for event in events {
                if let Event::Ready(place) = event {
                    ready[place] = true;
                }
                for action in meeting.on(event) {
                    let (Action::Commit(place) | Action::RollBack(place)) = action;
                    prop_assert!(!told[place], "{place} was told before");
                    prop_assert!(action != Action::Commit(place) || ready.iter().all(|ready| *ready));
                    told[place] = true;
                }
            }
        }

        #[test]
        fn after_the_first_that_is_not_committed_nobody_is((participants, events) in meeting()) {
            let mut meeting = Meeting::new(participants);

            for event in events {
                meeting.on(event);
            }
            while meeting.waited_for().is_some() {
                meeting.on(Event::DeadlinePassed);
            }

            let fates = meeting.fates().expect("nobody is waited for");
            let committed = fates.iter().take_while(|fate| **fate == Fate::Committed).count();
            prop_assert!(fates.iter().skip(committed + 1).all(|fate| *fate == Fate::NotCommitted));
        }
    }
}
