//! The protocol as a model: which steps there are in a state, and where each leads.

use stateright::{Model, Property};

use super::properties;
use super::reconciler::{self, Task};
use super::sender;
use super::state::{Bounds, Campaign, Phase, Reconciler, SENDERS, State, Wire};
use super::users::Users;
use crate::seeded::Seeded;

/// The model within bounds, and with a seeded bug or none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Protocol {
    pub(super) bounds: Bounds,
    pub(super) seeded: Seeded,
}

/// One step. Senders are named by their slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Action {
    /// A sender is handed the chunk and leases it.
    Lease(usize),
    /// A sender does what comes next.
    Send(usize, Wire),
    /// A sender has waited too long for a lock.
    GiveUp(usize),
    /// The Datastore side of a sender's rendezvous breaks off.
    BreakOff(usize),
    /// A sender's lease runs out while it works.
    Freeze(usize),
    /// A sender dies.
    CrashSender(usize),
    /// The reconciler begins something.
    Begin(Task, Wire),
    /// The reconciler does what comes next.
    Reconcile(Wire),
    /// The reconciler has waited too long for a lock.
    PutOff,
    /// The reconciler dies.
    CrashReconciler,
    /// An SQL transaction in doubt lands.
    LandInSql(usize),
    /// It is rolled back by the server.
    VanishInSql(usize),
    /// A Datastore commit in doubt lands.
    LandInDatastore(usize),
    /// It never arrived.
    VanishInDatastore(usize),
    /// It is too late to send.
    Expire,
    /// A person cancels the campaign.
    Cancel,
}

impl Protocol {
    fn wires(self, state: &State, commits: bool) -> impl Iterator<Item = Wire> {
        let may_fail = commits && state.left.losses > 0;
        [Wire::Answered]
            .into_iter()
            .chain(may_fail.then_some(Wire::Unanswered))
    }

    fn lease_steps(self, state: &State, actions: &mut Vec<Action>) {
        let chunk = &state.datastore.chunk;
        let may_send = matches!(state.campaign, Campaign::Running | Campaign::Expired);
        let is_held =
            state.senders.iter().enumerate().any(|(slot, sender)| {
                sender.phase != Phase::Idle && !sender.is_late && chunk.is_held_by(slot)
            });
        let idle = state
            .senders
            .iter()
            .position(|sender| sender.phase == Phase::Idle);
        if may_send && !is_held && !chunk.record.state.is_closed() {
            actions.extend(idle.map(Action::Lease));
        }
    }

    fn sender_steps(self, state: &State, slot: usize, actions: &mut Vec<Action>) {
        let sender = &state.senders[slot];
        if sender.phase == Phase::Idle {
            return;
        }
        let needs = sender::needs(state, slot, self.seeded);
        if needs
            .iter()
            .any(|row| state.is_locked(*row, Some(slot), self.seeded))
        {
            actions.push(Action::GiveUp(slot));
        } else {
            let commits = sender::commits(state, slot, self.seeded);
            actions.extend(self.wires(state, commits).map(|wire| Action::Send(slot, wire)));
        }
        if state.left.losses > 0 && sender::may_break_off(state, slot, self.seeded) {
            actions.push(Action::BreakOff(slot));
        }
        if state.left.freezes > 0 && !sender.is_late && state.datastore.chunk.is_held_by(slot) {
            actions.push(Action::Freeze(slot));
        }
        if state.left.crashes > 0 {
            actions.push(Action::CrashSender(slot));
        }
    }

    fn reconciler_steps(self, state: &State, actions: &mut Vec<Action>) {
        for task in reconciler::tasks(state, self.seeded) {
            let wires = self.wires(state, reconciler::commits(task));
            actions.extend(wires.map(|wire| Action::Begin(task, wire)));
        }
        if state.reconciler == Reconciler::Idle {
            return;
        }
        let needs = reconciler::needs(state, self.seeded);
        if needs.iter().any(|row| state.is_locked(*row, None, self.seeded)) {
            actions.push(Action::PutOff);
        } else {
            actions.extend(self.wires(state, true).map(Action::Reconcile));
        }
        if state.left.crashes > 0 {
            actions.push(Action::CrashReconciler);
        }
    }

