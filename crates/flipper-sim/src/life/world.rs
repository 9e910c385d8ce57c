//! The apps and the desktop of a life, and what can be done to them.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use flipper_proto::ClientId;

use super::app::App;
use super::authority::Source;
use super::desk::{Desk, Wish};
use super::disk;
use super::ledger::Ledger;
use super::script::Action;
use crate::rng::Rng;
use crate::runtime::SimRuntime;
use crate::tally::tally;
use crate::{Calendar, Sim};

/// The longest that a handler of a plugin takes.
pub(super) const LONGEST_HANDLER: Duration = Duration::from_secs(20);

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = HOUR.saturating_mul(24);

/// Everything that lives.
pub(super) struct World<'a> {
    pub(super) sim: &'a Sim,
    /// Whoever does all this.
    pub(super) script: SimRuntime,
    pub(super) ledger: Ledger,
    pub(super) apps: Vec<RefCell<App>>,
    pub(super) desk: RefCell<Option<Desk>>,
    pub(super) desk_calendar: Calendar,
    pub(super) authority: Source,
    /// From when on everything has to go well.
    pub(super) until: Duration,
    rng: RefCell<Rng>,
    calls: Cell<u64>,
    /// Now and then something is large.
    large: bool,
    /// Something is under way that must not happen twice at once.
    busy: Cell<bool>,
    /// The faults have ceased.
    pub(super) well: Cell<bool>,
    /// Stored credentials may be of no use.
    pub(super) credentials_shaken: Cell<bool>,
    pub(super) done: Cell<Done>,
}

tally! {
    /// How often what was done.
    pub struct Done {
        /// Apps that stopped and started again.
        app_restarts,
        /// Apps that crashed.
        app_crashes,
        /// Desktops that stopped and started again.
        desktop_restarts,
        /// Desktops that crashed.
        desktop_crashes,
        /// Desktops that were replaced by one with another certificate authority.
        desktop_replacements,
        /// Processes that were stopped for a while.
        freezes,
        /// Calendars that jumped or were wrong.
        clock_jumps,
        /// Accesses to a disk that failed.
        disk_errors,
        /// Files that somebody emptied or removed.
        damaged_files,
    }
}

impl<'a> World<'a> {
    pub(super) fn new(sim: &'a Sim, rng: &mut Rng, until: Duration, large: bool) -> Result<Self, String> {
        let desk_calendar = sim.calendar();
        let authority = Source::new(&desk_calendar, rng)?;
        let apps = (0..if rng.percent(15) { 2 } else { 1 }).map(|number| App::new(sim, number, rng).map(RefCell::new));
        let apps = apps.collect::<Result<_, _>>()?;
        Ok(Self {
            sim,
            script: sim.process("script"),
            ledger: Ledger::default(),
            apps,
            desk: RefCell::new(None),
            desk_calendar,
            authority,
            until,
            large,
            rng: RefCell::new(rng.fork()),
            calls: Cell::new(0),
            busy: Cell::new(false),
            well: Cell::new(false),
            credentials_shaken: Cell::new(false),
            done: Cell::new(Done::default()),
        })
    }

    pub(super) async fn act(&self, action: Action) {
        match action {
            Action::Send => self.send(),
            Action::Call => self.call(),
            Action::AddPlugin => {
                let id = format!("P{}", self.draw(0..=4));
                self.any_app().borrow_mut().add_plugin(&id, &self.ledger);
            }
            Action::RemovePlugin => {
                let id = format!("P{}", self.draw(0..=4));
                if let Some(running) = &mut self.any_app().borrow_mut().running {
                    running.remove_plugin(&id, &self.ledger);
                }
            }
            Action::Init | Action::Deinit | Action::Disconnect => self.of_the_desktop(action),
            Action::RestartApp => self.restart_app(false).await,
            Action::KillApp => self.restart_app(true).await,
            Action::FreezeApp => {
                let runtime = self.any_app().borrow().running.as_ref().map(|running| running.runtime.clone());
                self.freeze(runtime).await;
            }
            Action::FreezeDesktop => {
                let runtime = self.desk.borrow().as_ref().map(|desk| desk.runtime.clone());
                self.freeze(runtime).await;
            }
            Action::RestartDesktop | Action::KillDesktop | Action::ReplaceDesktop => self.restart_desktop(action).await,
            Action::TimeJump => self.jump(),
            Action::WrongClock => self.wrong_clock().await,
            Action::BadDisk => self.bad_disk(),
            Action::Damage => self.damage(),
        }
    }

    // --- What goes on all the time ---

    fn send(&self) {
        let (id, count) = (format!("P{}", self.draw(0..=4)), self.draw(1..=30));
        let bytes = self.size();
        let count = if bytes > 10_000 { 1 + count / 10 } else { count };
        let app = self.any_app().borrow();
        self.script.note(format_args!("{count} events of {bytes} B of {} {id}", app.name));
        app.send(&id, count, bytes, &self.ledger);
    }

