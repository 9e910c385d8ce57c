//! The calls of a client.

use std::ptr::{self, null_mut};

use flipper_ffi::*;

use super::calls::Function;
use super::given::{Given, read_words};
use super::program::Program;

impl Program {
    /// `None` for a function of something else.
    pub(super) fn call_client(&mut self, function: Function, given: &Given) -> Option<FlipperResult> {
        let (client, now) = (self.client(given), self.now);
        // SAFETY: the handle is NULL or good, and so are the texts, the records and the places.
        Some(unsafe {
            match function {
                Function::ClientNew => self.new_client(given),
                Function::ClientFree => {
                    flipper_client_free(std::mem::replace(&mut self.client, null_mut()));
                    FlipperResult::Ok
                }
                Function::ClientStart => flipper_client_start(client, now),
                Function::ClientStop => flipper_client_stop(client, now),
                Function::ClientAddPlugin => {
                    flipper_client_add_plugin(client, given.ptr(0), given.len(0), given.byte(0))
                }
                Function::ClientRemovePlugin => flipper_client_remove_plugin(client, given.ptr(0), given.len(0)),
                Function::ClientSend => flipper_client_send(
                    client,
                    given.ptr(0),
                    given.len(0),
                    given.ptr(1),
                    given.len(1),
                    given.ptr(2),
                    given.len(2),
                ),
                Function::ClientRespond => flipper_client_respond(client, given.number(0), given.ptr(0), given.len(0)),
                Function::ClientRespondError => {
                    flipper_client_respond_error(client, given.number(0), given.ptr(0), given.len(0))
                }
                Function::ClientFail => {
                    flipper_client_fail(client, given.number(0), given.ptr(0), given.len(0), given.ptr(1), given.len(1))
                }
                Function::ClientRespondSupported => {
                    flipper_client_respond_supported(client, given.number(0), given.byte(1))
                }
                Function::ClientReportError => flipper_client_report_error(
                    client,
                    given.ptr(0),
                    given.len(0),
                    given.ptr(1),
                    given.len(1),
                    given.ptr(2),
                    given.len(2),
                ),
                Function::ClientOpened => flipper_client_opened(client, given.number(0), now),
                Function::ClientMessage => {
                    flipper_client_message(client, given.number(0), given.ptr(0), given.len(0), now)
                }
                Function::ClientBinary => {
                    flipper_client_binary(client, given.number(0), given.ptr(0), given.len(0), now)
                }
                Function::ClientAlive => flipper_client_alive(client, given.number(0), now),
                Function::ClientWritable => flipper_client_writable(client, given.number(0), given.size(1), now),
                Function::ClientFlushed => flipper_client_flushed(client, given.number(0), now),
                Function::ClientClosed => flipper_client_closed(
                    client,
                    given.number(0),
                    given.word(1),
                    given.short(2),
                    given.ptr(0),
                    given.len(0),
                    now,
                ),
                Function::ClientJobLoaded => flipper_client_job_loaded(
                    client,
                    given.number(0),
                    given.record(&credentials(given)),
                    given.word(4),
                    given.ptr(4),
                    given.len(4),
                    now,
                ),
                Function::ClientJobPrepared => {
                    flipper_client_job_prepared(client, given.number(0), given.record(&prepared(given)), now)
                }
                Function::ClientJobStored => {
                    flipper_client_job_stored(client, given.number(0), given.record(&credentials(given)), now)
                }
                Function::ClientJobDone => flipper_client_job_done(client, given.number(0), now),
                Function::ClientJobFailed => {
                    flipper_client_job_failed(client, given.number(0), given.word(1), given.ptr(0), given.len(0), now)
                }
                Function::ClientTimeout => self.time_out_client(client),
                Function::ClientAsk => self.ask_client(client, given),
                _ => return None,
            }
        })
    }

