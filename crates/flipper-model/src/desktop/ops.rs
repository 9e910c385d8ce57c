//! What can happen to a desktop, in any order.

use std::time::Duration;

use crate::{Reader, Writer};

/// Something that happens to a desktop. Connections, clients and exchanges are numbers that may or may not mean one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Somebody connects.
    Upgrade {
        /// Which port, and which certificate.
        channel: u8,
        /// The number of the app.
        app: u8,
        /// Which process of it; 0 does not tell.
        instance: u8,
        /// What is wrong with the request; most numbers stand for nothing.
        fault: u8,
    },
    /// A text message arrives.
    Message {
        /// The number of the connection.
        conn: u64,
        /// What it says.
        text: String,
    },
    /// A binary message arrives.
    Binary {
        /// The number of the connection.
        conn: u64,
        /// What it holds.
        bytes: Vec<u8>,
    },
    /// A sign of life arrives.
    Alive {
        /// The number of the connection.
        conn: u64,
    },
    /// A socket takes so many bytes.
    Writable {
        /// The number of the connection.
        conn: u64,
        /// How many bytes.
        room: usize,
    },
    /// A socket ends.
    Closed {
        /// The number of the connection.
        conn: u64,
    },
    /// Time passes, and then the driver looks at the timers.
    Wait {
        /// How much.
        span: Duration,
    },
    /// The driver looks at the timers exactly when it should.
    Timer,
    /// A certificate request is answered.
    Finish {
        /// The number of the exchange.
        exchange: u64,
        /// Whether it is granted.
        granted: bool,
    },
    /// A plugin is initialised.
    Init {
        /// The number of the app.
        app: u8,
        /// Which process of it; 0 does not tell.
        instance: u8,
    },
    /// A plugin is left.
    Deinit {
        /// The number of the app.
        app: u8,
        /// Which process of it; 0 does not tell.
        instance: u8,
    },
    /// A method is called.
    Call {
        /// The number of the app.
        app: u8,
        /// Which process of it; 0 does not tell.
        instance: u8,
        /// How many milliseconds the answer is waited for.
        deadline: Option<u16>,
    },
    /// It is asked whether there is a method.
    Supported {
        /// The number of the app.
        app: u8,
        /// Which process of it; 0 does not tell.
        instance: u8,
    },
    /// A request of another method is passed on.
    Request {
        /// The number of the app.
        app: u8,
        /// Which process of it; 0 does not tell.
        instance: u8,
    },
    /// A method is called whose answer nobody wants.
    Notify {
        /// The number of the app.
        app: u8,
        /// Which process of it; 0 does not tell.
        instance: u8,
    },
    /// A client is disconnected.
    Disconnect {
        /// The number of the app.
        app: u8,
        /// Which process of it; 0 does not tell.
        instance: u8,
    },
    /// The desktop is stopped.
    Stop,
}

/// Reads operations from bytes, whatever they are.
#[must_use]
pub fn read(bytes: &[u8]) -> Vec<Step> {
    let mut from = Reader::new(bytes);
    std::iter::from_fn(|| read_step(&mut from)).collect()
}

/// Writes bytes that are read as these operations, as far as their numbers and messages are not too large.
#[must_use]
pub fn write(steps: &[Step]) -> Vec<u8> {
    let mut to = Writer::default();
    steps.iter().for_each(|step| write_step(&mut to, step));
    to.into_bytes()
}

fn read_step(from: &mut Reader<'_>) -> Option<Step> {
    Some(match from.byte()? % 17 {
        0 => Step::Upgrade {
            channel: from.byte()? % 4,
            app: from.byte()? % 8,
            instance: from.byte()? % 4,
            fault: from.byte()? % 16,
        },
        1 => Step::Message { conn: conn(from)?, text: from.text()? },
        2 => Step::Binary { conn: conn(from)?, bytes: from.bytes()?.to_vec() },
        3 => Step::Alive { conn: conn(from)? },
        4 => Step::Writable { conn: conn(from)?, room: room(from)? },
        5 => Step::Closed { conn: conn(from)? },
        6 => Step::Wait { span: from.span()? },
        7 => Step::Finish { exchange: conn(from)?, granted: from.byte()? % 2 == 1 },
        8 => client(from, |app, instance| Step::Init { app, instance })?,
        9 => client(from, |app, instance| Step::Deinit { app, instance })?,
        10 => {
            let (app, instance, limited) = (from.byte()? % 8, from.byte()? % 4, from.byte()? % 2 == 1);
            Step::Call { app, instance, deadline: if limited { Some(from.short()?) } else { None } }
        }
        11 => client(from, |app, instance| Step::Supported { app, instance })?,
        12 => client(from, |app, instance| Step::Request { app, instance })?,
        13 => client(from, |app, instance| Step::Notify { app, instance })?,
        14 => client(from, |app, instance| Step::Disconnect { app, instance })?,
        15 => Step::Timer,
        _ => Step::Stop,
    })
}

fn conn(from: &mut Reader<'_>) -> Option<u64> {
    from.byte().map(u64::from)
}

/// The largest number stands for no bound at all.
fn room(from: &mut Reader<'_>) -> Option<usize> {
    from.short().map(|room| if room == u16::MAX { usize::MAX } else { usize::from(room) })
}

fn client(from: &mut Reader<'_>, step: fn(u8, u8) -> Step) -> Option<Step> {
    Some(step(from.byte()? % 8, from.byte()? % 4))
}

fn write_step(to: &mut Writer, step: &Step) {
    let number = match step {
        Step::Upgrade { .. } => 0,
        Step::Message { .. } => 1,
        Step::Binary { .. } => 2,
        Step::Alive { .. } => 3,
        Step::Writable { .. } => 4,
        Step::Closed { .. } => 5,
        Step::Wait { .. } => 6,
        Step::Finish { .. } => 7,
        Step::Init { .. } => 8,
        Step::Deinit { .. } => 9,
        Step::Call { .. } => 10,
        Step::Supported { .. } => 11,
        Step::Request { .. } => 12,
        Step::Notify { .. } => 13,
        Step::Disconnect { .. } => 14,
        Step::Timer => 15,
        Step::Stop => 16,
    };
    to.byte(number);
    let low = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
    match step {
        Step::Upgrade { channel, app, instance, fault } => {
            [channel, app, instance, fault].into_iter().for_each(|byte| to.byte(*byte));
        }
        Step::Message { conn, text } => {
            to.byte(low(*conn));
            to.bytes(text.as_bytes());
        }
        Step::Binary { conn, bytes } => {
            to.byte(low(*conn));
            to.bytes(bytes);
        }
        Step::Alive { conn } | Step::Closed { conn } => to.byte(low(*conn)),
        Step::Writable { conn, room } => {
            to.byte(low(*conn));
            to.short(u16::try_from(*room).unwrap_or(u16::MAX));
        }
        Step::Wait { span } => to.span(*span),
        Step::Finish { exchange, granted } => {
            to.byte(low(*exchange));
            to.byte(u8::from(*granted));
        }
        Step::Call { app, instance, deadline } => {
            to.byte(*app);
            to.byte(*instance);
            to.byte(u8::from(deadline.is_some()));
            if let Some(deadline) = deadline {
                to.short(*deadline);
            }
        }
        Step::Init { app, instance }
        | Step::Deinit { app, instance }
        | Step::Supported { app, instance }
        | Step::Request { app, instance }
        | Step::Notify { app, instance }
        | Step::Disconnect { app, instance } => {
            to.byte(*app);
            to.byte(*instance);
        }
        Step::Timer | Step::Stop => {}
    }
}
