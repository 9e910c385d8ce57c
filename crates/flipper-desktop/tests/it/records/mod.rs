//! Recordings of real sessions.

mod content;
mod export;
mod failures;
mod har;
mod kill;
mod replay;

use std::path::Path;

use flipper_desktop::proto::{ClientId, Payload};
use flipper_desktop::records::{Filter, Message, RecordError, RecordOptions, Recording};
use flipper_tokio::{Flipper, Tokio};

use crate::support::{Rig, app, desktop};

/// A desktop that records, and an app that is connected to it.
pub(crate) struct Studio {
    pub(crate) rig: Rig<Tokio>,
    pub(crate) app: Flipper,
    pub(crate) client: ClientId,
    /// Goes last.
    pub(crate) directory: tempfile::TempDir,
}

impl Studio {
    pub(crate) async fn record(file: &str, options: RecordOptions) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut rig = Rig::<Tokio>::start(desktop()).await;
        rig.desktop.start_recording(directory.path().join(file), options).await.unwrap();
        let app = app(rig.desktop.ports(), directory.path()).start().unwrap();
        let client = rig.client().await;
        Self { rig, app, client, directory }
    }

    pub(crate) async fn call(&self, method: &str, params: &str) -> Result<Payload, flipper_desktop::CallError> {
        let params = Payload::from_json(params).unwrap();
        self.rig.desktop.call(&self.client, "Example", method, Some(params)).await
    }
}

/// All messages of a recording.
pub(crate) fn messages(path: &Path, filter: &Filter) -> Vec<Message> {
    let mut messages = Vec::new();
    let recording = Recording::open(path).unwrap();
    let read = recording.each_message(filter, |message| {
        messages.push(message);
        Ok::<(), RecordError>(())
    });
    read.unwrap();
    messages
}
