//! The recording of a desktop.

use std::mem;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flipper_async::Runtime;
use flipper_async::desk::Desk;
use flipper_pki::WallClock;
use time::OffsetDateTime;
use tokio::sync::mpsc;

use super::error::RecordError;
use super::recorder::{RecordOptions, RecordStatus, Recorder};
use crate::event::Event;

/// A name for a recording that begins now, made of the time in UTC: `2026-01-31T12-34-56Z`.
#[must_use]
pub fn recording_name() -> String {
    let now = OffsetDateTime::now_utc();
    let (date, time) = (now.date(), now.time());
    let month = u8::from(date.month());
    let (hour, minute, second) = time.as_hms();
    format!("{:04}-{month:02}-{:02}T{hour:02}-{minute:02}-{second:02}Z", date.year(), date.day())
}

/// At most one recording at a time.
pub(crate) struct Recordings {
    clock: WallClock,
    tell: mpsc::UnboundedSender<Event>,
    state: Arc<Mutex<State>>,
}

enum State {
    None,
    Starting(PathBuf),
    On(Recorder),
    /// It ended with the desktop.
    Over(RecordStatus),
}

impl Recordings {
    pub(crate) fn new(clock: WallClock, tell: mpsc::UnboundedSender<Event>) -> Self {
        Self { clock, tell, state: Arc::new(Mutex::new(State::None)) }
    }

    pub(crate) async fn start<R: Runtime>(
        &self,
        desk: &Desk<R>,
        path: PathBuf,
        options: RecordOptions,
    ) -> Result<RecordStatus, RecordError> {
        let starting = Starting::new(&self.state, path.clone())?;
        let tell = self.tell.clone();
        let on_loss = Box::new(move |error, lost| {
            // A desktop that has ended tells nobody.
            let _ended = tell.send(Event::RecordingIncomplete { error, lost });
        });
        let recorder = Recorder::open_with(path, options, self.clock.clone(), on_loss).await?;
        desk.set_tap(Some(recorder.tap()));
        let status = recorder.status();
        starting.done(recorder);
        Ok(status)
    }

    pub(crate) async fn stop<R: Runtime>(&self, desk: &Desk<R>) -> Result<RecordStatus, RecordError> {
        let recorder = take(&self.state).ok_or(RecordError::NotRecording)?;
        desk.set_tap(None);
        Ok(recorder.finish().await)
    }

    /// The desktop has ended; so does its recording.
    pub(crate) fn end(&self) -> impl Future<Output = ()> + Send + use<> {
        let state = Arc::clone(&self.state);
        async move {
            if let Some(recorder) = take(&state) {
                let status = recorder.finish().await;
                *lock(&state) = State::Over(status);
            }
        }
    }

    pub(crate) fn status(&self) -> Option<RecordStatus> {
        match &*lock(&self.state) {
            State::None | State::Starting(_) => None,
            State::On(recorder) => Some(recorder.status()),
            State::Over(status) => Some(status.clone()),
        }
    }
}

fn take(state: &Mutex<State>) -> Option<Recorder> {
    let mut state = lock(state);
    match mem::replace(&mut *state, State::None) {
        State::On(recorder) => Some(recorder),
        other => {
            *state = other;
            None
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps others from starting. Dropped before it is done, there is no recording.
struct Starting<'a>(&'a Mutex<State>);

impl<'a> Starting<'a> {
    fn new(state: &'a Mutex<State>, path: PathBuf) -> Result<Self, RecordError> {
        let mut current = lock(state);
        match &*current {
            State::None | State::Over(_) => *current = State::Starting(path),
            State::Starting(path) => return Err(RecordError::AlreadyRecording { path: path.clone() }),
            State::On(recorder) => return Err(RecordError::AlreadyRecording { path: recorder.path().to_owned() }),
        }
        Ok(Self(state))
    }

    fn done(self, recorder: Recorder) {
        *lock(self.0) = State::On(recorder);
    }
}

impl Drop for Starting<'_> {
    fn drop(&mut self) {
        let mut state = lock(self.0);
        if let State::Starting(_) = &*state {
            *state = State::None;
        }
    }
}
