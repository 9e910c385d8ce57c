//! Calls, of which there are none.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use flipper_proto::{ErrorReport, Payload, Text};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Never;
use crate::error::UnknownCall;

pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Never exists, because nobody calls.
#[derive(Debug)]
pub struct Call {
    pub method: Text,
    pub params: Option<Payload>,
    pub responder: Responder,
}

impl Call {
    #[inline]
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ErrorReport> {
        match self.responder.never {}
    }

    #[inline]
    pub fn spawn(self, task: impl FnOnce(Self) -> Task) -> Result<(), Box<Self>> {
        drop(task);
        match self.responder.never {}
    }
}

/// Never exists, because nobody calls.
///
/// The field is private for a reason: the compiler would call code unreachable, in apps, that it knew to handle what never
/// exists.
pub struct Responder {
    never: Never,
}

impl Responder {
    #[must_use]
    #[inline]
    pub fn expects_reply(&self) -> bool {
        match self.never {}
    }

    #[inline]
    pub fn success<T: Serialize + ?Sized>(self, _result: &T) -> Result<(), UnknownCall> {
        match self.never {}
    }

    #[inline]
    pub fn success_json(self, _result: Payload) -> Result<(), UnknownCall> {
        match self.never {}
    }

    #[inline]
    pub fn error(self, _report: &ErrorReport) -> Result<(), UnknownCall> {
        match self.never {}
    }

    #[inline]
    pub fn error_json(self, _error: Payload) -> Result<(), UnknownCall> {
        match self.never {}
    }

    #[inline]
    pub fn finish<T: Serialize, E: Into<ErrorReport>>(self, _result: Result<T, E>) -> Result<(), UnknownCall> {
        match self.never {}
    }
}

impl fmt::Debug for Responder {
    #[inline]
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.never {}
    }
}
