//! What is checked, one function for each check.

pub mod client;
pub mod matrix;
