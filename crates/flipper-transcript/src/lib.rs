//! Conversations of apps and desktops, as readable text files.
#![forbid(unsafe_code)]
