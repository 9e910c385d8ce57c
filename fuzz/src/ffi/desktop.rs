//! The calls of a desktop.

use std::ptr::null_mut;

use flipper_ffi::*;

use super::calls::Function;
use super::given::Given;
use super::program::{Program, read_number, read_text};

impl Program {
    /// `None` for a function of something else.
    pub(super) fn call_desktop(&mut self, function: Function, given: &Given) -> Option<FlipperResult> {
        let (desktop, now) = (self.desktop(given), self.now);
        // SAFETY: the handle is NULL or good, and so are the texts, the records and the places.
        Some(unsafe {
            match function {
                Function::DesktopNew => self.new_desktop(given),
                Function::DesktopFree => {
                    flipper_desktop_free(std::mem::replace(&mut self.desktop, null_mut()));
                    FlipperResult::Ok
                }
                Function::DesktopUpgrade => upgrade(desktop, given, now),
                Function::DesktopMessage => {
                    flipper_desktop_message(desktop, given.number(0), given.ptr(0), given.len(0), now)
                }
                Function::DesktopBinary => {
                    flipper_desktop_binary(desktop, given.number(0), given.ptr(0), given.len(0), now)
                }
                Function::DesktopAlive => flipper_desktop_alive(desktop, given.number(0), now),
                Function::DesktopWritable => flipper_desktop_writable(desktop, given.number(0), given.size(1), now),
                Function::DesktopClosed => flipper_desktop_closed(
                    desktop,
                    given.number(0),
                    given.word(1),
                    given.short(2),
                    given.ptr(0),
                    given.len(0),
                    now,
                ),
                Function::DesktopTimeout => self.time_out_desktop(desktop),
                Function::DesktopGrant => {
                    flipper_desktop_grant(desktop, given.number(0), given.record(&grant(given)), now)
                }
                Function::DesktopRefuse => {
                    flipper_desktop_refuse(desktop, given.number(0), given.record(&refusal(given)), now)
                }
                Function::DesktopInit => {
                    flipper_desktop_init_plugin(desktop, given.ptr(0), given.len(0), given.ptr(1), given.len(1))
                }
                Function::DesktopDeinit => {
                    flipper_desktop_deinit_plugin(desktop, given.ptr(0), given.len(0), given.ptr(1), given.len(1))
                }
                Function::DesktopCall => ask(given, |request, out| flipper_desktop_call(desktop, request, now, out)),
                Function::DesktopSupports => {
                    ask(given, |request, out| flipper_desktop_is_method_supported(desktop, request, now, out))
                }
                Function::DesktopRequest => {
                    ask(given, |request, out| flipper_desktop_request(desktop, request, now, out))
                }
                Function::DesktopNotify => flipper_desktop_notify(desktop, given.record(&request(given, 0))),
                Function::DesktopDisconnect => {
                    flipper_desktop_disconnect(desktop, given.ptr(0), given.len(0), given.short(0), now)
                }
                Function::DesktopStop => flipper_desktop_stop(desktop, now),
                Function::DesktopJudge => {
                    let request = self.events.get(given.size(0)).copied().unwrap_or(null_mut());
                    let mut judgement = 77;
                    let (result, _) = given.place(7, |detail| {
                        flipper_desktop_judge_proof(desktop, request, given.word(1), now, &mut judgement, detail)
                    });
                    assert_eq!(result == FlipperResult::Ok, judgement != 77);
                    result
                }
                Function::DesktopAsk => look_at(desktop, given),
                _ => return None,
            }
        })
    }

    fn new_desktop(&mut self, given: &Given) -> FlipperResult {
        let (hosts, origins) = ([given.text(0)], [given.text(1)]);
        let record = config(given, &hosts, &origins);
        // SAFETY: the record, its texts and the place are good.
        let (result, made) = given.place(null_mut(), |out| unsafe { flipper_desktop_new(given.record(&record), out) });
        if result == FlipperResult::Ok {
            // SAFETY: the old one is used no more.
            unsafe { flipper_desktop_free(std::mem::replace(&mut self.desktop, made)) };
        }
        result
    }

    fn time_out_desktop(&mut self, desktop: *mut FlipperDesktop) -> FlipperResult {
        // SAFETY: the handle is NULL or good.
        let result = unsafe { flipper_desktop_timeout(desktop, self.now) };
        if result == FlipperResult::Ok {
            let (mut reason, mut at) = (u32::MAX, 0);
            // SAFETY: the handle and the places are good.
            assert_eq!(unsafe { flipper_desktop_poll_timeout(desktop, &mut reason, &mut at) }, FlipperResult::Ok);
            assert!(at > self.now, "a timer in the past: {reason} at {at}, and it is {}", self.now);
            assert_eq!(at == FLIPPER_NEVER, reason == 0);
        }
        result
    }
}

