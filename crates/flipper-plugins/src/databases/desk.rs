//! Where the calls for one database wait, and the thread that works them off.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use flipper_client::Responder;

use super::driver::{Bounds, Driver, Outcome, Page, PageRequest, Structure};
use super::error::{Error, ErrorKind};
use super::limits::Limits;
use super::listing::Listing;
use super::wire;

/// The longest that an answer may take: the official desktop gives up after 45 s.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long a database may take to tell its tables, on which the whole list waits.
const LIST: Duration = Duration::from_secs(5);
/// A statement that has taken this long may well take longer.
const LONG: Duration = Duration::from_millis(500);

/// What a database is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Tables,
    Data(PageRequest),
    Structure(String),
    Info(String),
    Execute(String),
}

/// What it says.
#[derive(Debug)]
pub(super) enum Answer {
    Tables(Vec<String>),
    Data(Page),
    Structure(Structure),
    Info(String),
    Execute(Outcome),
}

/// Who is told.
#[derive(Debug)]
pub(super) enum Reply {
    Call(Responder),
    Listing(Arc<Listing>, usize),
}

/// One database: its driver, and the calls for it.
pub(super) struct Desk {
    limits: Limits,
    state: Mutex<State>,
    rung: Condvar,
}

struct State {
    stage: Stage,
    waiting: VecDeque<Job>,
    /// What is being done, and since when.
    at_work: Option<(Task, Instant)>,
    /// The tables as they were told last.
    tables: Option<Vec<String>>,
}

enum Stage {
    /// Nobody has asked anything yet.
    Fresh(Box<dyn Driver>),
    /// The thread has the driver.
    Open,
    Closed,
}

#[derive(Debug)]
struct Job {
    task: Task,
    arrived: Instant,
    replies: Vec<Reply>,
}

impl Desk {
    pub(super) fn new(limits: Limits, driver: Box<dyn Driver>) -> Arc<Self> {
        let state = State { stage: Stage::Fresh(driver), waiting: VecDeque::new(), at_work: None, tables: None };
        Arc::new(Self { limits, state: Mutex::new(state), rung: Condvar::new() })
    }

    /// Has a task done, and the answer sent. What is asked twice is done once, unless it may change something.
    pub(super) fn ask(self: &Arc<Self>, task: Task, reply: Reply) {
        if let Err((error, reply)) = self.queue(&task, reply) {
            send(&task, Err(error), vec![reply]);
        }
    }

    /// Asks for the tables. Where that would take long, it is those that were told last.
    pub(super) fn list(self: &Arc<Self>, reply: Reply) {
        let state = self.state();
        let is_slow = state.at_work.as_ref().is_some_and(|(task, since)| match task {
            Task::Tables => false,
            Task::Execute(_) => true,
            Task::Data(_) | Task::Structure(_) | Task::Info(_) => since.elapsed() > LONG,
        });
        if is_slow {
            let busy = Error::new(ErrorKind::Busy, "busy");
            let tables = state.tables.clone().map_or(Err(busy), |tables| Ok(Answer::Tables(tables)));
            drop(state);
            send(&Task::Tables, tables, vec![reply]);
            return;
        }
        drop(state);
        self.ask(Task::Tables, reply);
    }

    /// Ends the thread when it has done what it is at. What waits is refused.
    pub(super) fn close(&self) {
        let mut state = self.state();
        let was = std::mem::replace(&mut state.stage, Stage::Closed);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.rung.notify_all();
        // A driver may be slow to drop, and an answer is sent: not under the lock.
        drop(was);
        for job in waiting {
            send(&job.task, Err(closed()), job.replies);
        }
    }

