//! What the simulator and all its handles share.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use crate::net::{Connect, Network, Plan};
use crate::rng::Rng;
use crate::sim::Config;
use crate::timers::{Due, Timers};
use crate::trace::Trace;

/// What a simulator consists of. Tasks hold it through their runtime's handle, and it holds the tasks: the [`Sim`]
/// drops those when it is dropped itself.
///
/// [`Sim`]: crate::Sim
pub(crate) struct Core {
    /// What the virtual clock shows at its beginning.
    origin: Instant,
    /// Nanoseconds since then. Read so often that it is not under the lock.
    now: AtomicU64,
    steps: AtomicU64,
    pub(crate) ready: Arc<Ready>,
    state: Mutex<State>,
    pub(crate) config: Config,
}

pub(crate) struct State {
    tasks: BTreeMap<TaskId, Task>,
    spawned: u64,
    processes: Vec<Process>,
    pub(crate) timers: Timers,
    pub(crate) net: Network,
    pub(crate) rng: Rng,
    pub(crate) trace: Trace,
}

pub(crate) type TaskId = u64;

/// The task that a simulation is run for. It is not among the others.
pub(crate) const ROOT: TaskId = 0;

struct Task {
    process: ProcessId,
    /// `None` while it is polled.
    future: Option<BoxedTask>,
    waker: Arc<TaskWaker>,
}

pub(crate) type BoxedTask = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Which process of the simulated machine something belongs to.
pub(crate) type ProcessId = usize;

struct Process {
    name: String,
    life: Life,
    /// Tasks that are to run once the process goes on.
    stalled: Vec<TaskId>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    Running,
    Frozen,
    Killed,
}

impl Core {
    pub(crate) fn new(seed: u64, config: Config) -> Arc<Self> {
        Arc::new(Self {
            origin: Instant::now(),
            now: AtomicU64::new(0),
            steps: AtomicU64::new(0),
            ready: Arc::default(),
            state: Mutex::new(State {
                tasks: BTreeMap::new(),
                spawned: ROOT,
                processes: Vec::new(),
                timers: Timers::default(),
                net: Network::default(),
                rng: Rng::new(seed),
                trace: Trace::default(),
            }),
            config,
        })
    }

    /// No code of others runs under this lock, and nothing that is dropped under it runs any.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // --- Time ---

    pub(crate) fn now(&self) -> Duration {
        Duration::from_nanos(self.now.load(Ordering::Relaxed))
    }

    pub(crate) fn instant(&self) -> Instant {
        self.origin + self.now()
    }

