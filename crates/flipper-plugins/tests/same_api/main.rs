//! Every public function is used once, with and without the feature `enabled`: what is missing in either mode does not
//! compile.

#[cfg(feature = "network")]
mod network;
mod plugins;
