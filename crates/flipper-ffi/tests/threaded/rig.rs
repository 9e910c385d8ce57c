//! An app as C has it: through the extern functions, with callbacks that end up in closures.

use std::ffi::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use flipper_conformance::scripted::{APP_ID, Desktop, Port, Session};
use flipper_conformance::{PATIENCE, Result};
use flipper_ffi::*;
use tempfile::TempDir;

/// As long as the tests' patience, in milliseconds.
pub(crate) const LONG: u64 = PATIENCE.as_millis() as u64;

pub(crate) fn text(text: &str) -> FlipperStr {
    FlipperStr { ptr: text.as_ptr().cast(), len: text.len() }
}

pub(crate) fn read<'a>(text: FlipperStr) -> Option<&'a str> {
    // SAFETY: the library's texts are good for their lengths.
    (!text.ptr.is_null()).then(|| str::from_utf8(unsafe { slice::from_raw_parts(text.ptr.cast(), text.len) }).unwrap())
}

/// A handle of an app. Whoever copies it promises that nobody uses it after it was freed.
#[derive(Clone, Copy)]
pub(crate) struct App(pub(crate) *mut FlipperApp);

// SAFETY: that is what the header says of the functions.
unsafe impl Send for App {}
// SAFETY: as above.
unsafe impl Sync for App {}

impl App {
    pub(crate) fn new(config: &FlipperAppConfig) -> Self {
        let mut app = null_mut();
        // SAFETY: both are what they should be.
        assert_eq!(unsafe { flipper_app_new(config, &mut app) }, FlipperResult::Ok);
        Self(app)
    }

    pub(crate) fn start(self) -> FlipperResult {
        // SAFETY: it was not freed, here and in what follows.
        unsafe { flipper_app_start(self.0) }
    }

    pub(crate) fn stop(self) -> FlipperResult {
        // SAFETY: as above.
        unsafe { flipper_app_stop(self.0) }
    }

    pub(crate) fn free(self) {
        // SAFETY: as above.
        unsafe { flipper_app_free(self.0) };
    }

    pub(crate) fn wait_connected(self, ms: u64) -> FlipperResult {
        // SAFETY: as above.
        unsafe { flipper_app_wait_connected(self.0, ms) }
    }

    pub(crate) fn wait_stopped(self, ms: u64) -> FlipperResult {
        // SAFETY: as above.
        unsafe { flipper_app_wait_stopped(self.0, ms) }
    }

    pub(crate) fn add(self, id: &str, plugin: Plugin) -> FlipperResult {
        let callbacks = plugin.callbacks();
        let result = self.add_as(id, &callbacks);
        if result != FlipperResult::Ok {
            // SAFETY: it was made above, and is still ours.
            drop(unsafe { Box::from_raw(callbacks.user.cast::<Plugin>()) });
        }
        result
    }

    pub(crate) fn add_as(self, id: &str, callbacks: &FlipperPluginCallbacks) -> FlipperResult {
        let id = text(id);
        // SAFETY: as above; the record is as it should be.
        unsafe { flipper_app_add_plugin(self.0, id.ptr, id.len, 1, callbacks) }
    }

    pub(crate) fn remove(self, id: &str) -> FlipperResult {
        let id = text(id);
        // SAFETY: as above.
        unsafe { flipper_app_remove_plugin(self.0, id.ptr, id.len) }
    }

    pub(crate) fn send(self, plugin: &str, method: &str, params: &str) -> FlipperResult {
        let (plugin, method, params) = (text(plugin), text(method), text(params));
        // SAFETY: as above.
        unsafe { flipper_app_send(self.0, plugin.ptr, plugin.len, method.ptr, method.len, params.ptr, params.len) }
    }

    pub(crate) fn report(self, message: &str) -> FlipperResult {
        let message = text(message);
        // SAFETY: as above.
        unsafe { flipper_app_report_error(self.0, message.ptr, message.len, null(), 0, null(), 0) }
    }

    pub(crate) fn state(self) -> u32 {
        let mut state = 0;
        // SAFETY: as above.
        assert_eq!(unsafe { flipper_app_state(self.0, &mut state) }, FlipperResult::Ok);
        state
    }

