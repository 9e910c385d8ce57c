//! Records that C fills in.

use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

use crate::pointer;
use crate::result::FlipperResult;

/// A record that C fills in, and of which all may be zero. Later versions append fields, never in what was padding.
///
/// # Safety
/// It is `repr(C)`, begins with its size, a `usize`, and zeroed bytes are a good value of it.
pub(crate) unsafe trait Record: Copy {}

/// Reads a record. One of an earlier version is shorter, and has zeroes for what came later.
///
/// # Safety
/// `record` is NULL, or points to a record of the size that it says.
pub(crate) unsafe fn read<T: Record>(record: *const T) -> Result<T, FlipperResult> {
    // SAFETY: the caller's promise; every record begins with its size.
    let size = *unsafe { pointer::shared(record.cast::<usize>()) }?;
    if size < size_of::<usize>() || size > size_of::<T>() || !size.is_multiple_of(align_of::<T>()) {
        return Err(FlipperResult::BadSize);
    }
    let mut whole = MaybeUninit::<T>::zeroed();
    // SAFETY: both have `size` bytes, and what is not copied is zero, which is a good value of `T`.
    Ok(unsafe {
        ptr::copy_nonoverlapping(record.cast::<u8>(), whole.as_mut_ptr().cast(), size);
        whole.assume_init()
    })
}

/// Sets what a record has for it, unless that is zero.
pub(crate) fn set<T: From<N>, N: Default + PartialEq>(setting: &mut T, given: N) {
    if given != N::default() {
        *setting = T::from(given);
    }
}

/// As [`set`], for a span in milliseconds.
pub(crate) fn set_span(setting: &mut Duration, given_ms: u64) {
    if given_ms != 0 {
        *setting = Duration::from_millis(given_ms);
    }
}

/// As [`set`], for a size or a count.
pub(crate) fn set_limit(setting: &mut usize, given: u64) -> Result<(), FlipperResult> {
    if given != 0 {
        *setting = usize::try_from(given).map_err(|_| FlipperResult::BadValue)?;
    }
    Ok(())
}

/// As [`set`], for a text.
pub(crate) fn set_text(setting: &mut String, given: Option<&str>) {
    if let Some(text) = given {
        text.clone_into(setting);
    }
}
