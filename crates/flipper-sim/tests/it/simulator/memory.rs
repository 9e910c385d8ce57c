//! What is left in memory.

use allocation_counter::measure;
use flipper_desktop::proto::ErrorReport;
use flipper_desktop::{Deliverer, Delivery, DeliveryError, Event, Events, Issued};

use crate::rig::Rig;

struct Refusing;

impl Deliverer for Refusing {
    fn deliver(&self, _: &Delivery<'_>) -> Result<Option<Issued>, DeliveryError> {
        Err(DeliveryError::Other(ErrorReport::new("not today").named("Refused")))
    }
}

async fn refused(events: &mut Events, mut count: usize) {
    while count > 0 {
        if let Event::CertificateRefused { .. } = events.next().await.unwrap() {
            count -= 1;
        }
    }
}

#[test]
fn a_thousand_exchanges_that_fail_leave_nothing_behind() {
    let rig = Rig::new();
    let (desktop, mut events, app) = rig.run(async {
        let runtime = rig.sim.process("desktop");
        let builder = flipper_sim::desktop(&rig.calendar, &rig.authority).deliverer(Refusing);
        let desktop = builder.start_on(runtime).await.unwrap();
        let events = desktop.events();
        (desktop, events, rig.launch(rig.builder()))
    });
    // Whatever is kept of the past is full by then: the last exchanges, the app's log, queues at their largest.
    rig.run(refused(&mut events, 300));
    let counted = measure(|| rig.run(refused(&mut events, 700)));
    assert!(counted.count_total > 100_000, "the exchanges were made elsewhere: {counted:?}");
    // Less than 30 bytes for each: they come from queues that happen to be longer or shorter.
    assert!(counted.bytes_current < 20_000, "{counted:?}");
    drop((app, desktop));
}
