//! The sample app's plugins, for demos, tests and benchmarks.
