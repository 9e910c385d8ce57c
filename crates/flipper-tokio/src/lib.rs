//! Flipper for apps that run on tokio.
