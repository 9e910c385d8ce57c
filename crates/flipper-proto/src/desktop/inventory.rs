//! Which plugins a client has, and how the desktop finds out.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::mem;

use crate::error::ProtocolError;
use crate::identity::PluginId;
use crate::ids::MessageId;
use crate::time::Instant;
use crate::wire::decode::decode_plugins;

use super::action::{DisconnectCause, Event, Outcome};
use super::alarms::Alarm;
use super::connection::Context;
use super::session::Session;

/// From this SDK version on, clients know `getBackgroundPlugins`.
const BACKGROUND_SINCE: u32 = 4;

/// Which plugins a client has.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    /// `None` until the client has told for the first time.
    known: Option<Known>,
    inquiry: Inquiry,
}

#[derive(Debug)]
struct Known {
    plugins: Vec<PluginId>,
    background: Vec<PluginId>,
    /// The plugins again, to be found by name.
    by_name: BTreeSet<PluginId>,
}

/// What the desktop wants to know.
#[derive(Debug, Default)]
enum Inquiry {
    /// Nothing at present.
    #[default]
    Settled,
    /// It has asked and waits for the answer.
    Asking(Asking),
    /// Everything, but the client is silent: it is asked anew when it wakes up.
    Suspended,
}

#[derive(Debug)]
struct Asking {
    question: Question,
    /// One for each time that it was asked. An answer to any of them will do.
    ids: Vec<MessageId>,
    deadline: Instant,
    /// Whether the client said meanwhile that its plugins are others.
    outdated: bool,
}

#[derive(Debug)]
enum Question {
    Plugins,
    /// The plugins are those that the question before was answered with.
    Background {
        plugins: Vec<PluginId>,
    },
}

impl Question {
    fn method(&self) -> &'static str {
        match self {
            Self::Plugins => "getPlugins",
            Self::Background { .. } => "getBackgroundPlugins",
        }
    }
}

impl Inventory {
    pub(super) fn plugins(&self) -> Option<&[PluginId]> {
        self.known.as_ref().map(|known| known.plugins.as_slice())
    }

    pub(super) fn background(&self) -> &[PluginId] {
        self.known.as_ref().map_or(&[], |known| known.background.as_slice())
    }

    /// The plugin of this name, whether or not the client has told of it.
    pub(super) fn plugin(&self, name: &str) -> PluginId {
        let known = self.known.as_ref().and_then(|known| known.by_name.get(name));
        known.map_or_else(|| PluginId::new(name), PluginId::clone)
    }

    pub(super) fn awaits(&self, id: MessageId) -> bool {
        match &self.inquiry {
            Inquiry::Asking(asking) => asking.ids.contains(&id),
            Inquiry::Settled | Inquiry::Suspended => false,
        }
    }
}

impl Session {
    /// Begins to ask which plugins there are.
    pub(super) fn inquire(&mut self, cx: &mut Context<'_>, now: Instant) {
        self.ask(cx, Question::Plugins, false, now);
    }

    /// The client says that its plugins are others. While it is being asked that changes nothing at once, so that a
    /// client that never stops saying so cannot have more than one question sent for each of its answers.
    pub(super) fn refresh(&mut self, cx: &mut Context<'_>, now: Instant) {
        match &mut self.inventory.inquiry {
            Inquiry::Asking(asking) => asking.outdated = true,
            Inquiry::Settled | Inquiry::Suspended => self.inquire(cx, now),
        }
    }

    /// The client gave a sign of life.
    pub(super) fn resume_inquiry(&mut self, cx: &mut Context<'_>, now: Instant) {
        if let Inquiry::Suspended = self.inventory.inquiry {
            self.inquire(cx, now);
        }
    }

    pub(super) fn inquiry_answered(&mut self, cx: &mut Context<'_>, outcome: Outcome, now: Instant) {
        // An answer without plugins in it is as good as none: the question is asked again in its time.
        let Some(names) = self.names(cx, outcome) else { return };
        let Inquiry::Asking(asking) = mem::take(&mut self.inventory.inquiry) else { return };
        cx.disarm(asking.deadline, Alarm::Registration);
        match asking.question {
            Question::Plugins if self.knows_background() => {
                self.ask(cx, Question::Background { plugins: names }, asking.outdated, now);
            }
            Question::Plugins => self.conclude(cx, names, Vec::new(), asking.outdated, now),
            Question::Background { plugins } => self.conclude(cx, plugins, names, asking.outdated, now),
        }
    }