    /// As far as it fits.
    pub(crate) fn failure(self, capacity: usize) -> (FlipperResult, String, usize) {
        let (mut buffer, mut length) = (vec![0x55_u8; capacity], 0);
        // SAFETY: as above; the buffer is as large as it is said to be.
        let result = unsafe { flipper_app_last_failure(self.0, buffer.as_mut_ptr().cast(), capacity, &mut length) };
        buffer.truncate(buffer.iter().position(|byte| *byte == 0).unwrap_or(0));
        (result, String::from_utf8(buffer).unwrap(), length)
    }

    pub(crate) fn counter(self, counter: FlipperCounter) -> u64 {
        let mut count = 0;
        // SAFETY: as above.
        assert_eq!(unsafe { flipper_app_counter(self.0, counter as u32, &mut count) }, FlipperResult::Ok);
        count
    }

    /// How many events wait, and how many were dropped.
    pub(crate) fn events(self, plugin: &str) -> (u64, u64) {
        let (plugin, mut waiting, mut dropped) = (text(plugin), 0, 0);
        // SAFETY: as above.
        unsafe {
            assert_eq!(flipper_app_waiting(self.0, plugin.ptr, plugin.len, &mut waiting), FlipperResult::Ok);
            assert_eq!(flipper_app_dropped(self.0, plugin.ptr, plugin.len, &mut dropped), FlipperResult::Ok);
        }
        (waiting, dropped)
    }
}

/// A call, which is freed when it is dropped.
pub(crate) struct Call(pub(crate) *mut FlipperCall);

// SAFETY: that is what the header says of the functions.
unsafe impl Send for Call {}
// SAFETY: as above.
unsafe impl Sync for Call {}

impl Call {
    pub(crate) fn method(&self) -> &str {
        // SAFETY: it is freed only when this is dropped, here and in what follows.
        read(unsafe { flipper_call_method(self.0) }).unwrap()
    }

    pub(crate) fn params(&self) -> Option<&str> {
        // SAFETY: as above.
        read(unsafe { flipper_call_params(self.0) })
    }

    pub(crate) fn respond(&self, json: &str) -> FlipperResult {
        let json = text(json);
        // SAFETY: as above.
        unsafe { flipper_call_respond(self.0, json.ptr, json.len) }
    }

    pub(crate) fn respond_error(&self, json: &str) -> FlipperResult {
        let json = text(json);
        // SAFETY: as above.
        unsafe { flipper_call_respond_error(self.0, json.ptr, json.len) }
    }

    pub(crate) fn fail(&self, message: &str, name: &str) -> FlipperResult {
        let (message, name) = (text(message), text(name));
        // SAFETY: as above.
        unsafe { flipper_call_fail(self.0, message.ptr, message.len, name.ptr, name.len) }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // SAFETY: nobody uses it any more.
        unsafe { flipper_call_free(self.0) };
    }
}

/// What a plugin does, and who is told when its `user` is freed.
pub(crate) struct Plugin {
    pub(crate) on_connect: Box<dyn Fn() + Send + Sync>,
    pub(crate) on_disconnect: Box<dyn Fn() + Send + Sync>,
    pub(crate) has_method: Box<dyn Fn(&str) -> bool + Send + Sync>,
    pub(crate) on_call: Box<dyn Fn(Call) + Send + Sync>,
    pub(crate) freed: Freed,
}

impl Default for Plugin {
    /// Echoes whatever is called.
    fn default() -> Self {
        Self {
            on_connect: Box::new(|| {}),
            on_disconnect: Box::new(|| {}),
            has_method: Box::new(|_| true),
            on_call: Box::new(|call| {
                let _ended = call.respond(call.params().unwrap_or("{}"));
            }),
            freed: Freed::default(),
        }
    }
}

impl Plugin {
    pub(crate) fn callbacks(self) -> FlipperPluginCallbacks {
        FlipperPluginCallbacks {
            size: size_of::<FlipperPluginCallbacks>(),
            user: Box::into_raw(Box::new(self)).cast(),
            on_connect: Some(on_connect),
            on_disconnect: Some(on_disconnect),
            has_method: Some(has_method),
            on_call: Some(on_call),
            free_user: Some(free_plugin),
        }
    }

