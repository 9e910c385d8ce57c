//! Keeps the desktop's own certificates young.

use std::time::Duration;

use flipper_pki::Authority;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use crate::event::Event;

/// How often the age of the certificates is looked at. They are renewed long before it matters.
const EVERY: Duration = Duration::from_secs(12 * 60 * 60);

/// Renews the certificates whenever they are due, for as long as it runs. A desktop that is never restarted would show
/// expired ones in the end.
pub(crate) async fn renew(authority: Authority, events: mpsc::UnboundedSender<Event>) {
    let mut timer = interval(EVERY);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once, and the certificates were looked at just now.
    timer.tick().await;
    loop {
        timer.tick().await;
        let authority = authority.clone();
        let event = match tokio::task::spawn_blocking(move || authority.renew_if_due()).await {
            Ok(Ok(false)) | Err(_) => continue,
            Ok(Ok(true)) => Event::CertificatesRenewed,
            Ok(Err(error)) => {
                tracing::warn!("the desktop's certificates are not renewed: {error}");
                Event::RenewalFailed(error)
            }
        };
        if events.send(event).is_err() {
            return;
        }
    }
}