    fn call(&self) {
        let wish = Wish::any(&mut self.rng.borrow_mut(), 0);
        let wish = match wish {
            Wish::Echo { .. } => Wish::Echo { bytes: self.size() },
            Wish::Fill { .. } => Wish::Fill { bytes: self.size() },
            other => other,
        };
        let Some(desk) = self.desk.borrow().clone() else { return };
        let Some(client) = desk.clients_of(&self.any_app().borrow().name).pop() else { return };
        let id = format!("P{}", self.draw(0..=4));
        desk.call(&self.script, self.next_call(), client.id, &id, wish, false);
    }

    pub(super) fn next_call(&self) -> u64 {
        self.calls.set(self.calls.get() + 1);
        self.calls.get()
    }

    fn of_the_desktop(&self, action: Action) {
        let Some(desk) = self.desk.borrow().clone() else { return };
        let app = self.any_app();
        let Some(client) = desk.clients_of(&app.borrow().name).pop() else { return };
        let id = format!("P{}", self.draw(0..=4));
        self.script.note(format_args!("{action:?} {} {id}", client.id));
        // The client may just be leaving.
        let _gone = match action {
            Action::Init => desk.desktop.init_plugin(&client.id, &id),
            Action::Deinit => {
                // Who leaves a plugin may do so, whether it is one of the background or not.
                if let Some(running) = &mut app.borrow_mut().running {
                    running.background.remove(&id);
                    running.left.insert(id.clone());
                }
                desk.desktop.deinit_plugin(&client.id, &id)
            }
            _ => desk.desktop.disconnect(&client.id),
        };
    }

    /// A size in bytes: mostly small.
    fn size(&self) -> usize {
        let magnitude = match self.draw(0..=99) {
            0..=84 => 7,
            85..=97 => 14,
            _ if self.large => 22,
            _ => 17,
        };
        usize::try_from(self.draw(0..=(1 << magnitude))).unwrap_or(0)
    }

    // --- What is rough ---

    async fn restart_app(&self, kill: bool) {
        let app = self.any_app();
        let Some(running) = app.borrow_mut().running.take() else { return };
        if kill || !running.flipper.status().is_connected() {
            app.borrow_mut().cut_short += 1;
        }
        if kill {
            running.close_all(&self.ledger);
            running.runtime.kill();
            self.did(|done| done.app_crashes += 1);
        } else {
            running.runtime.note(format_args!("stops"));
            running.flipper.stop().await;
            running.close_all(&self.ledger);
            self.expect_no_tasks(&running.runtime).await;
            self.did(|done| done.app_restarts += 1);
        }
        drop(running);
        self.pause().await;
        self.start_app(app);
    }

    /// Starts an app that does not run.
    pub(super) fn start_app(&self, app: &RefCell<App>) {
        let mut app = app.borrow_mut();
        if app.running.is_none()
            && let Err(error) = app.start(self.sim, &self.ledger)
        {
            self.ledger.wrong(format_args!("{} does not start: {error}", app.name));
        }
    }

    async fn restart_desktop(&self, action: Action) {
        if self.busy.replace(true) {
            return;
        }
        self.stop_desktop(action == Action::KillDesktop).await;
        if action == Action::ReplaceDesktop {
            if let Err(error) = self.authority.replace() {
                self.ledger.wrong(error);
            }
            self.did(|done| done.desktop_replacements += 1);
        }
        // Its certificate may have been delivered, and its answer not.
        self.credentials_shaken.set(true);
        self.pause().await;
        self.start_desktop().await;
        self.busy.set(false);
    }

    pub(super) async fn stop_desktop(&self, kill: bool) {
        let Some(desk) = self.desk.borrow_mut().take() else { return };
        if kill {
            desk.runtime.kill();
            self.did(|done| done.desktop_crashes += 1);
        } else {
            desk.runtime.note(format_args!("stops"));
            desk.desktop.stop().await;
            self.expect_no_tasks(&desk.runtime).await;
            self.did(|done| done.desktop_restarts += 1);
        }
    }

    pub(super) async fn start_desktop_if_none(&self) {
        if self.desk.borrow().is_none() && !self.busy.replace(true) {
            self.start_desktop().await;
            self.busy.set(false);
        }
    }

    async fn start_desktop(&self) {
        let authority = match self.authority.open() {
            Ok(authority) => authority,
            // Its disk is bad at present; somebody will try again.
            Err(error) if !self.well.get() => {
                self.script.note(format_args!("the desktop has no authority: {:?}", error.kind()));
                return;
            }
            Err(error) => return self.ledger.wrong(format_args!("the desktop has no authority: {error}")),
        };
        match Desk::start(self.sim, &self.script, &self.desk_calendar, &authority, &self.ledger).await {
            Ok(desk) => *self.desk.borrow_mut() = Some(desk),
            Err(error) => self.ledger.wrong(format_args!("the desktop does not start: {error}")),
        }
    }

