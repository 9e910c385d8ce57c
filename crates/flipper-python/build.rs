//! Has the linker leave Python's symbols to the interpreter that loads the library, where it has to be told.

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
