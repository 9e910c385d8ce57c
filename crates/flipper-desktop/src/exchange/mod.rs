//! Certificate exchanges: what happens between a request and its answer.

mod android;
mod deliverer;
mod device_files;
mod error;
mod folder;
mod idb;
mod ios;
mod plain_files;
mod program;
mod search;
mod verdict;

pub use self::android::Android;
pub use self::deliverer::{Deliverer, Delivery, Issued};
pub use self::error::DeliveryError;
pub use self::idb::Idb;
pub use self::ios::Ios;
pub use self::plain_files::PlainFiles;
pub use self::program::ProgramError;
pub use self::verdict::{Finding, Verdict};

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flipper_async::desk::Desk;
use flipper_async::{Runtime, sleep};
use flipper_pki::{Authority, Paired, Pairings, WallClock};
use flipper_proto::desktop::{ExchangeRequest, Judgement};
use flipper_proto::{ConnId, Excerpt};
use tokio::sync::{Semaphore, mpsc};

use crate::event::Event;
use crate::www;

/// How long a delivery may take, its time in the queue included.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many deliveries run at once. One that hangs keeps its place until it ends.
const AT_ONCE: usize = 16;

/// How many requests of one connection wait while another one of it is served.
const WAITING: usize = 8;

/// Has certificates delivered, for each connection in the order in which it asked: answers carry no id.
pub(crate) struct Exchanges<R: Runtime>(Arc<Shared<R>>);

struct Shared<R: Runtime> {
    runtime: R,
    desk: Desk<R>,
    authority: Authority,
    wall_clock: WallClock,
    pairings: Pairings,
    deliverers: Arc<[Box<dyn Deliverer>]>,
    events: mpsc::UnboundedSender<Event>,
    places: Arc<Semaphore>,
    /// The connections that are being served, and what they asked for since.
    waiting: Mutex<BTreeMap<ConnId, VecDeque<Arc<ExchangeRequest>>>>,
}

impl<R: Runtime> Exchanges<R> {
    /// Tells how exchanges went on `events`, each time before the client can know.
    pub(crate) fn new(
        runtime: R,
        desk: Desk<R>,
        authority: Authority,
        wall_clock: WallClock,
        pairings: Pairings,
        deliverers: Vec<Box<dyn Deliverer>>,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        Self(Arc::new(Shared {
            runtime,
            desk,
            authority,
            wall_clock,
            pairings,
            deliverers: deliverers.into(),
            events,
            places: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Mutex::default(),
        }))
    }

    /// Serves a request, in its turn.
    pub(crate) fn take_up(&self, request: ExchangeRequest) {
        let request = Arc::new(request);
        let mut waiting = self.0.waiting();
        match waiting.get_mut(&request.conn) {
            Some(queue) if queue.len() >= WAITING => {
                drop(waiting);
                self.0.finish(&request, Err(DeliveryError::TooManyRequests { max: WAITING }));
            }
            Some(queue) => queue.push_back(request),
            None => {
                waiting.insert(request.conn, VecDeque::new());
                drop(waiting);
                self.0.runtime.spawn(Arc::clone(&self.0).work_off(request));
            }
        }
    }
}

impl<R: Runtime> Shared<R> {
    /// Serves a connection until it has nothing more to ask.
    async fn work_off(self: Arc<Self>, first: Arc<ExchangeRequest>) {
        let mut next = Some(first);
        while let Some(request) = next {
            let result = self.deliver(&request).await;
            self.finish(&request, result);
            next = self.next(request.conn);
        }
    }

    fn next(&self, conn: ConnId) -> Option<Arc<ExchangeRequest>> {
        let mut waiting = self.waiting();
        let next = waiting.get_mut(&conn)?.pop_front();
        if next.is_none() {
            waiting.remove(&conn);
        }
        next
    }

    async fn deliver(&self, request: &Arc<ExchangeRequest>) -> Result<Issued, DeliveryError> {
        let delivering = async {
            let place = Arc::clone(&self.places).acquire_owned().await;
            let (request, authority, clock) = (Arc::clone(request), self.authority.clone(), self.wall_clock.clone());
            let deliverers = Arc::clone(&self.deliverers);
            let (pairings, desk) = (self.pairings.clone(), self.desk.clone());
            let delivering = move || {
                let _place = place;
                // Deliverers may be other people's code.
                catch_unwind(AssertUnwindSafe(|| {
                    let paired = vouch(&request, &pairings, &clock, &desk)?;
                    deliver(&request, paired.as_ref(), &authority, &clock, &deliverers)
                }))
            };
            self.runtime.unblock(delivering).await.unwrap_or(Err(DeliveryError::Panicked))
        };
        tokio::select! {
            biased;
            result = delivering => result,
            () = sleep(&self.runtime, PATIENCE) => Err(DeliveryError::TimedOut { after: PATIENCE }),
        }
    }

    fn finish(&self, request: &Arc<ExchangeRequest>, result: Result<Issued, DeliveryError>) {
        let clock_skew_millis = request.clock_skew_millis(self.wall_clock.now());
        let app = &request.query.app;
        let (event, answer) = match result {
            Ok(issued) => {
                tracing::info!(%app, clock_skew_millis, "issued a certificate to {}", issued.common_name());
                let event = Event::CertificateIssued {
                    request: Arc::clone(request),
                    common_name: issued.common_name().to_owned(),
                    device_id: issued.device_id().to_owned(),
                    not_after: issued.not_after(),
                    clock_skew_millis,
                };
                (event, Ok(issued.to_grant()))
            }
            Err(error) => {
                tracing::warn!(%app, clock_skew_millis, "refused a certificate: {error}");
                let report = error.to_report();
                (Event::CertificateRefused { request: Arc::clone(request), error, clock_skew_millis }, Err(report))
            }
        };
        // A desktop that has ended tells nobody; a client that has left needs no answer.
        let _ended = self.events.send(event);
        let _left = self.desk.with_core(|core, now| core.finish_exchange(request.exchange, answer, now));
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<ConnId, VecDeque<Arc<ExchangeRequest>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pairing that a request proves to belong to, if it says that it belongs to one. This may block.
fn vouch<R: Runtime>(
    request: &ExchangeRequest,
    pairings: &Pairings,
    clock: &WallClock,
    desk: &Desk<R>,
) -> Result<Option<Paired>, DeliveryError> {
    let Some(checked) = www::check(pairings, request, clock.now()) else { return Ok(None) };
    if let Some(verdict) = www::verdict(&checked)
        && let Judgement::Locked { wait } = desk.with_core(|core, now| core.judge_proof(request, verdict, now))
        && checked.is_ok()
    {
        return Err(DeliveryError::PairingLocked { wait });
    }
    Ok(Some(checked?))
}

/// Asks one deliverer after the other. This may block.
fn deliver(
    request: &ExchangeRequest,
    paired: Option<&Paired>,
    authority: &Authority,
    clock: &WallClock,
    deliverers: &[Box<dyn Deliverer>],
) -> Result<Issued, DeliveryError> {
    let delivery = Delivery::new(request, paired, authority, clock)?;
    for deliverer in deliverers {
        if let Some(issued) = deliverer.deliver(&delivery)? {
            return Ok(issued);
        }
    }
    Err(DeliveryError::NotServed { os: Excerpt::new(&request.query.os), medium: request.medium })
}