    fn bad_disk(&self) {
        let (good, bad) = (self.draw(0..=60), self.draw(1..=8));
        self.credentials_shaken.set(true);
        let of_desktop = self.draw(0..=3) == 0;
        let app = self.any_app().borrow();
        let (whose, disk) = if of_desktop { ("the desktop", &self.authority.disk) } else { (&*app.name, &app.disk) };
        self.script.note(format_args!("the disk of {whose} will fail {bad} times after {good} accesses"));
        disk.fail(good, bad);
    }

    fn damage(&self) {
        self.credentials_shaken.set(true);
        let of_desktop = self.draw(0..=3) == 0;
        let mut rng = self.rng.borrow_mut().fork();
        let mut app = self.any_app().borrow_mut();
        let home = if of_desktop { self.authority.directory() } else { Some(app.home.path()) };
        // What every app pins is not replaced by anybody but a person.
        let Some(what) = home.and_then(|home| disk::damage(home, &["ca.key"], &mut rng)) else { return };
        self.script.note(format_args!("somebody {what}, desktop: {of_desktop}"));
        app.damages += u64::from(!of_desktop);
        self.did(|done| done.damaged_files += 1);
    }

    async fn freeze(&self, runtime: Option<SimRuntime>) {
        let Some(runtime) = runtime else { return };
        self.did(|done| done.freezes += 1);
        runtime.freeze();
        let span = Duration::from_millis(self.draw(1..=60_000)).min(self.left());
        self.script.sleep(span).await;
        runtime.thaw();
    }

    /// Months pass while everybody sleeps.
    fn jump(&self) {
        let days = [1, 31, 100, 400][self.rng.borrow_mut().below(4)];
        self.script.note(format_args!("{days} days pass"));
        self.did(|done| done.clock_jumps += 1);
        self.credentials_shaken.set(true);
        let by = DAY.saturating_mul(days);
        self.desk_calendar.set_forward(by);
        for app in &self.apps {
            app.borrow().calendar.set_forward(by);
        }
    }

    /// One of the calendars is wrong for a while: the desktop's, or an app's.
    async fn wrong_clock(&self) {
        let of_desktop = self.draw(0..=2) == 0;
        let calendar = if of_desktop { self.desk_calendar.clone() } else { self.any_app().borrow().calendar.clone() };
        let by = HOUR.saturating_mul([1, 30, 24 * 40, 24 * 400][self.rng.borrow_mut().below(4)]);
        let forward = self.draw(0..=1) == 0;
        self.did(|done| done.clock_jumps += 1);
        self.credentials_shaken.set(true);
        let whose = if of_desktop { "desktop" } else { "app" };
        self.script.note(format_args!("the clock of the {whose} is wrong by {by:?}, forward: {forward}"));
        if forward {
            calendar.set_forward(by)
        } else {
            calendar.set_back(by)
        }
        let span = Duration::from_millis(self.draw(1..=30_000)).min(self.left());
        self.script.sleep(span).await;
        if forward {
            calendar.set_back(by)
        } else {
            calendar.set_forward(by)
        }
        self.script.note(format_args!("the clock is right again"));
    }

    // --- On the way ---

    /// A delivery that is under way comes to its end; an app's own handlers take as long as they like.
    pub(super) async fn expect_no_tasks(&self, runtime: &SimRuntime) {
        for _ in 0..100 {
            if runtime.tasks() == 0 {
                return;
            }
            self.script.sleep(LONGEST_HANDLER / 100).await;
        }
        if runtime.tasks() > 0 {
            self.ledger.wrong(format_args!("{} has {} tasks after its end", runtime.name(), runtime.tasks()));
        }
    }

    /// How long it is until everything has to go well.
    fn left(&self) -> Duration {
        self.until.saturating_sub(self.sim.now())
    }

    async fn pause(&self) {
        let magnitude = self.draw(0..=13);
        let span = Duration::from_millis(self.draw(0..=(1 << magnitude))).min(self.left());
        self.script.sleep(span).await;
    }

    fn any_app(&self) -> &RefCell<App> {
        let number = self.rng.borrow_mut().below(self.apps.len());
        &self.apps[number]
    }

    pub(super) fn draw(&self, range: std::ops::RangeInclusive<u64>) -> u64 {
        self.rng.borrow_mut().within(range)
    }

    fn did(&self, count: impl FnOnce(&mut Done)) {
        let mut done = self.done.get();
        count(&mut done);
        self.done.set(done);
    }
}

/// The one client that an app should be.
pub(super) fn only<'c>(clients: &'c [flipper_desktop::Client], app: &str) -> Result<&'c ClientId, String> {
    match clients {
        [client] => Ok(&client.id),
        others => Err(format!("the desktop has {} clients that are {app}", others.len())),
    }
}
