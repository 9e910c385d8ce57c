//! A start that never fails.

use std::ops::Deref;
#[cfg(feature = "enabled")]
use std::time::Duration;

use flipper_client::{Builder, Launch, StartError};

use super::Plugins;
#[cfg(feature = "enabled")]
use super::app_id::app_id;

/// Starts Flipper for the app of this name, with every plugin that was chosen as a feature. Adapters offer it under the
/// same name, for their own `Flipper`.
///
/// It never fails and never panics: whatever keeps Flipper from starting, such as an environment variable that makes no
/// sense, is logged as an error and kept in [`WithPlugins::start_error`], and the app goes on without Flipper.
///
/// The app's id is `rust.` and its name in small letters and digits, with hyphens between them: `rust.my-shop` for
/// `My Shop`. It stays the same as long as the name does. What is neither a letter of ASCII nor a digit of it counts as
/// what stands between words; to a name that has other letters, or is very long, eight digits are added that are made of
/// the whole name. For another id, or any other setting, there is [`Plugins::start`].
#[must_use = "Flipper stops when this is dropped"]
#[inline]
pub fn init<L: Launch>(app: impl Into<String>) -> WithPlugins<L::Handle> {
    #[cfg(feature = "enabled")]
    {
        let app = app.into();
        let id = app_id(&app);
        Plugins::default().start(Builder::<L>::new(app, id))
    }
    #[cfg(not(feature = "enabled"))]
    {
        drop(app);
        WithPlugins { flipper: L::stopped(), plugins: Plugins::default() }
    }
}

impl Plugins {
    /// Starts Flipper with these plugins and these settings. See [`init`] for what happens when it does not start.
    ///
    /// With the feature `crash`, panics are reported from now on; the panic hook that was there before runs as well.
    #[must_use = "Flipper stops when this is dropped"]
    #[inline]
    pub fn start<L: Launch>(self, builder: Builder<L>) -> WithPlugins<L::Handle> {
        #[cfg(feature = "enabled")]
        {
            #[cfg(feature = "crash")]
            self.crash.install_panic_hook();
            let (flipper, start_error) = match self.add_to(builder).start() {
                Ok(flipper) => (flipper, None),
                Err(error) => {
                    tracing::error!("the app goes on without Flipper: {error}");
                    (L::stopped(), Some(error))
                }
            };
            WithPlugins { flipper, plugins: self, start_error }
        }
        #[cfg(not(feature = "enabled"))]
        {
            drop(builder);
            WithPlugins { flipper: L::stopped(), plugins: self }
        }
    }
}

/// An app's Flipper, which this can be used as, and its plugins.
///
/// When the last clone is dropped, Flipper stops. Where Flipper could not start, it has stopped, and the plugins are there
/// all the same: they take what they are given, and drop it.
#[derive(Clone, Debug)]
pub struct WithPlugins<F> {
    flipper: F,
    plugins: Plugins,
    #[cfg(feature = "enabled")]
    start_error: Option<StartError>,
}

impl<F> WithPlugins<F> {
    /// The Flipper that runs, or one that has stopped.
    #[must_use]
    #[inline]
    pub fn flipper(&self) -> &F {
        &self.flipper
    }

    /// Its plugins. Each has a method of its own as well.
    #[must_use]
    #[inline]
    pub fn plugins(&self) -> &Plugins {
        &self.plugins
    }

    /// What kept Flipper from starting.
    #[must_use]
    #[inline]
    pub fn start_error(&self) -> Option<&StartError> {
        #[cfg(feature = "enabled")]
        return self.start_error.as_ref();
        #[cfg(not(feature = "enabled"))]
        None
    }
}

impl<F> Deref for WithPlugins<F> {
    type Target = F;

    #[inline]
    fn deref(&self) -> &F {
        &self.flipper
    }
}

/// How long the pauses between bursts of events are. The official UI shows an app's events when none has come for 200 ms,
/// and never before.
#[cfg(feature = "enabled")]
const EVENT_PAUSE: Duration = Duration::from_millis(250);

/// What the official UI needs of an app to show it well. The one place for such settings.
#[inline]
pub(super) fn for_the_official_ui<L: Launch>(builder: Builder<L>) -> Builder<L> {
    #[cfg(feature = "enabled")]
    let builder = builder.configure(|config| {
        if config.event_pause.is_zero() {
            config.event_pause = EVENT_PAUSE;
        }
    });
    builder
}
