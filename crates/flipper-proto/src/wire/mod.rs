//! The messages, as text.
//!
//! [`decode`] reads a message of a session in one pass over its bytes; [`encode`] writes them; [`exchange`] holds the
//! messages of the certificate exchange, [`wrapper`] the oldest format of the browser port.

pub(crate) mod decode;
pub(crate) mod encode;
pub(crate) mod exchange;
pub(crate) mod wrapper;
