//! How calls end.

use flipper_proto::ApiMisuse;

/// How a call ended. The numbers never change, and are far from those of `errno`. One that is not given any more stays where it
/// is, as retired, so that it never means anything else.
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
    /// The `size` of a record is none that this version of the library knows.
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

impl FlipperResult {
    /// All of them, with what is to be said to people.
    const EXPLAINED: [(Self, &str); 30] = [
        (Self::Ok, "it did what it says"),
        (Self::Done, "there is nothing more to be polled, until something is told"),
        (Self::Null, "a pointer is NULL that must not be"),
        (Self::InvalidUtf8, "a text is no UTF-8"),
        (Self::InvalidJson, "a text is no JSON"),
        (Self::NotFound, "there is no such thing, or not this time: a field that this kind does not have"),
        (
            Self::BadSize,
            "the size of a record is none that this version of the library knows: set it to sizeof the record",
        ),
        (Self::BadValue, "a number has no meaning where it stands, or a length is larger than any text can be"),
        (Self::Panic, "a fault of this library; the handle can only be freed"),
        (Self::InUse, "another thread is using the handle, or a callback of its own is: one at a time may"),
        (Self::NotConnected, "no session is open"),
        (Self::UnknownPlugin, "no plugin of this id was added"),
        (Self::DuplicatePlugin, "a plugin of this id was added before"),
        (Self::UnknownCall, "the call was answered before, or its session has ended"),
        (Self::TooManyPlugins, "there are as many plugins as there may be"),
        (Self::TooLarge, "the message would be larger than the limit"),
        (Self::UnknownExchange, "the exchange was finished before, or its connection has ended"),
        (Self::TooManyPending, "as many requests wait for their answers as may"),
        (Self::QueueFull, "the peer does not read, and no more may wait for it"),
        (Self::Stopped, "it was stopped, or was not started"),
        (Self::Misuse, "a misuse that this version of the library has no number for"),
        (Self::TimedOut, "it has not come to that within the time"),
        (Self::InCallback, "a callback cannot wait for the end of its own app, which waits for the callback"),
        (Self::AlreadyStarted, "the app was started or stopped before, and starts only once"),
        (Self::NoName, "the app's name or its id is empty"),
        (Self::BadPorts, "FLIPPER_ALT_PORTS or FLIPPER_PORTS does not hold two ports, as 9089,9088"),
        (Self::NoDirectory, "no directory was given, and there is no home directory to have one in"),
        (Self::BadPairing, "the pairing link cannot be read: take it as `flipper pair` prints it"),
        (Self::NotPaired, "certificates over the network need a pairing with the desktop"),
        (Self::NoThreads, "the system starts no more threads, or has nothing for them to wait with"),
    ];

    pub(crate) fn explain(number: u32) -> Option<&'static str> {
        let known = Self::EXPLAINED.iter().find(|(result, _)| *result as u32 == number);
        known.map(|(_, words)| *words)
    }
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