fn upgrade(desktop: *mut FlipperDesktop, given: &Given, now: u64) -> FlipperResult {
    let record = FlipperUpgrade {
        size: given.record_size::<FlipperUpgrade>(),
        channel: given.word(0),
        certificate: given.word(1),
        target: given.text(0),
        host: given.text(1),
        origin: given.text(2),
        peer: given.text(3),
        common_name: given.text(4),
        device_id: given.text(5),
        problem: given.text(6),
    };
    // SAFETY: the handle is NULL or good, and so are the record, its texts and the places.
    unsafe {
        let (result, admission) =
            given.place(null_mut(), |out| flipper_desktop_upgrade(desktop, given.record(&record), now, out));
        assert_eq!(flipper_admission_kind_of(admission) == 0, result != FlipperResult::Ok);
        for field in (0..30).chain([given.word(2)]) {
            let _absent = read_number(|out| flipper_admission_number(admission, field, out));
            let _absent = read_text(|out| flipper_admission_text(admission, field, out));
        }
        flipper_admission_free(admission);
        result
    }
}

fn ask(given: &Given, call: impl FnOnce(*const FlipperRequest, *mut u64) -> FlipperResult) -> FlipperResult {
    let request = request(given, given.number(0));
    given.place(u64::MAX, |out| call(given.record(&request), out)).0
}

/// Everything that a desktop tells when it is asked.
fn look_at(desktop: *mut FlipperDesktop, given: &Given) -> FlipperResult {
    // SAFETY: the handle is NULL or good, and so are the places.
    unsafe {
        given.place(u64::MAX, |out| flipper_desktop_connections(desktop, out));
        given.place(u64::MAX, |out| flipper_desktop_counter_of(desktop, given.word(0), out));
        let (result, clients) = given.place(null_mut(), |out| flipper_desktop_clients(desktop, out));
        let count = flipper_clients_count(clients);
        assert!(count == 0 || result == FlipperResult::Ok);
        for at in (0..=count).chain([given.size(1)]) {
            for field in (0..100).chain([given.word(2)]) {
                let _absent = read_number(|out| flipper_clients_number(clients, at, field, out));
                let text = read_text(|out| flipper_clients_text(clients, at, field, out));
                assert!(at < count || text.is_none(), "a client beyond the last");
                let mut index = 0;
                while read_text(|out| flipper_clients_item(clients, at, field, index, out)).is_some() {
                    index += 1;
                }
            }
        }
        flipper_clients_free(clients);
        result
    }
}

fn config(given: &Given, hosts: &[FlipperStr], origins: &[FlipperStr]) -> FlipperDesktopConfig {
    // A list that is NULL is good if it is empty, and lists of this program have one text or none.
    let list = |texts: &[FlipperStr]| if texts[0].len == 0 { 0 } else { 1 };
    FlipperDesktopConfig {
        size: given.record_size::<FlipperDesktopConfig>(),
        known_hosts: hosts.as_ptr(),
        known_host_count: list(hosts),
        allowed_origins: origins.as_ptr(),
        allowed_origin_count: list(origins),
        exchanges_per_second: given.word(0),
        exchange_burst: given.word(1),
        connection_exchanges_per_second: given.word(2),
        connection_exchange_burst: given.word(3),
        call_ms: given.number(4),
        registration_ms: given.number(5),
        ping_ms: given.number(6),
        unresponsive_ms: given.number(7),
        exchange_idle_ms: given.number(8),
        close_ms: given.number(9),
        message_bytes: given.number(10),
        exchange_message_bytes: given.number(11),
        pending_calls: given.number(12),
        queued_bytes: given.number(13),
        plugins: given.number(14),
        clients: given.number(15),
    }
}

fn grant(given: &Given) -> FlipperGrant {
    FlipperGrant {
        size: given.record_size::<FlipperGrant>(),
        device_id: given.text(0),
        ca: given.text(1),
        certificate: given.text(2),
        proof: given.text(3),
    }
}

fn refusal(given: &Given) -> FlipperRefusal {
    FlipperRefusal {
        size: given.record_size::<FlipperRefusal>(),
        message: given.text(0),
        name: given.text(1),
        hint: given.text(2),
    }
}

fn request(given: &Given, deadline_ms: u64) -> FlipperRequest {
    FlipperRequest {
        size: given.record_size::<FlipperRequest>(),
        client: given.text(0),
        plugin: given.text(1),
        method: given.text(2),
        params: given.text(3),
        deadline_ms,
    }
}
