//! Android, by way of adb's own server wherever that can be made to do what a test needs.

mod client;
mod devices;
mod exchange;
