//! Keeps the desktop's own certificates young.

use std::time::Duration;

use flipper_async::{Runtime, sleep};
use flipper_pki::Authority;
use tokio::sync::mpsc;

use crate::event::Event;

/// How often the age of the certificates is looked at. They are renewed long before it matters.
const EVERY: Duration = Duration::from_secs(12 * 60 * 60);

/// Renews the certificates whenever they are due, for as long as it runs. A desktop that is never restarted would show
/// expired ones in the end.
pub(crate) async fn renew(runtime: impl Runtime, authority: Authority, events: mpsc::UnboundedSender<Event>) {
    loop {
        // They were looked at just now.
        sleep(&runtime, EVERY).await;
        let authority = authority.clone();
        let event = match runtime.unblock(move || authority.renew_if_due()).await {
            Ok(false) => continue,
            Ok(true) => Event::CertificatesRenewed,
            Err(error) => {
                tracing::warn!("the desktop's certificates are not renewed: {error}");
                Event::RenewalFailed(error)
            }
        };
        if events.send(event).is_err() {
            return;
        }
    }
}
