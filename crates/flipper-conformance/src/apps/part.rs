//! The plugins of apps.

use std::sync::Arc;

use flipper_client::Plugin;

use crate::roles::{Backwards, Played, Role, Sample, Ticker};

/// A plugin that an app may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part<'a> {
    /// `Example`, in the background.
    Example,
    /// `Ticker`, in the background.
    Ticker,
    /// A plugin that has this name and nothing else.
    Named(&'a str),
    /// `Example` with a method `wait` that answers so many calls, the last one first.
    Backwards(usize),
}

impl Part<'_> {
    /// As apps of this project have it.
    pub(super) fn plugin(&self) -> Arc<dyn Plugin> {
        match *self {
            Self::Example => Arc::new(flipper_demo::example()),
            Self::Ticker => Arc::new(flipper_demo::Ticker::default()),
            Self::Named(id) => Arc::new(flipper_client::plugin(id).build()),
            Self::Backwards(calls) => Arc::new(Played::new(Backwards::after(calls))),
        }
    }

    /// As it is played for programs.
    pub(super) fn role(&self) -> Box<dyn Role> {
        match *self {
            Self::Example => Box::new(Sample::example()),
            Self::Ticker => Box::new(Ticker::default()),
            Self::Named(id) => Box::new(Sample::named(id)),
            Self::Backwards(calls) => Box::new(Backwards::after(calls)),
        }
    }
}
