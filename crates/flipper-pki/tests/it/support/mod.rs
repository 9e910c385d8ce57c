//! What the tests share.

pub(crate) mod apps;
pub(crate) mod asn1;
pub(crate) mod clock;
pub(crate) mod faults;
pub(crate) mod handshake;
pub(crate) mod official;
pub(crate) mod openssl;
pub(crate) mod temp;
