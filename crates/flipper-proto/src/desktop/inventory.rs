//! Which plugins a client has, and how the desktop finds out.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::mem;

use crate::error::ProtocolError;
use crate::identity::PluginId;
use crate::ids::MessageId;
use crate::time::Instant;
use crate::wire::decode::{decode_names, decode_plugins};

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
    /// The other times that the plugins were asked for, of the question that was answered last. Their answers come late,
    /// and may leave out a plugin that was removed meanwhile, and perhaps added anew.
    late: Vec<MessageId>,
    /// The questions that were given up. If the client answers one of them after all, it is asked anew.
    given_up: Vec<MessageId>,
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
    /// The plugins are those that the question before, which had this id, was answered with.
    Background {
        plugins: Vec<PluginId>,
        asked: MessageId,
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

    /// Whether the answer to this request comes late, because it was made several times.
    pub(super) fn has_late(&self, id: MessageId) -> bool {
        self.late.contains(&id)
    }

    /// Whether nobody expected an answer to this request any more.
    pub(super) fn gave_up(&self, id: MessageId) -> bool {
        self.given_up.contains(&id)
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

    pub(super) fn inquiry_answered(&mut self, cx: &mut Context<'_>, id: MessageId, outcome: Outcome, now: Instant) {
        // An answer without plugins in it is as good as none: the question is asked again in its time.
        let Some(names) = self.names(cx, outcome) else { return };
        let Inquiry::Asking(asking) = mem::take(&mut self.inventory.inquiry) else { return };
        cx.disarm(asking.deadline, Alarm::Registration);
        match asking.question {
            Question::Plugins => {
                self.inventory.late = asking.ids.into_iter().filter(|other| *other != id).collect();
                if self.knows_background() {
                    self.ask(cx, Question::Background { plugins: names, asked: id }, asking.outdated, now);
                } else {
                    self.conclude(cx, id, names, Vec::new(), asking.outdated, now);
                }
            }
            Question::Background { plugins, asked } => {
                self.conclude(cx, asked, plugins, names, asking.outdated, now);
            }
        }
    }

    /// Takes the answer to a question that was answered before, when it was asked for the first time or the last.
    pub(super) fn inquiry_answered_late(&mut self, cx: &mut Context<'_>, id: MessageId, outcome: Outcome) {
        self.inventory.late.retain(|late| *late != id);
        let Some(names) = self.names(cx, outcome) else { return };
        let there: BTreeSet<PluginId> = names.into_iter().collect();
        self.forget_removed(&there, id);
        if let Inquiry::Asking(Asking { question: Question::Background { plugins, .. }, .. }) =
            &mut self.inventory.inquiry
        {
            plugins.retain(|plugin| there.contains(plugin));
        }
        let Some(known) = &mut self.inventory.known else { return };
        if known.by_name.is_subset(&there) {
            return;
        }
        known.by_name.retain(|plugin| there.contains(plugin));
        known.plugins.retain(|plugin| there.contains(plugin));
        known.background.retain(|plugin| there.contains(plugin));
        cx.event(Event::PluginsChanged {
            client: self.client.clone(),
            plugins: known.plugins.clone(),
            background: known.background.clone(),
        });
    }

    /// The client answers a question that was given up: it is slow, and what it says is wanted all the same.
    pub(super) fn inquiry_answered_too_late(&mut self, cx: &mut Context<'_>, now: Instant) {
        self.inventory.given_up.clear();
        self.refresh(cx, now);
    }

    /// The client names its plugins by itself, as only the oldest do. An answer to what it was asked comes too late.
    pub(super) fn introduced(
        &mut self,
        cx: &mut Context<'_>,
        plugins: &str,
        now: Instant,
    ) -> Result<(), ProtocolError> {
        let max = cx.config.limits.plugins;
        let names = decode_names(plugins, max)?;
        self.drop_inquiry(cx);
        self.conclude(cx, self.next_id(), names.kept, Vec::new(), false, now);
        if names.truncated { Err(ProtocolError::TooManyPlugins { max }) } else { Ok(()) }
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
            self.inventory.given_up = asking.ids;
            if let Question::Background { plugins, asked } = asking.question {
                self.conclude(cx, asked, plugins, Vec::new(), asking.outdated, now);
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

    /// `asked` is the question that was answered with `plugins`.
    fn conclude(
        &mut self,
        cx: &mut Context<'_>,
        asked: MessageId,
        plugins: Vec<PluginId>,
        background: Vec<PluginId>,
        outdated: bool,
        now: Instant,
    ) {
        let by_name: BTreeSet<PluginId> = plugins.iter().cloned().collect();
        // Nobody can initialise what is not a plugin, be it a background plugin or not.
        let background: Vec<PluginId> = background.into_iter().filter(|plugin| by_name.contains(plugin)).collect();
        self.forget_removed(&by_name, asked);
        let early = self.initialised_early(&by_name);
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

    /// A plugin that the client removed takes its connection with it. The answer to a question says nothing about those
    /// that were initialised after it was asked.
    fn forget_removed(&mut self, there: &BTreeSet<PluginId>, asked: MessageId) {
        self.initialised_since.retain(|_, next| *next > asked);
        let since = &self.initialised_since;
        self.initialised.retain(|plugin| there.contains(plugin) || since.contains_key(plugin));
    }

    /// Those of the plugins that were initialised when the client did not have them, as far as was known. Nobody knows
    /// whether it had them by then, so they are initialised once more now that it has.
    fn initialised_early(&self, there: &BTreeSet<PluginId>) -> Vec<PluginId> {
        let Some(known) = &self.inventory.known else { return Vec::new() };
        let early = self.initialised.difference(&known.by_name);
        let early = early.filter(|plugin| there.contains(*plugin) && !self.initialised_since.contains_key(*plugin));
        early.cloned().collect()
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
        !self.wraps() && self.info.query.sdk_version.is_some_and(|version| version >= BACKGROUND_SINCE)
    }
}
