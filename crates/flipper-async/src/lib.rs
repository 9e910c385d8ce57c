//! The one asynchronous Flipper driver, for both roles, over a small runtime trait.
