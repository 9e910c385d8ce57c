//! What is made out of the list of plugins.

/// Makes [`Plugins`](super::Plugins), and for each plugin a field in it and an accessor of
/// [`WithPlugins`](super::WithPlugins).
macro_rules! collection {
    ($($(#[doc = $doc:literal])+ #[cfg($feature:meta)] $name:ident: $plugin:ty,)*) => {
        /// One plugin of each kind that was chosen as a feature of this crate, with its defaults.
        ///
        /// One that was made otherwise takes the place of a default:
        ///
        /// ```ignore
        /// let mut plugins = Plugins::default();
        /// plugins.network = Network::builder().body_limit(1 << 20).build();
        /// let flipper = plugins.start(Flipper::builder("My Shop", "com.example.shop"));
        /// ```
        #[derive(Clone, Debug, Default)]
        #[non_exhaustive]
        pub struct Plugins {
            $(
                $(#[doc = $doc])+
                #[cfg($feature)]
                pub $name: $plugin,
            )*
        }

        impl Plugins {
            /// Adds all of them to the settings of an app, and what the official UI needs besides.
            #[inline]
            pub fn add_to<L: flipper_client::Launch>(
                &self,
                builder: flipper_client::Builder<L>,
            ) -> flipper_client::Builder<L> {
                let builder = start::for_the_official_ui(builder);
                $(
                    #[cfg($feature)]
                    let builder = builder.plugin(Clone::clone(&self.$name));
                )*
                builder
            }
        }

        impl<F> WithPlugins<F> {
            $(
                $(#[doc = $doc])+
                #[cfg($feature)]
                #[must_use]
                #[inline]
                pub fn $name(&self) -> &$plugin {
                    &self.plugins().$name
                }
            )*
        }
    };
}
