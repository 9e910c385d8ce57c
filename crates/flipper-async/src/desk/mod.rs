//! The desktop's side of the driver: it listens, opens connections and keeps them going.
//!
//! A [`Desk`] holds one [`Desktop`](flipper_proto::desktop::Desktop) under a lock. Whatever happens to it, a message, a
//! timer, a wish of the program around it, happens under that lock; what the state machine decides is then handed to
//! the tasks that carry it out:
//!
//! ```text
//!  listener ─► accept loop ─► TLS ─► HTTP upgrade ─► connection task ◄─┐ orders
//!                                        │                 │ facts     │
//!                                        ▼                 ▼           │
//!                                   ┌───────────── Desktop ────────────┴┐
//!               timer task ◄───────►│                                   │◄──── with_core, ask
//!                                   └──────────────── news ─────────────┘
//!                                                      ▼
//!                                                  next_news
//! ```
//!
//! A peer that sends faster than [`Desk::next_news`] is called is not read from until its news are fewer again, so that
//! neither side of the desk grows without bound; what the others answer is read meanwhile. A peer that does not read
//! holds up nobody but itself.
//!
//! Whoever makes one request has a [`PendingReply`]; whoever has many under way, [`Replies`].

mod accept;
mod alarm;
mod connection;
mod handle;
mod http;
mod news;
mod open;
mod options;
mod replies;
mod reply;
mod seat;
mod shared;
mod slots;
mod tap;

pub use self::handle::Desk;
pub use self::news::{News, Port};
pub use self::open::Tls;
pub use self::options::Options;
pub use self::replies::Replies;
pub use self::reply::PendingReply;
pub use self::shared::Counters;
pub use self::tap::Tap;
