//! What C has made, used and freed is gone.

#![expect(unsafe_code, reason = "this is the place of a C program")]

use allocation_counter::measure;
use flipper_ffi::*;

mod support;

const LIVES: usize = 100_000;

#[test]
fn nothing_is_left_of_so_many_clients_with_sessions_calls_and_answers() {
    // Whatever is made once for all of them.
    live();
    let left = measure(|| (0..LIVES).for_each(|_| live()));
    assert_eq!((left.count_current, left.bytes_current), (0, 0), "{left:?}");
    assert!(left.count_total > LIVES as u64, "nothing was counted: {left:?}");
}

fn live() {
    let (client, attempt) = support::session();
    let call = support::call(client, attempt);
    let abandoned = support::call(client, attempt);
    assert_ne!(call, abandoned);
    let plugin = support::text(support::PLUGIN);
    // SAFETY: the handle and the texts are good.
    unsafe {
        assert_eq!(flipper_client_respond(client, call, c"[1.10]".as_ptr(), 6), FlipperResult::Ok);
        let send = || flipper_client_send(client, plugin.ptr, plugin.len, plugin.ptr, plugin.len, c"1".as_ptr(), 1);
        assert_eq!(send(), FlipperResult::Ok);
        assert_eq!(flipper_client_writable(client, attempt, 1 << 20, 0), FlipperResult::Ok);
        // The one is refused, the other waits for somebody who never comes.
        assert_eq!(flipper_client_respond(client, call, c"{".as_ptr(), 1), FlipperResult::InvalidJson);
        assert_eq!(send(), FlipperResult::Ok);
        support::action(client, FlipperActionKind::Send, FlipperActionField::Attempt);
        flipper_client_free(client);
    }
}