    fn new_client(&mut self, given: &Given) -> FlipperResult {
        let record = config(given);
        // SAFETY: the record, its texts and the place are good.
        let (result, made) = given.place(null_mut(), |out| unsafe { flipper_client_new(given.record(&record), out) });
        if result == FlipperResult::Ok {
            // SAFETY: the old one is used no more.
            unsafe { flipper_client_free(std::mem::replace(&mut self.client, made)) };
        }
        result
    }

    fn time_out_client(&mut self, client: *mut FlipperClient) -> FlipperResult {
        // SAFETY: the handle is NULL or good.
        let result = unsafe { flipper_client_timeout(client, self.now) };
        if result == FlipperResult::Ok {
            let (mut reason, mut at) = (u32::MAX, 0);
            // SAFETY: the handle and the places are good.
            assert_eq!(unsafe { flipper_client_poll_timeout(client, &mut reason, &mut at) }, FlipperResult::Ok);
            assert!(at > self.now, "a timer in the past: {reason} at {at}, and it is {}", self.now);
            assert_eq!(at == FLIPPER_NEVER, reason == 0);
        }
        result
    }

    fn ask_client(&mut self, client: *mut FlipperClient, given: &Given) -> FlipperResult {
        let (ptr, len) = (given.ptr(0), given.len(0));
        // SAFETY: the handle is NULL or good, and so are the text and the places.
        unsafe {
            given.place(7, |out| flipper_client_counter(client, given.word(0), out));
            given.place(7, |out| flipper_client_is_plugin_connected(client, ptr, len, out));
            given.place(7, |out| flipper_client_is_flushed(client, ptr, len, out));
            given.place(7, |out| flipper_client_waiting(client, ptr, len, out));
            given.place(7, |out| flipper_client_dropped(client, ptr, len, out));
            given.place(7, |out| flipper_client_poll_timeout(client, ptr::null_mut(), out));
            read_words(given.size(0), |to, room, length| flipper_client_state_text(client, to, room, length));
            read_words(given.size(0), |to, room, length| flipper_client_last_failure(client, to, room, length));
            given.place(u32::MAX, |out| flipper_client_state(client, out)).0
        }
    }
}

fn config(given: &Given) -> FlipperClientConfig {
    FlipperClientConfig {
        size: given.record_size::<FlipperClientConfig>(),
        app: given.text(0),
        app_id: given.text(1),
        os: given.text(2),
        device: given.text(3),
        device_id: given.text(4),
        host: given.text(5),
        instance_id: given.text(6),
        seed: given.number(0),
        backoff_first_ms: given.number(1),
        backoff_ceiling_ms: given.number(2),
        backoff_stable_ms: given.number(3),
        connect_ms: given.number(4),
        grant_ms: given.number(5),
        close_ms: given.number(6),
        ping_ms: given.number(7),
        unresponsive_ms: given.number(8),
        renew_before_ms: given.number(9),
        event_pause_ms: given.number(10),
        message_bytes: given.number(11),
        buffered_event_bytes: given.number(12),
        queued_answer_bytes: given.number(13),
        exchange_message_bytes: given.number(14),
        pending_calls: given.word(15),
        plugins: given.word(16),
        buffered_events: given.word(17),
        overflow: given.word(18),
        medium: given.word(19),
        foreground: given.word(20),
        loop_sessions: given.word(21),
        missed_pings: given.word(22),
        insecure_port: given.short(23),
        secure_port: given.short(23),
        os_fixed: given.word(24),
    }
}

fn credentials(given: &Given) -> FlipperCredentials {
    FlipperCredentials {
        size: given.record_size::<FlipperCredentials>(),
        generation: given.number(1),
        device_id: given.text(0),
        os: given.text(1),
        csr: given.text(2),
        csr_path: given.text(3),
        valid_until_ms: given.number(2),
        medium: given.word(3),
    }
}

fn prepared(given: &Given) -> FlipperPrepared {
    FlipperPrepared {
        size: given.record_size::<FlipperPrepared>(),
        generation: given.number(1),
        csr: given.text(0),
        destination: given.text(1),
        wall_ms: given.number(2),
        pairing_id: given.text(2),
        pairing_nonce: given.text(3),
        pairing_proof: given.text(4),
    }
}
