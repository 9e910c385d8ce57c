//! What callbacks may do, and when the last one has come.

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, OnceLock};

use flipper_conformance::{PATIENCE, Result};
use flipper_ffi::*;
use serde_json::json;

use crate::rig::{App, Freed, LONG, Place, Plugin, config, end, read, text};

/// What to do in a callback, once.
type Deed = Arc<Mutex<Option<Box<dyn FnOnce(App) + Send>>>>;

/// A plugin that does something in one of its callbacks.
fn doer(moment: &'static str, app: &Arc<OnceLock<App>>, deed: impl FnOnce(App) + Send + 'static) -> Plugin {
    let deed: Deed = Arc::new(Mutex::new(Some(Box::new(deed))));
    let app = Arc::clone(app);
    let act = move |now: &str| {
        if now == moment
            && let Some(deed) = deed.lock().unwrap().take()
        {
            deed(*app.wait());
        }
    };
    let (connect, disconnect, has, call) = (act.clone(), act.clone(), act.clone(), act);
    Plugin {
        on_connect: Box::new(move || connect("connect")),
        on_disconnect: Box::new(move || disconnect("disconnect")),
        has_method: Box::new(move |_| {
            has("has_method");
            true
        }),
        on_call: Box::new(move |got| {
            call("call");
            let _ended = got.respond("{}");
        }),
        freed: Freed::default(),
    }
}

const MOMENTS: [&str; 4] = ["connect", "has_method", "call", "disconnect"];

/// An app whose plugin `Mine` does something in a callback, which has come.
fn come_to(
    moment: &'static str,
    place: &Place,
    deed: impl FnOnce(App) + Send + 'static,
) -> Result<(App, flipper_conformance::scripted::Session, Freed)> {
    let own = Arc::new(OnceLock::new());
    let (tells, told) = channel();
    let plugin = doer(moment, &own, move |app| {
        deed(app);
        tells.send(()).unwrap();
    });
    let freed = plugin.freed.clone();
    let app = App::new(&place.config());
    assert!(own.set(app).is_ok());
    assert_eq!(app.add("Mine", plugin), FlipperResult::Ok);
    assert_eq!(app.start(), FlipperResult::Ok);
    let mut session = place.desktop.session()?;
    session.init("Mine")?;
    session.call(1, "Mine", "m", "{}")?;
    session.send(&json!({"method": "deinit", "params": {"plugin": "Mine"}}))?;
    told.recv_timeout(PATIENCE)?;
    Ok((app, session, freed))
}

#[test]
fn a_callback_may_free_its_own_app() -> Result {
    for moment in MOMENTS {
        let place = Place::new()?;

        let (_freed_app, session, freed) = come_to(moment, &place, App::free)?;

        session.wait_gone();
        freed.wait();
        assert_eq!(freed.count(), 1, "{moment}");
    }
    Ok(())
}

#[test]
fn a_callback_may_stop_its_own_app_but_not_wait_for_that() -> Result {
    for moment in MOMENTS {
        let place = Place::new()?;
        let (tells, told) = channel();

        let (app, session, freed) = come_to(moment, &place, move |app| {
            tells.send((app.stop(), app.wait_stopped(FLIPPER_NEVER))).unwrap();
        })?;

        let expected = (FlipperResult::Ok, FlipperResult::InCallback);
        assert_eq!(told.recv_timeout(PATIENCE)?, expected, "{moment}");
        session.wait_gone();
        assert_eq!(app.wait_stopped(LONG), FlipperResult::Ok);
        assert_eq!(freed.count(), 0, "it may still be asked for");
        app.free();
        assert_eq!(freed.count(), 1, "{moment}");
    }
    Ok(())
}

#[test]
fn a_callback_may_add_send_and_remove_its_own_plugin() -> Result {
    for moment in MOMENTS {
        let place = Place::new()?;
        let (tells, told) = channel();

        let (app, session, freed) = come_to(moment, &place, move |app| {
            let late = Freed::default();
            let plugin = Plugin { freed: late.clone(), ..Plugin::default() };
            let results = [
                app.add("Late", plugin),
                app.add("Late", Plugin::default()),
                app.send("Late", "early", "[]"),
                app.send("Mine", "last", "[]"),
                app.remove("Mine"),
                app.remove("Mine"),
                app.send("Mine", "too late", "[]"),
            ];
            tells.send((results, late)).unwrap();
        })?;

        let (results, late) = told.recv_timeout(PATIENCE)?;
        use FlipperResult::{DuplicatePlugin, Ok as Fine, UnknownPlugin};
        let expected = [Fine, DuplicatePlugin, Fine, Fine, Fine, UnknownPlugin, UnknownPlugin];
        assert_eq!(results, expected, "{moment}");
        // Its last callback has come, and the app goes on.
        freed.wait();
        assert_eq!(app.events("Late"), (1, 0));
        assert_eq!(app.stop(), FlipperResult::Ok);
        session.wait_gone();
        assert_eq!(app.wait_stopped(LONG), FlipperResult::Ok);
        app.free();
        assert_eq!((freed.count(), late.count()), (1, 1), "{moment}");
    }
    Ok(())
}

