//! The simulator, and the whole of Flipper in it.
#![cfg(test)]

mod meet;
