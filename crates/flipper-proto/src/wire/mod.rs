//! The messages, as text.
//!
//! [`decode`] reads a message of a session in one pass over its bytes; [`encode`] writes them; [`exchange`] holds the
//! messages of the certificate exchange.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod exchange;