    pub(crate) fn since_origin(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.origin)
    }

    /// Goes on to the next moment at which anything happens. There may be none.
    pub(crate) fn advance(&self) -> bool {
        let mut woken = Vec::new();
        {
            let mut state = self.state();
            let Some(next) = state.timers.next() else { return false };
            let now = next.max(self.now());
            self.now.store(u64::try_from(now.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
            while let Some(due) = state.timers.pop(now) {
                match due {
                    Due::Wake(waker) => woken.push(waker),
                    Due::Net(later) => {
                        let State { net, trace, .. } = &mut *state;
                        net.happens(later, now, trace, &mut woken);
                    }
                }
            }
        }
        woken.into_iter().for_each(Waker::wake);
        true
    }

    pub(crate) fn count_step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    // --- Tasks ---

    pub(crate) fn spawn(&self, process: ProcessId, future: BoxedTask) {
        let mut state = self.state();
        if state.processes[process].life == Life::Killed {
            drop(state);
            // Who still holds a handle of a dead process gets nothing done with it.
            drop(future);
            return;
        }
        state.spawned += 1;
        let id = state.spawned;
        let waker = Arc::new(TaskWaker::new(id, &self.ready));
        state.tasks.insert(id, Task { process, future: Some(future), waker: Arc::clone(&waker) });
        drop(state);
        waker.wake();
    }

    /// Polls a task that was woken, if it is still there and may run.
    pub(crate) fn run_task(&self, id: TaskId) {
        let (mut future, waker) = {
            let mut state = self.state();
            let State { tasks, processes, trace, .. } = &mut *state;
            let Some(task) = tasks.get_mut(&id) else { return };
            let process = &mut processes[task.process];
            if process.life == Life::Frozen {
                process.stalled.push(id);
                return;
            }
            let Some(future) = task.future.take() else { return };
            trace.record(&[id]);
            (future, Arc::clone(&task.waker))
        };
        waker.queued.store(false, Ordering::Relaxed);
        let waker = Waker::from(waker);
        if future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
            let finished = self.state().tasks.remove(&id);
            drop(finished);
        } else if let Some(task) = self.state().tasks.get_mut(&id) {
            task.future = Some(future);
        }
        // Otherwise it killed its own process, and is dropped here, where no lock is held.
    }

    pub(crate) fn tasks(&self, process: ProcessId) -> usize {
        self.state().tasks.values().filter(|task| task.process == process).count()
    }

    // --- Processes ---

    pub(crate) fn add_process(&self, name: &str) -> ProcessId {
        let mut state = self.state();
        state.processes.push(Process { name: name.to_owned(), life: Life::Running, stalled: Vec::new() });
        state.processes.len() - 1
    }

    /// Asks what becomes of a connection.
    pub(crate) fn dial(&self, process: ProcessId, to: SocketAddr) -> Plan {
        let now = self.now();
        let State { net, rng, processes, trace, .. } = &mut *self.state();
        let name = &processes[process].name;
        let plan = net.dial(to, now, name, rng);
        if plan.connect != Connect::Normal {
            trace.note(now, name, format_args!("dials {to}: {:?}", plan.connect));
        } else if plan.up.is_empty() && plan.down.is_empty() {
            trace.note(now, name, format_args!("dials {to}"));
        } else {
            trace.note(now, name, format_args!("dials {to}, which meets {:?} there and {:?} back", plan.up, plan.down));
        }
        plan
    }

    pub(crate) fn name(&self, process: ProcessId) -> String {
        self.state().processes[process].name.clone()
    }

    pub(crate) fn note(&self, process: ProcessId, what: fmt::Arguments<'_>) {
        let now = self.now();
        let State { processes, trace, .. } = &mut *self.state();
        trace.note(now, &processes[process].name, what);
    }

    pub(crate) fn freeze(&self, process: ProcessId) {
        let process = &mut self.state().processes[process];
        if process.life == Life::Running {
            process.life = Life::Frozen;
        }
    }

    pub(crate) fn thaw(&self, process: ProcessId) {
        let stalled = {
            let process = &mut self.state().processes[process];
            if process.life != Life::Frozen {
                return;
            }
            process.life = Life::Running;
            std::mem::take(&mut process.stalled)
        };
        stalled.into_iter().for_each(|task| self.ready.push(task));
    }

    pub(crate) fn kill(&self, process: ProcessId) {
        self.state().processes[process].life = Life::Killed;
        self.drop_tasks(|task| task.process == process);
    }

    pub(crate) fn drop_all_tasks(&self) {
        for process in &mut self.state().processes {
            process.life = Life::Killed;
        }
        self.drop_tasks(|_| true);
    }

    fn drop_tasks(&self, which: impl Fn(&Task) -> bool) {
        let dropped: Vec<Task> = {
            let mut state = self.state();
            let ids: Vec<TaskId> = state.tasks.iter().filter(|(_, task)| which(task)).map(|(id, _)| *id).collect();
            ids.into_iter().filter_map(|id| state.tasks.remove(&id)).collect()
        };
        // What they hold closes sockets, cancels timers and wakes others.
        drop(dropped);
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core").field("now", &self.now()).finish_non_exhaustive()
    }
}

/// The tasks that are to run, in the order in which they were woken.
#[derive(Debug, Default)]
pub(crate) struct Ready(Mutex<VecDeque<TaskId>>);

impl Ready {
    pub(crate) fn push(&self, task: TaskId) {
        self.queue().push_back(task);
    }

    pub(crate) fn pop(&self) -> Option<TaskId> {
        self.queue().pop_front()
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<TaskId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes one task. It needs no lock but the queue's, so that it may be woken from anywhere.
#[derive(Debug)]
pub(crate) struct TaskWaker {
    task: TaskId,
    pub(crate) queued: AtomicBool,
    ready: Arc<Ready>,
}

impl TaskWaker {
    pub(crate) fn new(task: TaskId, ready: &Arc<Ready>) -> Self {
        Self { task, queued: AtomicBool::new(false), ready: Arc::clone(ready) }
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.swap(true, Ordering::Relaxed) {
            self.ready.push(self.task);
        }
    }
}
