//! A program that calls whatever it is told to.

use std::collections::VecDeque;
use std::ptr::null_mut;
use std::slice;

use flipper_ffi::*;

use super::app::App;
use super::calls::{Call, Function, NO_HANDLE, NO_POLLS};
use super::given::{Given, read_words};

/// More than this is never polled in a row.
const POLLS: usize = 1_000_000;

/// Fields from 0 to here; those of both state machines are among them.
const FIELDS: u32 = 100;

/// So many actions and events are kept, to be read and freed later.
const KEPT: usize = 4;

/// The handles of a program, each there or not, and its clock, which does not go back.
pub(super) struct Program {
    pub(super) client: *mut FlipperClient,
    pub(super) desktop: *mut FlipperDesktop,
    pub(super) app: App,
    pub(super) actions: VecDeque<*mut FlipperAction>,
    pub(super) events: VecDeque<*mut FlipperEvent>,
    pub(super) now: u64,
    /// The id of the client that came last.
    last_client: Vec<u8>,
}

/// Makes all of `calls`, then frees what is left.
pub fn run(calls: &[Call]) {
    let mut program = Program {
        client: null_mut(),
        desktop: null_mut(),
        app: App::none(),
        actions: VecDeque::new(),
        events: VecDeque::new(),
        now: 0,
        last_client: Vec::new(),
    };
    for call in calls {
        program.make(call);
    }
    program.end();
}

impl Program {
    fn make(&mut self, call: &Call) {
        let given = Given::of(call, &self.last_client);
        let result = match call.function {
            Function::Wait => {
                // The largest number is no moment.
                self.now = self.now.saturating_add(given.number(0)).min(FLIPPER_NEVER - 1);
                FlipperResult::Ok
            }
            Function::ReadAction => self.read_action(&given),
            Function::ReadEvent => self.read_event(&given),
            function => self
                .call_client(function, &given)
                .or_else(|| self.call_desktop(function, &given))
                .unwrap_or_else(|| self.app.call(function, &given)),
        };
        assert_ne!(result, FlipperResult::Panic, "{call:?}");
        assert_ne!(result, FlipperResult::InUse, "nobody else uses anything: {call:?}");
        // SAFETY: the places are good.
        read_words(given.flags(), |to, room, length| unsafe {
            flipper_result_message(result as u32, to, room, length)
        });
        drop(given);
        if call.flags & NO_POLLS == 0 {
            self.drain_client();
            self.drain_desktop();
        }
    }

    pub(super) fn client(&self, given: &Given) -> *mut FlipperClient {
        if given.has(NO_HANDLE) { null_mut() } else { self.client }
    }

    pub(super) fn desktop(&self, given: &Given) -> *mut FlipperDesktop {
        if given.has(NO_HANDLE) { null_mut() } else { self.desktop }
    }

    fn drain_client(&mut self) {
        if self.client.is_null() {
            return;
        }
        for _ in 0..POLLS {
            let mut action = null_mut();
            // SAFETY: the handle and the place are good.
            match unsafe { flipper_client_poll_action(self.client, &mut action) } {
                FlipperResult::Ok => self.keep_action(action),
                result => {
                    assert_eq!(result, FlipperResult::Done);
                    break;
                }
            }
        }
        for _ in 0..POLLS {
            let mut event = null_mut();
            // SAFETY: the handle and the place are good.
            match unsafe { flipper_client_poll_event(self.client, &mut event) } {
                FlipperResult::Ok => self.keep_event(event),
                result => return assert_eq!(result, FlipperResult::Done),
            }
        }
        panic!("a client is never done");
    }

    fn drain_desktop(&mut self) {
        if self.desktop.is_null() {
            return;
        }
        for _ in 0..POLLS {
            let mut action = null_mut();
            // SAFETY: the handle and the place are good.
            match unsafe { flipper_desktop_poll_action(self.desktop, &mut action) } {
                FlipperResult::Ok => self.keep_action(action),
                result => {
                    assert_eq!(result, FlipperResult::Done);
                    break;
                }
            }
        }
        for _ in 0..POLLS {
            let mut event = null_mut();
            // SAFETY: the handle and the place are good.
            match unsafe { flipper_desktop_poll_event(self.desktop, &mut event) } {
                FlipperResult::Ok => self.keep_event(event),
                result => return assert_eq!(result, FlipperResult::Done),
            }
        }
        panic!("a desktop is never done");
    }

