//! What the plugins have in common without the feature `enabled`.

/// Has a type be a plugin that nobody can ask for anything.
///
/// Its `Drop` is empty: the real one has something to drop, and so no lint says of an app that drops it that this does
/// nothing.
macro_rules! does_nothing {
    ($plugin:ident $(<$row:ident>)?, $id:expr) => {
        impl$(<$row: serde::Serialize + 'static>)? flipper_client::Plugin for $plugin$(<$row>)? {
            #[inline]
            fn id(&self) -> &str {
                $id
            }

            #[inline]
            fn has_method(&self, _method: &str) -> bool {
                false
            }

            #[inline]
            fn on_call(&self, call: flipper_client::Call) {
                drop(call);
            }
        }

        impl$(<$row>)? Drop for $plugin$(<$row>)? {
            #[inline]
            fn drop(&mut self) {}
        }
    };
}
