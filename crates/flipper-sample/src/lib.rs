//! The sample app: plugins that demos, tests and benchmarks share.
#![forbid(unsafe_code)]

mod example;
mod ticker;

pub use self::example::example;
pub use self::ticker::Ticker;