    fn queue(self: &Arc<Self>, task: &Task, reply: Reply) -> Result<(), (Error, Reply)> {
        let mut state = self.state();
        if matches!(state.stage, Stage::Closed) {
            return Err((closed(), reply));
        }
        let is_read = !matches!(task, Task::Execute(_));
        // What was asked before a change must not answer what was asked after it.
        let since_change =
            state.waiting.iter().rposition(|job| matches!(job.task, Task::Execute(_))).map_or(0, |at| at + 1);
        if let Some(same) = state.waiting.range_mut(since_change..).find(|job| is_read && job.task == *task) {
            same.replies.push(reply);
            return Ok(());
        }
        if state.waiting.len() >= self.limits.waiting {
            let message = format!("{} calls wait for this database already", state.waiting.len());
            return Err((Error::new(ErrorKind::Busy, message), reply));
        }
        if matches!(state.stage, Stage::Fresh(_))
            && let Stage::Fresh(driver) = std::mem::replace(&mut state.stage, Stage::Open)
        {
            let desk = Arc::clone(self);
            let thread = thread::Builder::new().name("flipper-database".to_owned());
            if let Err(error) = thread.spawn(move || desk.work(driver)) {
                state.stage = Stage::Closed;
                let message = format!("the thread for this database cannot be started: {error}");
                return Err((Error::new(ErrorKind::Unavailable, message), reply));
            }
        }
        state.waiting.push_back(Job { task: task.clone(), arrived: Instant::now(), replies: vec![reply] });
        drop(state);
        self.rung.notify_one();
        Ok(())
    }

    /// What the thread does until the desk is closed.
    fn work(&self, mut driver: Box<dyn Driver>) {
        let mut looks_ahead = false;
        loop {
            match self.next(looks_ahead) {
                Next::Job(job) => {
                    let answer = self.run(driver.as_mut(), &job);
                    self.rest(&answer);
                    looks_ahead = matches!(job.task, Task::Data(_) | Task::Execute(_));
                    send(&job.task, answer, job.replies);
                }
                Next::LookAhead => {
                    let bounds = self.bounds(Instant::now(), LIST);
                    let more = catch_unwind(AssertUnwindSafe(|| driver.work_ahead(&bounds)));
                    looks_ahead = more.unwrap_or(false);
                }
                Next::End => return,
            }
        }
    }

    fn next(&self, looks_ahead: bool) -> Next {
        let mut state = self.state();
        loop {
            if matches!(state.stage, Stage::Closed) {
                return Next::End;
            }
            if let Some(job) = state.waiting.pop_front() {
                state.at_work = Some((job.task.clone(), Instant::now()));
                return Next::Job(job);
            }
            if looks_ahead {
                return Next::LookAhead;
            }
            state = self.rung.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn run(&self, driver: &mut dyn Driver, job: &Job) -> Result<Answer, Error> {
        let longest = if job.task == Task::Tables { LIST } else { PATIENCE };
        let bounds = self.bounds(job.arrived, longest);
        if bounds.until <= Instant::now() {
            let message = "the database was at work on other statements all the time";
            return Err(Error::new(ErrorKind::Busy, message));
        }
        let answer = catch_unwind(AssertUnwindSafe(|| match &job.task {
            Task::Tables => driver.tables(&bounds).map(Answer::Tables),
            Task::Data(request) => driver.table_data(request, &bounds).map(Answer::Data),
            Task::Structure(table) => driver.structure(table, &bounds).map(Answer::Structure),
            Task::Info(table) => driver.info(table, &bounds).map(Answer::Info),
            Task::Execute(sql) => driver.execute(sql, &bounds).map(Answer::Execute),
        }));
        answer.unwrap_or_else(|_| {
            tracing::error!("the driver of a database panicked");
            Err(Error::new(ErrorKind::Panicked, "the driver of this database panicked"))
        })
    }

    fn rest(&self, answer: &Result<Answer, Error>) {
        let mut state = self.state();
        state.at_work = None;
        if let Ok(Answer::Tables(tables)) = answer {
            state.tables = Some(tables.clone());
        }
    }

    fn bounds(&self, from: Instant, longest: Duration) -> Bounds {
        Bounds::new(from + self.limits.deadline.min(longest), self.limits.rows, self.limits.bytes)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Next {
    Job(Job),
    LookAhead,
    End,
}

fn closed() -> Error {
    Error::new(ErrorKind::UnknownDatabase, "the app has closed this database")
}

fn send(task: &Task, answer: Result<Answer, Error>, replies: Vec<Reply>) {
    let mut calls = Vec::new();
    for reply in replies {
        match reply {
            Reply::Call(responder) => calls.push(responder),
            Reply::Listing(listing, at) => listing.add(at, wire::tables(&answer)),
        }
    }
    wire::answer(task.method(), answer, calls);
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("limits", &self.limits).finish_non_exhaustive()
    }
}