    /// # Safety
    /// It is the `user` of [`callbacks`](Self::callbacks).
    unsafe fn of<'a>(user: *mut c_void) -> &'a Self {
        // SAFETY: the caller's promise.
        unsafe { &*user.cast::<Self>() }
    }
}

unsafe extern "C" fn on_connect(user: *mut c_void) {
    // SAFETY: the library gives back what it was given, here and in what follows.
    (unsafe { Plugin::of(user) }.on_connect)();
}

unsafe extern "C" fn on_disconnect(user: *mut c_void) {
    // SAFETY: as above.
    (unsafe { Plugin::of(user) }.on_disconnect)();
}

unsafe extern "C" fn has_method(user: *mut c_void, method: *const c_char, len: usize) -> c_int {
    // SAFETY: as above.
    (unsafe { Plugin::of(user) }.has_method)(read(FlipperStr { ptr: method, len }).unwrap()).into()
}

unsafe extern "C" fn on_call(user: *mut c_void, call: *mut FlipperCall) {
    // SAFETY: as above.
    (unsafe { Plugin::of(user) }.on_call)(Call(call));
}

unsafe extern "C" fn free_plugin(user: *mut c_void) {
    // SAFETY: as above, and this is the last time.
    let plugin = unsafe { Box::from_raw(user.cast::<Plugin>()) };
    plugin.freed.tell();
}

/// Counts how often a `user` was freed.
#[derive(Clone)]
pub(crate) struct Freed {
    count: Arc<AtomicUsize>,
    tells: Sender<()>,
    told: Arc<std::sync::Mutex<Receiver<()>>>,
}

impl Default for Freed {
    fn default() -> Self {
        let (tells, told) = channel();
        Self { count: Arc::default(), tells, told: Arc::new(told.into()) }
    }
}

impl Freed {
    pub(crate) fn tell(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        self.tells.send(()).unwrap();
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Waits until it is freed.
    pub(crate) fn wait(&self) {
        self.told.lock().unwrap().recv_timeout(PATIENCE).expect("it is not freed");
    }
}

/// A desktop that does what the test says, and a directory with certificates of it.
pub(crate) struct Place {
    pub(crate) desktop: Desktop,
    pub(crate) dir: TempDir,
}

impl Place {
    pub(crate) fn new() -> Result<Self> {
        let place = Self { desktop: Desktop::new()?, dir: TempDir::new()? };
        place.desktop.provision(place.dir.path())?;
        Ok(place)
    }

    /// The settings of an app that belongs here. They borrow from this.
    pub(crate) fn config(&self) -> FlipperAppConfig {
        FlipperAppConfig {
            app: text("C App"),
            app_id: text(APP_ID),
            host: text("127.0.0.1"),
            directory: text(self.dir.path().to_str().unwrap()),
            insecure_port: self.desktop.address(Port::Insecure).port(),
            secure_port: self.desktop.address(Port::Secure).port(),
            backoff_first_ms: 10,
            backoff_ceiling_ms: 20,
            ..config()
        }
    }

    /// An app that has started with one plugin, which the desktop has initialised.
    pub(crate) fn connect(&self, id: &str, plugin: Plugin) -> Result<(App, Session)> {
        let app = App::new(&self.config());
        assert_eq!(app.add(id, plugin), FlipperResult::Ok);
        Ok((app, self.start(app, id)?))
    }

    pub(crate) fn start(&self, app: App, id: &str) -> Result<Session> {
        assert_eq!(app.start(), FlipperResult::Ok);
        let mut session = self.desktop.session()?;
        session.init(id)?;
        session.assert_answers()?;
        Ok(session)
    }
}

/// Settings with nothing but a size.
pub(crate) fn config() -> FlipperAppConfig {
    // SAFETY: C zeroes it, too.
    let mut config: FlipperAppConfig = unsafe { std::mem::zeroed() };
    config.size = size_of::<FlipperAppConfig>();
    config
}

/// Stops an app, which says goodbye, and frees it once it has ended.
pub(crate) fn end(app: App, session: Session) -> Result {
    assert_eq!(app.stop(), FlipperResult::Ok);
    assert_eq!(session.wait_closed()?, 1000);
    assert_eq!(app.wait_stopped(LONG), FlipperResult::Ok);
    app.free();
    Ok(())
}