#[test]
fn a_plugin_may_do_nothing_at_all() -> Result {
    let place = Place::new()?;
    // SAFETY: C zeroes it, too.
    let mut nothing: FlipperPluginCallbacks = unsafe { std::mem::zeroed() };
    nothing.size = size_of::<FlipperPluginCallbacks>();
    let app = App::new(&place.config());
    assert_eq!(app.add_as("Nothing", &nothing), FlipperResult::Ok);
    // One that an earlier version of the header has, and one that says yes to all methods.
    let oldest = FlipperPluginCallbacks { size: 2 * size_of::<usize>(), ..Plugin::default().callbacks() };
    assert_eq!(app.add_as("Oldest", &oldest), FlipperResult::Ok);
    // SAFETY: it is of no use for that version, which has no callbacks that get it.
    drop(unsafe { Box::from_raw(oldest.user.cast::<Plugin>()) });
    assert_eq!(
        app.add_as("All", &FlipperPluginCallbacks { has_method: None, ..Plugin::default().callbacks() }),
        FlipperResult::Ok
    );

    let mut session = place.start(app, "Nothing")?;
    session.init("Oldest")?;
    session.init("All")?;
    for (plugin, is_there) in [("Nothing", false), ("Oldest", false), ("All", true)] {
        session.call(1, plugin, "m", r#"{"a":1}"#)?;
        assert_eq!(session.receive()?["success"] == json!({"a": 1}), is_there, "{plugin}");
    }
    end(app, session)
}

#[test]
fn a_user_is_freed_once_however_it_ends() -> Result {
    let place = Place::new()?;
    let plugin = |freed: &Freed| Plugin { freed: freed.clone(), ..Plugin::default() };
    let [refused, removed, unstarted] = [(); 3].map(|()| Freed::default());
    let app = App::new(&place.config());
    assert_eq!(app.add("A", plugin(&unstarted)), FlipperResult::Ok);
    assert_eq!(app.add("A", plugin(&refused)), FlipperResult::DuplicatePlugin);
    assert_eq!(app.add("B", plugin(&removed)), FlipperResult::Ok);
    assert_eq!(app.remove("B"), FlipperResult::Ok);
    assert_eq!((refused.count(), removed.count(), unstarted.count()), (0, 1, 0));
    app.free();
    assert_eq!((refused.count(), removed.count(), unstarted.count()), (0, 1, 1));

    // Added when it is over, and freed while a session goes on.
    let [late, connected] = [(); 2].map(|()| Freed::default());
    let app = App::new(&place.config());
    assert_eq!(app.add("A", plugin(&connected)), FlipperResult::Ok);
    let session = place.start(app, "A")?;
    assert_eq!(app.stop(), FlipperResult::Ok);
    assert_eq!(app.add("Late", plugin(&late)), FlipperResult::Ok);
    app.free();
    session.wait_gone();
    connected.wait();
    late.wait();
    assert_eq!((connected.count(), late.count()), (1, 1));
    Ok(())
}

/// What an observer was told.
struct Seen {
    notices: Mutex<Vec<(u32, String)>>,
    app: OnceLock<App>,
    freed: Freed,
}

unsafe extern "C" fn observe(user: *mut c_void, event: *const FlipperEvent) {
    // SAFETY: it is the test's, and the event is good for now.
    let seen = unsafe { &*user.cast::<Seen>() };
    let mut shown = FlipperStr { ptr: std::ptr::null(), len: 0 };
    // SAFETY: as above.
    let result = unsafe { flipper_event_text(event, FlipperEventField::Text as u32, &mut shown) };
    assert_eq!(result, FlipperResult::Ok);
    // SAFETY: as above.
    let kind = unsafe { flipper_event_kind_of(event) };
    seen.notices.lock().unwrap().push((kind, read(shown).unwrap().to_owned()));
    if kind == FlipperEventKind::Misbehaved as u32 {
        seen.app.wait().free();
    }
}

unsafe extern "C" fn free_seen(user: *mut c_void) {
    // SAFETY: as above.
    unsafe { &*user.cast::<Seen>() }.freed.tell();
}

#[test]
fn an_observer_is_told_everything_and_may_free_its_app() -> Result {
    let place = Place::new()?;
    let seen = Seen { notices: Mutex::default(), app: OnceLock::new(), freed: Freed::default() };
    let observed = FlipperAppConfig {
        on_event: Some(observe),
        user: (&raw const seen).cast_mut().cast(),
        free_user: Some(free_seen),
        ..place.config()
    };
    // A config that is refused leaves its user alone.
    let mut refused = null_mut();
    let nameless = FlipperAppConfig { app: text(""), ..observed };
    // SAFETY: both are what they should be.
    assert_eq!(unsafe { flipper_app_new(&nameless, &mut refused) }, FlipperResult::NoName);
    assert_eq!(seen.freed.count(), 0);

    let app = App::new(&observed);
    assert!(seen.app.set(app).is_ok());
    assert_eq!(app.add("Mine", Plugin::default()), FlipperResult::Ok);
    let mut session = place.start(app, "Mine")?;
    session.send_text("no JSON")?;
    session.wait_gone();
    seen.freed.wait();

    let notices = seen.notices.lock().unwrap();
    let told = |kind: FlipperEventKind, shown: &str| {
        notices.iter().any(|notice| notice.0 == kind as u32 && notice.1.starts_with(shown))
    };
    assert!(told(FlipperEventKind::State, "connected"), "{notices:?}");
    assert!(told(FlipperEventKind::Step, "found stored credentials"), "{notices:?}");
    assert!(told(FlipperEventKind::Misbehaved, ""), "{notices:?}");
    assert_eq!(notices.last().unwrap(), &(FlipperEventKind::State as u32, "stopped".to_owned()));
    assert_eq!(seen.freed.count(), 1);
    // Nobody observes one that has no observer, whatever it has for a user.
    let unobserved = Freed::default();
    let seen = Seen { notices: Mutex::default(), app: OnceLock::new(), freed: unobserved.clone() };
    let user = (&raw const seen).cast_mut().cast();
    App::new(&FlipperAppConfig {
        app: text("a"),
        app_id: text("b"),
        directory: text("c"),
        user,
        free_user: Some(free_seen),
        ..config()
    })
    .free();
    assert_eq!(unobserved.count(), 1);
    Ok(())
}
