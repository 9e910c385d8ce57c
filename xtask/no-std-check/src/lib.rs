//! Does not compile unless `flipper-proto` and all that it depends on do without `std`.
//!
//! A program has one panic handler. This crate has one, `std` has another, so that if anything here uses `std` the compiler
//! says "found duplicate lang item `panic_impl`". No target without an operating system is needed for that, and no linking.

#![no_std]
#![forbid(unsafe_code)]

use flipper_proto as _;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
