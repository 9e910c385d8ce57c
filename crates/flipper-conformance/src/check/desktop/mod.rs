//! Checks a desktop: plays an app that connects to it.
