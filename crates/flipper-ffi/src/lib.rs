//! The state machines for C.
