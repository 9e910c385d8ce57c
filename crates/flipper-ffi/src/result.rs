//! How calls end.

use flipper_proto::ApiMisuse;

/// How a call ended. The numbers never change, and are far from those of `errno`; one that is retired is not given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum FlipperResult {
    /// It did what it says.
    Ok = 0,
    /// There is nothing more to be polled. This is no error.
    Done = 9_001,
    /// A pointer is NULL that must not be.
    Null = 9_002,
    /// A text is no UTF-8.
    InvalidUtf8 = 9_003,
    /// A text is no JSON.
    InvalidJson = 9_004,
    /// An action or an event of this kind has no such field, or has it not this time.
    NotFound = 9_005,
    /// The `size` of a record is not that of this version of the library.
    BadSize = 9_006,
    /// A number has no meaning where it stands, or a length is larger than any text can be.
    BadValue = 9_007,
    /// A fault of this library; the handle can only be freed.
    Panic = 9_008,
    /// Another thread is using the handle, or a callback of its own is.
    InUse = 9_009,
    /// No session is open.
    NotConnected = 9_101,
    /// No plugin of this id was added.
    UnknownPlugin = 9_102,
    /// A plugin of this id was added before.
    DuplicatePlugin = 9_103,
    /// The call was answered before, or its session has ended.
    UnknownCall = 9_104,
    /// There are as many plugins as there may be.
    TooManyPlugins = 9_105,
    /// The message would be larger than the limit.
    TooLarge = 9_106,
    /// The exchange was finished before, or its connection has ended.
    UnknownExchange = 9_107,
    /// As many requests wait for their answers as may.
    TooManyPending = 9_108,
    /// The peer does not read, and no more may wait for it.
    QueueFull = 9_109,
    /// It was stopped, or was not started.
    Stopped = 9_110,
    /// Another misuse.
    Misuse = 9_199,
    /// It has not come to that within the time.
    TimedOut = 9_201,
    /// A callback cannot wait for the end of its own app, which waits for the callback.
    InCallback = 9_202,
    /// The app was started or stopped before, and starts only once.
    AlreadyStarted = 9_203,
    /// The app's name or its id is empty.
    NoName = 9_204,
    /// FLIPPER_ALT_PORTS or FLIPPER_PORTS does not hold two ports, as 9089,9088.
    BadPorts = 9_205,
    /// No directory was given, and there is no home directory to have one in.
    NoDirectory = 9_206,
    /// The pairing link cannot be read.
    BadPairing = 9_207,
    /// Certificates over the network need a pairing with the desktop.
    NotPaired = 9_208,
    /// The system starts no more threads, or has nothing for them to wait with.
    NoThreads = 9_209,
}

impl From<ApiMisuse> for FlipperResult {
    fn from(misuse: ApiMisuse) -> Self {
        match misuse {
            ApiMisuse::NotConnected => Self::NotConnected,
            ApiMisuse::UnknownPlugin => Self::UnknownPlugin,
            ApiMisuse::DuplicatePlugin => Self::DuplicatePlugin,
            ApiMisuse::UnknownCall => Self::UnknownCall,
            ApiMisuse::UnknownExchange => Self::UnknownExchange,
            ApiMisuse::TooManyPending { .. } => Self::TooManyPending,
            ApiMisuse::QueueFull { .. } => Self::QueueFull,
            ApiMisuse::TooManyPlugins { .. } => Self::TooManyPlugins,
            ApiMisuse::TooLarge { .. } => Self::TooLarge,
            _ => Self::Misuse,
        }
    }
}

impl From<Result<(), Self>> for FlipperResult {
    fn from(result: Result<(), Self>) -> Self {
        result.err().unwrap_or(Self::Ok)
    }
}
