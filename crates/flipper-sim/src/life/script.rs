//! What happens in a life, and when.

use std::time::Duration;

use crate::rng::Rng;

/// Something that happens. Which app, which plugin and how much is drawn when it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Events of a plugin.
    Send,
    /// A call of the desktop.
    Call,
    AddPlugin,
    RemovePlugin,
    /// The desktop initialises a plugin.
    Init,
    /// The desktop leaves a plugin.
    Deinit,
    /// The desktop closes a session.
    Disconnect,
    /// The app stops, and starts again.
    RestartApp,
    /// The app crashes, and starts again.
    KillApp,
    FreezeApp,
    /// The desktop stops, and starts again.
    RestartDesktop,
    /// The desktop crashes, and starts again.
    KillDesktop,
    /// The desktop comes back as another one, whose certificate authority nobody knows.
    ReplaceDesktop,
    FreezeDesktop,
    /// All calendars jump.
    TimeJump,
    /// A calendar is wrong for a while.
    WrongClock,
    /// The disk of an app, or of the desktop, fails for a while.
    BadDisk,
    /// Somebody empties or removes a file of an app, or of the desktop.
    Damage,
}

const USUAL: [Action; 6] =
    [Action::Send, Action::Send, Action::Call, Action::Call, Action::AddPlugin, Action::RemovePlugin];
const OF_THE_DESKTOP: [Action; 3] = [Action::Init, Action::Deinit, Action::Disconnect];
const ROUGH: [Action; 11] = [
    Action::RestartApp,
    Action::KillApp,
    Action::FreezeApp,
    Action::RestartDesktop,
    Action::KillDesktop,
    Action::ReplaceDesktop,
    Action::FreezeDesktop,
    Action::TimeJump,
    Action::WrongClock,
    Action::BadDisk,
    Action::Damage,
];

/// What happens at certain moments, in order.
pub(super) fn timetable(rng: &mut Rng, until: Duration) -> Vec<(Duration, Action)> {
    let usual = rng.within(4..=24);
    let rough = if rng.percent(25) { 0 } else { rng.within(1..=4) };
    let mut table = Vec::new();
    for _ in 0..usual {
        let from: &[Action] = if rng.percent(80) { &USUAL } else { &OF_THE_DESKTOP };
        let at = rng.span(Duration::ZERO, until);
        table.extend(rng.choose(from).map(|action| (at, *action)));
    }
    for _ in 0..rough {
        let at = rng.span(Duration::ZERO, until);
        table.extend(rng.choose(&ROUGH).map(|action| (at, *action)));
    }
    table.sort_by_key(|(at, _)| *at);
    table
}

/// Something rough that happens just after a certain step of an app, to hit what takes no time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ambush {
    /// After how many steps.
    pub(super) steps: u64,
    /// How long after that.
    pub(super) after: Duration,
    pub(super) action: Action,
}

pub(super) fn ambush(rng: &mut Rng) -> Option<Ambush> {
    if rng.percent(50) {
        return None;
    }
    let magnitude = rng.within(0..=16);
    Some(Ambush {
        steps: rng.within(1..=24),
        after: Duration::from_micros(rng.within(0..=(1 << magnitude))),
        action: *rng.choose(&ROUGH)?,
    })
}
