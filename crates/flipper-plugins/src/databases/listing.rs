//! The list of databases, to which each of them adds its tables.

use std::sync::{Mutex, PoisonError};

use flipper_client::Responder;
use serde::Serialize;

/// One database of the list.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    id: usize,
    name: String,
    tables: Vec<String>,
}

impl Listed {
    pub(super) fn new(name: &str) -> Self {
        Self { id: 0, name: name.to_owned(), tables: Vec::new() }
    }
}

/// A list that is being made. It is the answer when everybody who adds something to it has let go of it.
#[derive(Debug)]
pub(super) struct Listing {
    databases: Mutex<Vec<Listed>>,
    responder: Option<Responder>,
}

impl Listing {
    /// The official UI needs the ids 1, 2, 3 …, and at least one database.
    pub(super) fn new(mut databases: Vec<Listed>, responder: Responder) -> Self {
        if databases.is_empty() {
            databases.push(Listed::new("(no databases)"));
        }
        for (at, database) in databases.iter_mut().enumerate() {
            database.id = at + 1;
        }
        Self { databases: Mutex::new(databases), responder: Some(responder) }
    }

    /// The tables of the database at this place.
    pub(super) fn add(&self, at: usize, tables: Vec<String>) {
        let mut databases = self.databases.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = databases.get_mut(at) {
            database.tables = tables;
        }
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        if let Some(responder) = self.responder.take() {
            let databases = self.databases.get_mut().unwrap_or_else(PoisonError::into_inner);
            // Nobody waits when the session has ended.
            let _ended = responder.success(databases);
        }
    }
}
