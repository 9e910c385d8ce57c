//! Errors as the wire has them.

use flipper_proto::ErrorReport;

use crate::pointer::FlipperStr;
use crate::record::{self, Record};
use crate::result::FlipperResult;

/// An error that is told to the desktop. Only the message is needed.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FlipperErrorReport {
    /// `sizeof(flipper_error_report)`.
    pub size: usize,
    /// What went wrong.
    pub message: FlipperStr,
    /// The kind of error, for programs. NULL: none.
    pub name: FlipperStr,
    /// Where it went wrong, for people. NULL: none.
    pub stacktrace: FlipperStr,
    /// What to do about it. NULL: nothing is known. Only desktops of this project show it.
    pub hint: FlipperStr,
}

// SAFETY: it is as the trait wants it; all fields are numbers and texts.
unsafe impl Record for FlipperErrorReport {
    const FIRST: usize = size_of::<Self>();
}

impl FlipperErrorReport {
    /// # Safety
    /// `record` is NULL, or points to a record of the size that it says, with good texts in it.
    pub(crate) unsafe fn read(record: *const Self) -> Result<ErrorReport, FlipperResult> {
        // SAFETY: the caller's promise.
        unsafe {
            let record = record::read(record)?;
            let mut report = ErrorReport::new(record.message.read_required()?);
            report.name = record.name.read_optional()?.map(str::to_owned);
            report.stacktrace = record.stacktrace.read_optional()?.map(str::to_owned);
            report.hint = record.hint.read_optional()?.map(str::to_owned);
            Ok(report)
        }
    }
}