    fn doubts_and_people(self, state: &State, actions: &mut Vec<Action>) {
        for index in 0..state.sql.in_doubt.len() {
            actions.push(Action::LandInSql(index));
            actions.push(Action::VanishInSql(index));
        }
        for index in 0..state.datastore.in_doubt.len() {
            actions.push(Action::LandInDatastore(index));
            actions.push(Action::VanishInDatastore(index));
        }
        if state.campaign == Campaign::Running && !state.datastore.chunk.record.state.is_closed() {
            actions.extend([Action::Expire, Action::Cancel]);
        }
    }

    /// Whether nothing can happen any more.
    pub(super) fn is_at_rest(&self, state: &State) -> bool {
        let is_idle = state.reconciler == Reconciler::Idle
            && state.senders.iter().all(|sender| sender.phase == Phase::Idle);
        let mut actions = Vec::new();
        if is_idle {
            self.actions(state, &mut actions);
        }
        is_idle && actions.is_empty()
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    /// With one coupon for two users, and with one for each.
    fn init_states(&self) -> Vec<State> {
        [1, 2].map(|stock| State::new(stock, self.bounds)).into()
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.lease_steps(state, actions);
        for slot in 0..SENDERS {
            self.sender_steps(state, slot, actions);
        }
        self.reconciler_steps(state, actions);
        self.doubts_and_people(state, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let seeded = self.seeded;
        let mut state = last.clone();
        if let Action::Send(_, Wire::Unanswered)
        | Action::Begin(_, Wire::Unanswered)
        | Action::Reconcile(Wire::Unanswered)
        | Action::BreakOff(_) = action
        {
            state.left.losses -= 1;
        }
        match action {
            Action::Lease(slot) => sender::lease(&mut state, slot),
            Action::Send(slot, wire) => sender::step(&mut state, slot, wire, seeded),
            Action::GiveUp(slot) => sender::give_up(&mut state, slot),
            Action::BreakOff(slot) => sender::break_off(&mut state, slot, seeded),
            Action::Freeze(slot) => {
                state.left.freezes -= 1;
                state.senders[slot].is_late = true;
            }
            Action::CrashSender(slot) => {
                state.left.crashes -= 1;
                state.senders[slot].phase = Phase::Idle;
            }
            Action::Begin(task, wire) => reconciler::begin(&mut state, task, wire, seeded),
            Action::Reconcile(wire) => reconciler::step(&mut state, wire, seeded),
            Action::PutOff => state.reconciler = Reconciler::Idle,
            Action::CrashReconciler => {
                state.left.crashes -= 1;
                state.reconciler = Reconciler::Idle;
            }
            Action::LandInSql(index) => {
                let write = state.sql.in_doubt.remove(index);
                state.sql.apply(write, seeded);
            }
            Action::VanishInSql(index) => drop(state.sql.in_doubt.remove(index)),
            Action::LandInDatastore(index) => {
                let after = state.datastore.in_doubt[index];
                state.land(after);
            }
            Action::VanishInDatastore(index) => drop(state.datastore.in_doubt.remove(index)),
            Action::Expire => state.campaign = Campaign::Expired,
            Action::Cancel => state.campaign = Campaign::Cancelled,
        }
        state.remember();
        state.simplify();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = properties::promises();
        if self.seeded.0.is_none() {
            properties.extend(properties::reached());
        }
        properties
    }
}

impl Protocol {
    /// Who has a grant and a push that does not show it.
    pub(super) fn behind(state: &State) -> Users {
        let is_pending = |place| state.datastore.chunk.standing(place) == campaign::Standing::Pending;
        Users::those(|place| state.sql.grants[usize::from(place)] > 0 && is_pending(place))
    }
}
