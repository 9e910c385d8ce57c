//! A program that has a desktop.

use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

use flipper_ffi::*;

pub(crate) const NOTHING: FlipperStr = FlipperStr { ptr: null(), len: 0 };

pub(crate) fn text(text: &str) -> FlipperStr {
    FlipperStr { ptr: text.as_ptr().cast(), len: text.len() }
}

/// A record without anything in it but its size.
pub(crate) fn record<T: Sized>() -> T {
    let mut record = MaybeUninit::<T>::zeroed();
    // SAFETY: every record begins with its size, and the rest of it may be zero.
    unsafe {
        record.as_mut_ptr().cast::<usize>().write(size_of::<T>());
        record.assume_init()
    }
}

pub(crate) fn new_desktop() -> *mut FlipperDesktop {
    let mut desktop = null_mut();
    // SAFETY: NULL stands for the defaults, and the place is good.
    assert_eq!(unsafe { flipper_desktop_new(null(), &mut desktop) }, FlipperResult::Ok);
    desktop
}

/// An app that comes to the port with TLS.
pub(crate) fn upgrade() -> FlipperUpgrade {
    FlipperUpgrade {
        channel: FlipperChannel::Secure as u32,
        certificate: FlipperCertificate::Bound as u32,
        target: text("/?os=Linux&device=box&device_id=d1&app=Sample&app_id=com.example.sample&sdk_version=4"),
        host: text("localhost:9088"),
        peer: text("127.0.0.1:50000"),
        common_name: text("com.example.sample"),
        device_id: text("d1"),
        ..record()
    }
}

/// A request to that app.
pub(crate) fn request() -> FlipperRequest {
    FlipperRequest { client: text("Sample#Linux#box#d1"), plugin: text("A"), method: text("m"), ..record() }
}
