//! Records of this version and of earlier ones.

use std::mem::MaybeUninit;
use std::ptr;

use crate::pointer;
use crate::result::FlipperResult;

/// A record that C fills in, for which all zero is a good value.
///
/// # Safety
/// It begins with its size, a `usize`, and zeroed bytes are a good value of it.
pub(super) unsafe trait Record: Copy {}

/// Reads a record. One of an earlier version is shorter, and has zeroes for what came later.
///
/// # Safety
/// `record` is NULL, or points to a record of the size that it says.
pub(super) unsafe fn read<T: Record>(record: *const T) -> Result<T, FlipperResult> {
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
