//! A child process that is watched from its first line to its last: one run of the official desktop, or of a shim.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};

/// How many lines of output are kept for reports. The desktop's start alone prints some sixty.
const KEPT_LINES: usize = 400;
/// How much of a line is kept: it prints whole messages that it does not understand.
const KEPT_OF_LINE: usize = 1000;

/// A running child in a process group of its own. Dropping it kills the group.
pub(crate) struct Process {
    watch: Watch,
    pid: Pid,
    /// The child ends when this pipe closes, which the kernel sees to even if this process is killed.
    lifeline: Option<ChildStdin>,
    waiter: Option<JoinHandle<()>>,
}

impl Process {
    /// Spawns `command` and watches it; `ready_line` is the text in its output that says that it is ready, if any.
    pub(crate) fn spawn(command: &mut Command, ready_line: Option<&'static str>) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own, so that the `openssl` processes that it starts are reached as well.
            .process_group(0)
            .spawn()?;
        let (Some(lifeline), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            unreachable!("all three pipes were asked for");
        };
        let pid = Pid::from_child(&child);
        let watch = Watch(Arc::new(Shared { life: Mutex::new(Life::default()), changed: Condvar::new() }));
        let pumps = [watch.pump(stdout, ready_line), watch.pump(stderr, ready_line)];
        let waiter = {
            let watch = watch.clone();
            thread::spawn(move || watch.await_end(child, pid, pumps))
        };
        Ok(Self { watch, pid, lifeline: Some(lifeline), waiter: Some(waiter) })
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    pub(crate) fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Closes the child's standard input, and waits until it has ended, at most `patience`.
    pub(crate) fn hang_up(&mut self, patience: Duration) {
        self.lifeline = None;
        let _ = self.watch.wait_ended(patience);
    }

    /// Asks the process to end and waits for that, at most `patience`; then kills it.
    pub(crate) fn stop(mut self, patience: Duration) {
        self.signal(|pid| kill_process(pid, Signal::TERM));
        let _ = self.watch.wait_until(patience, |life| life.ended.is_some());
        self.kill();
    }

    /// Kills the whole group and waits until the process is gone. Does nothing once it is.
    pub(crate) fn kill(&mut self) {
        self.signal(|pid| kill_process_group(pid, Signal::KILL));
        if let Some(waiter) = self.waiter.take() {
            // A panic there has been printed already, and must not become a double panic in a drop.
            let _ = waiter.join();
        }
    }

    fn signal(&self, send: impl FnOnce(Pid) -> rustix::io::Result<()>) {
        let mut life = self.watch.lock();
        // The waiter reaps under this lock, so while nothing says `ended` the id still belongs to our child.
        if life.ended.is_none() {
            life.told_to_end = true;
            // Fails only with "no such process": the child has just ended by itself.
            let _ = send(self.pid);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What is known about a process, shared with everybody who talks to it. Outlives the process.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Shared>);

struct Shared {
    life: Mutex<Life>,
    changed: Condvar,
}

#[derive(Default)]
struct Life {
    output: VecDeque<String>,
    ready: bool,
    told_to_end: bool,
    ended: Option<ExitStatus>,
}

impl Watch {
    /// Waits until the process says that it is ready, at most `patience`.
    pub(crate) fn wait_ready(&self, patience: Duration) -> Readiness {
        match self.wait_until(patience, |life| life.ready || life.ended.is_some()) {
            None => Readiness::Overdue,
            Some(life) if life.ended.is_some() => Readiness::Ended,
            Some(_) => Readiness::Ready,
        }
    }

    /// Waits until the process has ended, at most `patience`.
    pub(crate) fn wait_ended(&self, patience: Duration) -> Option<ExitStatus> {
        self.wait_until(patience, |life| life.ended.is_some()).and_then(|life| life.ended)
    }

    /// The process as it is now, for an error report.
    pub(crate) fn condition(&self) -> Condition {
        let life = self.lock();
        let fate = match (life.ended, life.told_to_end) {
            (None, _) => Fate::Running,
            (Some(_), true) => Fate::Stopped,
            (Some(status), false) => Fate::EndedByItself(status),
        };
        Condition { fate, output: life.output.iter().cloned().collect() }
    }

    fn pump(&self, pipe: impl Read + Send + 'static, ready_line: Option<&'static str>) -> JoinHandle<()> {
        let watch = self.clone();
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            // By bytes: a line that is no UTF-8 must not end the pump, or the child would block on a full pipe.
            while matches!(pipe.read_until(b'\n', &mut line), Ok(1..)) {
                let text = excerpt(&line);
                line.clear();
                let mut life = watch.lock();
                if ready_line.is_some_and(|ready| text.contains(ready)) {
                    life.ready = true;
                    watch.0.changed.notify_all();
                }
                if life.output.len() == KEPT_LINES {
                    life.output.pop_front();
                }
                life.output.push_back(text);
            }
        })
    }

    fn await_end(&self, mut child: Child, pid: Pid, pumps: [JoinHandle<()>; 2]) {
        // Wait without reaping: until `child.wait()` below, the id cannot be given to another process.
        let _ = rustix::io::retry_on_intr(|| waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT));
        // Whatever it had started would keep the pipes open, and would stay behind.
        let _ = kill_process_group(pid, Signal::KILL);
        for pump in pumps {
            let _ = pump.join();
        }
        let mut life = self.lock();
        // Fails only where the parent ignores its children's ends; the process is gone all the same.
        life.ended = Some(child.wait().unwrap_or_default());
        self.0.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Life> {
        // Every change is a single assignment: a panic elsewhere leaves nothing half done.
        self.0.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_until(&self, patience: Duration, mut done: impl FnMut(&Life) -> bool) -> Option<MutexGuard<'_, Life>> {
        let (life, _) = self
            .0
            .changed
            .wait_timeout_while(self.lock(), patience, |life| !done(life))
            .unwrap_or_else(PoisonError::into_inner);
        done(&life).then_some(life)
    }
}

fn excerpt(line: &[u8]) -> String {
    let kept = &line[..line.len().min(KEPT_OF_LINE)];
    let mut text = String::from_utf8_lossy(kept).trim_end().to_owned();
    if kept.len() < line.len() {
        text.push('…');
    }
    text
}

/// What became of a start.
pub(crate) enum Readiness {
    Ready,
    Ended,
    Overdue,
}

/// A process at one moment: what errors say of it.
pub(crate) struct Condition {
    pub(crate) fate: Fate,
    output: Vec<String>,
}

pub(crate) enum Fate {
    Running,
    /// It ended because it was told to.
    Stopped,
    EndedByItself(ExitStatus),
}

impl Condition {
    /// The last `lines` of what it printed, each indented by a bar.
    pub(crate) fn tail(&self, lines: usize) -> Tail<'_> {
        Tail(&self.output[self.output.len().saturating_sub(lines)..])
    }
}

pub(crate) struct Tail<'a>(&'a [String]);

impl fmt::Display for Tail<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| write!(f, "\n  | {line}"))
    }
}
