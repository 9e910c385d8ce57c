//! What an app does while nothing happens.

mod rig;

use std::time::Duration;

use flipper_conformance::Result;

use self::rig::Rig;

#[test]
fn an_app_wakes_up_to_ping_and_for_nothing_else() -> Result {
    const PINGS: u64 = 50;
    let mut rig = Rig::new(1, |builder| builder.configure(|config| config.timing.ping = Duration::from_millis(20)))?;
    rig.session.wait_for_ping()?;
    let before = rig.flipper.wake_ups();

    for _ in 0..PINGS {
        rig.session.wait_for_ping()?;
    }

    // Once to ping, and once for the pong. One more round may be under way on either side.
    let woke = rig.flipper.wake_ups() - before;
    assert!(woke <= 2 * (PINGS + 2), "it woke up {woke} times to ping {PINGS} times");
    rig.stop()
}
