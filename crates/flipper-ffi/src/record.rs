//! Records that C fills in.

use std::mem::MaybeUninit;
use std::ptr;
use std::time::Duration;

use crate::pointer;
use crate::result::FlipperResult;

/// A record that begins with its size. Later versions append fields, never in what was padding, and read those of earlier
/// ones as if everything that they lack were zero.
///
/// # Safety
/// It is `repr(C)`, its first field is a `usize`, and all of it may be zero.
pub(crate) unsafe trait Record: Copy {
    /// The size of its first version.
    const FIRST: usize;
}

/// Copies a record.
///
/// # Safety
/// `record` is NULL, or points to a record of the size that it says.
pub(crate) unsafe fn read<T: Record>(record: *const T) -> Result<T, FlipperResult> {
    // SAFETY: the caller's promise; every record begins with its size.
    let size = *unsafe { pointer::shared(record.cast::<usize>()) }?;
    if !(T::FIRST..=size_of::<T>()).contains(&size) {
        return Err(FlipperResult::BadSize);
    }
    let mut known = MaybeUninit::<T>::zeroed();
    // SAFETY: there are as many bytes as the record says, which are no more than a `T` has; and where they end, zero is good.
    unsafe {
        ptr::copy_nonoverlapping(record.cast::<u8>(), known.as_mut_ptr().cast(), size);
        Ok(known.assume_init())
    }
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
