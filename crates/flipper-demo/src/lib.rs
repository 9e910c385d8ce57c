//! Small plugins that the demo, tests and benchmarks share.
#![forbid(unsafe_code)]

mod example;
mod ticker;

pub use self::example::example;
pub use self::ticker::Ticker;