    /// The deadline of an answer has come. Returns why the client is to be given up, if so.
    pub(super) fn inquiry_overdue(&mut self, cx: &mut Context<'_>, now: Instant) -> Option<DisconnectCause> {
        let Inquiry::Asking(asking) = mem::take(&mut self.inventory.inquiry) else { return None };
        let retries = usize::try_from(cx.config.timing.registration_retries).unwrap_or(usize::MAX);
        if asking.ids.len() <= retries {
            self.ask_again(cx, asking, now);
        } else if self.liveness.awaits_pong() {
            // A program that is stopped cannot answer. How long it is waited for is another question.
            self.inventory.inquiry = Inquiry::Suspended;
        } else if self.inventory.known.is_none() && matches!(asking.question, Question::Plugins) {
            return Some(DisconnectCause::NotRegistered);
        } else {
            self.misbehaved(cx, ProtocolError::Unanswered(asking.question.method()));
            if let Question::Background { plugins } = asking.question {
                self.conclude(cx, plugins, Vec::new(), asking.outdated, now);
            }
        }
        None
    }

    pub(super) fn drop_inquiry(&mut self, cx: &mut Context<'_>) {
        if let Inquiry::Asking(asking) = mem::take(&mut self.inventory.inquiry) {
            cx.disarm(asking.deadline, Alarm::Registration);
        }
    }

    fn ask(&mut self, cx: &mut Context<'_>, question: Question, outdated: bool, now: Instant) {
        self.ask_again(cx, Asking { question, ids: Vec::new(), deadline: now, outdated }, now);
    }

    fn ask_again(&mut self, cx: &mut Context<'_>, mut asking: Asking, now: Instant) {
        asking.ids.push(self.own_request(cx, asking.question.method()));
        asking.deadline = now.later(cx.config.timing.registration);
        cx.arm(asking.deadline, Alarm::Registration);
        self.inventory.inquiry = Inquiry::Asking(asking);
    }

    fn conclude(
        &mut self,
        cx: &mut Context<'_>,
        plugins: Vec<PluginId>,
        background: Vec<PluginId>,
        outdated: bool,
        now: Instant,
    ) {
        let by_name: BTreeSet<PluginId> = plugins.iter().cloned().collect();
        // Nobody can initialise what is not a plugin, be it a background plugin or not.
        let background: Vec<PluginId> = background.into_iter().filter(|plugin| by_name.contains(plugin)).collect();
        // A plugin that the client removed takes its connection with it.
        self.initialised.retain(|plugin| by_name.contains(plugin));
        let early = self.initialised_early();
        cx.event(Event::PluginsChanged {
            client: self.client.clone(),
            plugins: plugins.clone(),
            background: background.clone(),
        });
        self.inventory.known = Some(Known { plugins, background, by_name });
        for plugin in early {
            if self.init_plugin(cx, &plugin).is_err() {
                self.initialised.remove(&plugin);
            }
        }
        if outdated {
            self.inquire(cx, now);
        }
    }

    /// The plugins that were initialised when the client did not have them, as far as was known. Nobody knows whether
    /// it had them by then, so they are initialised once more when it has.
    fn initialised_early(&self) -> Vec<PluginId> {
        let Some(known) = &self.inventory.known else { return Vec::new() };
        self.initialised.difference(&known.by_name).cloned().collect()
    }

    /// The plugins that an answer names.
    fn names(&mut self, cx: &mut Context<'_>, outcome: Outcome) -> Option<Vec<PluginId>> {
        let error = match outcome {
            Outcome::Success(value) => {
                let max = cx.config.limits.plugins;
                match decode_plugins(value.as_json(), max) {
                    Ok(names) => {
                        if names.truncated {
                            self.misbehaved(cx, ProtocolError::TooManyPlugins { max });
                        }
                        return Some(names.kept);
                    }
                    Err(error) => error,
                }
            }
            Outcome::Error { raw, .. } => {
                self.client_error(cx, raw);
                return None;
            }
            Outcome::Invalid(error) => error,
            Outcome::Neither | Outcome::TimedOut { .. } | Outcome::Disconnected => ProtocolError::Missing("success"),
        };
        self.misbehaved(cx, error);
        None
    }

    fn knows_background(&self) -> bool {
        self.info.query.sdk_version.is_some_and(|version| version >= BACKGROUND_SINCE)
    }
}
