//! A headless Flipper desktop as a library.