    fn keep_action(&mut self, action: *mut FlipperAction) {
        // SAFETY: the action is good, and so are the places.
        unsafe {
            assert_ne!(flipper_action_kind_of(action), 0, "an action of no kind");
            for field in 0..FIELDS {
                let _absent = read_number(|out| flipper_action_number(action, field, out));
                let _absent = read_text(|out| flipper_action_text(action, field, out));
            }
        }
        self.actions.push_back(action);
        if self.actions.len() > KEPT {
            // SAFETY: it is used no more.
            unsafe { flipper_action_free(self.actions.pop_front().unwrap_or(null_mut())) };
        }
    }

    fn keep_event(&mut self, event: *mut FlipperEvent) {
        // SAFETY: the event is good, and so are the places.
        unsafe {
            let kind = flipper_event_kind_of(event);
            assert_ne!(kind, 0, "an event of no kind");
            for field in 0..FIELDS {
                let _absent = read_number(|out| flipper_event_number(event, field, out));
                let _absent = read_text(|out| flipper_event_text(event, field, out));
                let mut index = 0;
                while read_text(|out| flipper_event_item(event, field, index, out)).is_some() {
                    index += 1;
                }
            }
            if kind == FlipperEventKind::ClientConnected as u32 {
                let client = read_text(|out| flipper_event_text(event, FlipperEventField::Client as u32, out));
                self.last_client = client.expect("whoever connects has an id");
            }
        }
        self.events.push_back(event);
        if self.events.len() > KEPT {
            // SAFETY: it is used no more.
            unsafe { flipper_event_free(self.events.pop_front().unwrap_or(null_mut())) };
        }
    }

    fn read_action(&self, given: &Given) -> FlipperResult {
        let action = self.actions.get(given.size(0)).copied().unwrap_or(null_mut());
        // SAFETY: the action is NULL or good, and so are the places.
        unsafe {
            assert_eq!(flipper_action_kind_of(action) == 0, action.is_null());
            let _absent = read_text(|out| flipper_action_text(action, given.word(1), out));
            given.place(1, |out| flipper_action_number(action, given.word(1), out)).0
        }
    }

    fn read_event(&self, given: &Given) -> FlipperResult {
        let event = self.events.get(given.size(0)).copied().unwrap_or(null_mut());
        // SAFETY: the event is NULL or good, and so are the places.
        unsafe {
            assert_eq!(flipper_event_kind_of(event) == 0, event.is_null());
            let _absent = read_text(|out| flipper_event_text(event, given.word(1), out));
            let _absent = read_text(|out| flipper_event_item(event, given.word(1), given.size(2), out));
            given.place(1, |out| flipper_event_number(event, given.word(1), out)).0
        }
    }

    fn end(self) {
        // SAFETY: nothing is used any more; what comes of a handle outlives it.
        unsafe {
            flipper_client_free(self.client);
            flipper_desktop_free(self.desktop);
            self.actions.into_iter().for_each(|action| flipper_action_free(action));
            self.events.into_iter().for_each(|event| flipper_event_free(event));
        }
        self.app.end();
    }
}

/// A number that a handle has; nothing is written if it has none.
pub(super) fn read_number(ask: impl FnOnce(*mut u64) -> FlipperResult) -> Option<u64> {
    const UNTOUCHED: u64 = 0x5eed_5eed_5eed_5eed;
    let mut value = UNTOUCHED;
    match ask(&mut value) {
        FlipperResult::Ok => Some(value),
        FlipperResult::NotFound | FlipperResult::Null => {
            assert_eq!(value, UNTOUCHED);
            None
        }
        other => panic!("{other:?}"),
    }
}

/// A text that a handle has, which must be UTF-8.
pub(super) fn read_text(ask: impl FnOnce(*mut FlipperStr) -> FlipperResult) -> Option<Vec<u8>> {
    let untouched = [b'x'];
    let mut value = FlipperStr { ptr: untouched.as_ptr().cast(), len: 1 };
    match ask(&mut value) {
        FlipperResult::Ok => {
            // SAFETY: the handle, which the text belongs to, is there.
            let bytes = unsafe { slice::from_raw_parts(value.ptr.cast::<u8>(), value.len) };
            assert!(str::from_utf8(bytes).is_ok());
            Some(bytes.to_vec())
        }
        FlipperResult::NotFound | FlipperResult::Null => {
            assert_eq!((value.ptr, value.len), (untouched.as_ptr().cast(), 1));
            None
        }
        other => panic!("{other:?}"),
    }
}
