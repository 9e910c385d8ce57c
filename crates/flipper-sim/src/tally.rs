//! Sums that can be added up and listed.

/// Declares a struct of counters.
macro_rules! tally {
    ($(#[$about:meta])* pub struct $name:ident { $($(#[$doc:meta])* $field:ident,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$doc])* pub $field: u64,)*
        }

        impl $name {
            pub(crate) fn add(&mut self, other: &Self) {
                $(self.$field += other.$field;)*
            }

            /// What is counted, in words, and how much of it there was.
            pub(crate) fn list(&self) -> Vec<(String, u64)> {
                vec![$((stringify!($field).replace('_', " "), self.$field)),*]
            }
        }
    };
}

pub(crate) use tally;
