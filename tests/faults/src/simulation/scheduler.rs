//! Time, tasks and chance of one simulated world.
//!
//! Processes are ordinary `async` code that awaits nothing but simulated time. One event happens
//! at a time, in the order of time and then of scheduling, and all chance comes from the seed:
//! so a seed is the whole run. A process dies by dropping its tasks wherever they wait; what it
//! had sent before is on its way all the same, because messages are events of their own.

use std::cell::{Cell, RefCell};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// Milliseconds since the world began.
pub(super) type Millis = u64;

/// One task, as long as it lives.
pub(super) type TaskId = usize;

/// Names a process.
pub(super) type ProcessId = usize;

/// What happens to the world itself at a time; `W` is the world.
pub(super) type Happening<W> = Box<dyn FnOnce(&Rc<W>)>;

/// The part of the world that keeps time.
pub(super) struct Scheduler<W> {
    now: Cell<Millis>,
    count: Cell<u64>,
    agenda: RefCell<BinaryHeap<Reverse<Entry<W>>>>,
    running: Cell<TaskId>,
    spawned: RefCell<Vec<Task>>,
    killed: RefCell<Vec<ProcessId>>,
    rng: RefCell<SmallRng>,
}

struct Task {
    process: ProcessId,
    work: Pin<Box<dyn Future<Output = ()>>>,
}

struct Entry<W> {
    at: Millis,
    count: u64,
    what: What<W>,
}

enum What<W> {
    Wake(TaskId),
    Happen(Happening<W>),
}

impl<W> PartialEq for Entry<W> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<W> Eq for Entry<W> {}

impl<W> PartialOrd for Entry<W> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<W> Ord for Entry<W> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.count).cmp(&(other.at, other.count))
    }
}

impl<W> Scheduler<W> {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            now: Cell::new(0),
            count: Cell::new(0),
            agenda: RefCell::default(),
            running: Cell::new(0),
            spawned: RefCell::default(),
            killed: RefCell::default(),
            rng: RefCell::new(SmallRng::seed_from_u64(seed)),
        }
    }

    pub(super) fn now(&self) -> Millis {
        self.now.get()
    }

    /// A number from `range`.
    pub(super) fn draw(&self, range: std::ops::RangeInclusive<u64>) -> u64 {
        self.rng.borrow_mut().random_range(range)
    }

    /// Whether something of that chance, in a thousand, happens.
    pub(super) fn chance(&self, in_a_thousand: u64) -> bool {
        in_a_thousand > 0 && self.draw(1..=1_000) <= in_a_thousand
    }

    /// A number from 0 to 1.
    pub(super) fn fraction(&self) -> f64 {
        self.rng.borrow_mut().random()
    }

    /// Lets `happening` happen after that time.
    pub(super) fn later(&self, after: Millis, happening: impl FnOnce(&Rc<W>) + 'static) {
        self.put(self.now() + after, What::Happen(Box::new(happening)));
    }

    /// Runs `work` as a task of the process.
    pub(super) fn spawn(&self, process: ProcessId, work: impl Future<Output = ()> + 'static) {
        let work = Box::pin(work);
        self.spawned.borrow_mut().push(Task { process, work });
    }

    /// Ends every task of the process, as soon as the one that runs now waits.
    pub(super) fn kill(&self, process: ProcessId) {
        self.killed.borrow_mut().push(process);
    }

    /// Waits for that long.
    pub(super) fn sleep(&self, time: Millis) -> Sleep<'_, W> {
        Sleep {
            scheduler: self,
            until: self.now() + time,
            is_noted: false,
        }
    }

    fn put(&self, at: Millis, what: What<W>) {
        let count = self.count.get();
        self.count.set(count + 1);
        self.agenda.borrow_mut().push(Reverse(Entry { at, count, what }));
    }

    /// How many events there have been.
    pub(super) fn events(&self) -> u64 {
        self.count.get()
    }
}

/// A wait; see [`Scheduler::sleep`].
pub(super) struct Sleep<'a, W> {
    scheduler: &'a Scheduler<W>,
    until: Millis,
    is_noted: bool,
}

impl<W> Future for Sleep<'_, W> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.scheduler.now() >= self.until && self.is_noted {
            return Poll::Ready(());
        }
        if !self.is_noted {
            self.is_noted = true;
            let task = self.scheduler.running.get();
            self.scheduler.put(self.until, What::Wake(task));
        }
        Poll::Pending
    }
}

/// The tasks of a world, which it does not own itself: they hold on to it.
#[derive(Default)]
pub(super) struct Tasks {
    tasks: Vec<Option<Task>>,
}

impl Tasks {
    /// Lets the next thing happen in `world`. Says whether there was one.
    pub(super) fn step<W>(&mut self, world: &Rc<W>, scheduler: &Scheduler<W>) -> bool {
        self.settle_in(scheduler);
        let Some(Reverse(Entry { at, what, .. })) = scheduler.agenda.borrow_mut().pop() else {
            return false;
        };
        scheduler.now.set(at);
        match what {
            What::Wake(task) => self.poll(task, scheduler),
            What::Happen(happening) => happening(world),
        }
        self.settle_in(scheduler);
        true
    }

    /// Starts what was spawned, and ends what was killed.
    fn settle_in<W>(&mut self, scheduler: &Scheduler<W>) {
        loop {
            let killed = std::mem::take(&mut *scheduler.killed.borrow_mut());
            let spawned = std::mem::take(&mut *scheduler.spawned.borrow_mut());
            if killed.is_empty() && spawned.is_empty() {
                return;
            }
            for slot in &mut self.tasks {
                if slot.as_ref().is_some_and(|task| killed.contains(&task.process)) {
                    *slot = None;
                }
            }
            for task in spawned {
                self.tasks.push(Some(task));
                self.poll(self.tasks.len() - 1, scheduler);
            }
        }
    }

    fn poll<W>(&mut self, id: TaskId, scheduler: &Scheduler<W>) {
        scheduler.running.set(id);
        let Some(task) = self.tasks[id].as_mut() else {
            return;
        };
        let mut context = Context::from_waker(Waker::noop());
        if task.work.as_mut().poll(&mut context).is_ready() {
            self.tasks[id] = None;
        }
    }
}
