//! Records that C fills in.

use flipper_proto::client::{Config, Credentials};
use flipper_proto::{Generation, Instant, Medium};

use crate::pointer::{self, FlipperStr};
use crate::result::FlipperResult;

/// What an app tells a client before it starts.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FlipperClientConfig {
    /// `sizeof(flipper_client_config)`.
    pub size: usize,
    /// The app's name.
    pub app: FlipperStr,
    /// The app's bundle id.
    pub app_id: FlipperStr,
    /// The operating system; presented unless a desktop refuses it.
    pub os: FlipperStr,
    /// The device's name.
    pub device: FlipperStr,
    /// A stable id of the device.
    pub device_id: FlipperStr,
    /// Where the jitter of waits comes from.
    pub seed: u64,
}

impl FlipperClientConfig {
    /// # Safety
    /// `record` is NULL or points to a record of the size that it says, with good texts in it.
    pub(crate) unsafe fn read(record: *const Self) -> Result<Config, FlipperResult> {
        // SAFETY: the caller's promise.
        let Self { app, app_id, os, device, device_id, seed, .. } = *unsafe { sized(record) }?;
        // SAFETY: the caller's promise.
        unsafe {
            let mut config = Config::new(app.read()?, app_id.read()?);
            config.os = flipper_proto::client::Os::Automatic(os.read()?.to_owned());
            config.device = device.read()?.to_owned();
            config.device_id = device_id.read()?.to_owned();
            config.seed = seed;
            Ok(config)
        }
    }
}

/// What a client knows of credentials.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FlipperCredentials {
    /// `sizeof(flipper_credentials)`.
    pub size: usize,
    /// Which ones.
    pub generation: u64,
    /// The device id that the desktop answered. May be empty.
    pub device_id: FlipperStr,
    /// The operating system that was presented, where it was not the real one; else NULL.
    pub os: FlipperStr,
    /// The certificate request, PEM.
    pub csr: FlipperStr,
    /// The directory that the desktop finds it in, with a trailing separator.
    pub csr_path: FlipperStr,
    /// When the first of the certificates expires, on the caller's clock.
    pub valid_until_ms: u64,
    /// The medium that they came by: 1, 2 or 3.
    pub medium: u8,
}

impl FlipperCredentials {
    /// # Safety
    /// As [`FlipperClientConfig::read`].
    pub(crate) unsafe fn read(record: *const Self) -> Result<Credentials, FlipperResult> {
        // SAFETY: the caller's promise.
        let record = unsafe { sized(record) }?;
        // SAFETY: the caller's promise.
        unsafe {
            Ok(Credentials {
                generation: Generation::from_u64(record.generation),
                device_id: record.device_id.read()?.to_owned(),
                medium: Medium::from_number(u64::from(record.medium)).ok_or(FlipperResult::BadValue)?,
                os: record.os.read_optional()?.map(str::to_owned),
                csr: record.csr.read()?.to_owned(),
                csr_path: record.csr_path.read()?.to_owned(),
                valid_until: Instant::from_millis(record.valid_until_ms),
            })
        }
    }
}

/// A record of this version. Its size comes first, and nothing else is looked at before that is known to be right.
///
/// # Safety
/// `record` is NULL, or points to a record of the size that it says.
pub(crate) unsafe fn sized<'a, T>(record: *const T) -> Result<&'a T, FlipperResult> {
    // SAFETY: the caller's promise; every record begins with its size.
    let size = *unsafe { pointer::shared(record.cast::<usize>()) }?;
    if size != size_of::<T>() {
        return Err(FlipperResult::BadSize);
    }
    // SAFETY: the caller's promise, and it is as large as a `T`.
    unsafe { pointer::shared(record) }
}
