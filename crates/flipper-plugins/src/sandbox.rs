//! Plugin `Sandbox`: a choice of environments, such as production and staging, that is made from the desktop.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flipper_client::proto::{ErrorReport, Payload};
use flipper_client::{Call, Plugin};
use serde::{Deserialize, Serialize};

/// Lets the desktop choose one of the values that the app offers, or type another. Clones are the same plugin.
///
/// ```
/// use flipper_plugins::sandbox::Sandbox;
///
/// let sandbox = Sandbox::builder()
///     .offer("Production", "https://api.example.com")
///     .offer("Staging", "https://staging.example.com")
///     .on_change(|value| {
///         if value.starts_with("https://") { Ok(()) } else { Err(format!("{value} is no https URL")) }
///     })
///     .build();
/// // `sandbox.clone()` goes to the app's builder; the app keeps `sandbox`.
/// assert_eq!(sandbox.chosen(), None);
/// ```
#[derive(Clone, Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
}

impl Sandbox {
    /// The id that both ends know it by.
    pub const ID: &str = "Sandbox";

    /// Begins with nothing to choose from.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder { choices: Vec::new(), only_offered: false, on_change: None }
    }

    /// Offers other values from now on: pairs of a name, which the desktop shows, and a value. The official desktop asks
    /// for them when the plugin is opened.
    pub fn set_choices<N: Into<String>, V: Into<String>>(&self, choices: impl IntoIterator<Item = (N, V)>) {
        let choices = choices.into_iter().map(|(name, value)| Choice { name: name.into(), value: value.into() });
        self.shared.state().choices = choices.collect();
    }

    /// The value that the desktop chose last, if the app took it.
    #[must_use]
    pub fn chosen(&self) -> Option<String> {
        self.shared.state().chosen.clone()
    }
}

/// With nothing to choose from.
impl Default for Sandbox {
    fn default() -> Self {
        Self::builder().build()
    }
}

impl Plugin for Sandbox {
    fn id(&self) -> &str {
        Self::ID
    }

    fn has_method(&self, method: &str) -> bool {
        matches!(method, "getSandbox" | "setSandbox")
    }

    fn on_call(&self, call: Call) {
        // A session that ended meanwhile wants no answer.
        let _ended = if call.method.as_str() == "getSandbox" {
            let choices = self.shared.state().choices.clone();
            call.responder.success(&choices)
        } else {
            match call.parse().and_then(|SetSandbox { sandbox }| self.shared.choose(sandbox)) {
                Ok(()) => call.responder.success(&Changed { result: true }),
                Err(report) => match toast(&report) {
                    Ok(error) => call.responder.error_json(error),
                    Err(_) => call.responder.success(&Changed { result: false }),
                },
            }
        };
    }
}

/// A [`Sandbox`] in the making.
#[must_use]
pub struct SandboxBuilder {
    choices: Vec<Choice>,
    only_offered: bool,
    on_change: Option<OnChange>,
}

impl SandboxBuilder {
    /// Offers a value under a name.
    pub fn offer(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.choices.push(Choice { name: name.into(), value: value.into() });
        self
    }

    /// Refuses every value that is not offered. The desktop has a field for any text.
    pub fn only_offered(mut self) -> Self {
        self.only_offered = true;
        self
    }

    /// Called with the value that the desktop chose. An error is shown there, and the choice does not count.
    pub fn on_change<E: Into<ErrorReport>>(
        mut self,
        callback: impl Fn(&str) -> Result<(), E> + Send + Sync + 'static,
    ) -> Self {
        self.on_change = Some(Box::new(move |value| callback(value).map_err(Into::into)));
        self
    }

    /// The plugin.
    #[must_use]
    pub fn build(self) -> Sandbox {
        let state = State { choices: self.choices, chosen: None };
        let Self { only_offered, on_change, .. } = self;
        Sandbox { shared: Arc::new(Shared { only_offered, on_change, state: Mutex::new(state) }) }
    }
}

impl fmt::Debug for SandboxBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxBuilder").field("choices", &self.choices).finish_non_exhaustive()
    }
}

type OnChange = Box<dyn Fn(&str) -> Result<(), ErrorReport> + Send + Sync>;

struct Shared {
    only_offered: bool,
    on_change: Option<OnChange>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    choices: Vec<Choice>,
    chosen: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
struct Choice {
    name: String,
    value: String,
}

impl Shared {
    fn choose(&self, value: String) -> Result<(), ErrorReport> {
        if self.only_offered && !self.state().choices.iter().any(|choice| choice.value == value) {
            return Err(ErrorReport::new("the app takes none but the values that it offers").named("NotOffered"));
        }
        if let Some(change) = &self.on_change {
            // A panic would be answered for the app, too, but not so that the official desktop can show it.
            let changed = catch_unwind(AssertUnwindSafe(|| change(&value)));
            changed.map_err(|_| ErrorReport::new("the app panicked while it changed").named("PluginPanicked"))??;
        }
        self.state().chosen = Some(value);
        Ok(())
    }

    /// No callback runs under it, so it is never left half-changed.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("state", &self.state).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct SetSandbox {
    sandbox: String,
}

#[derive(Serialize)]
struct Changed {
    result: bool,
}

/// An error that the official desktop can show. It hands the object to its toast as it is, which wants a text, or the
/// text as `content`; anything else breaks its page.
fn toast(report: &ErrorReport) -> Result<Payload, serde_json::Error> {
    #[derive(Serialize)]
    struct Toast<'a> {
        #[serde(flatten)]
        report: &'a ErrorReport,
        content: &'a str,
    }
    Payload::serialize(&Toast { report, content: &report.message })
}
