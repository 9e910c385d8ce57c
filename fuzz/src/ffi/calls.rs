//! Calls of the C functions, as bytes: any bytes are some calls, and every call has bytes.

use flipper_model::{Reader, Writer};

/// A call, with as many numbers and texts as its function takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Which function.
    pub function: Function,
    /// What is done otherwise than usually: the sum of [`NO_HANDLE`] and its like.
    pub flags: u8,
    /// The numbers: ids, fields, sizes, and what records have.
    pub numbers: Vec<u64>,
    /// The texts.
    pub texts: Vec<Text>,
}

/// NULL in the place of the handle.
pub const NO_HANDLE: u8 = 1;
/// NULL in the place of where the result goes.
pub const NO_PLACE: u8 = 2;
/// NULL in the place of a record.
pub const NO_RECORD: u8 = 4;
/// A record of an earlier version, which is shorter.
pub const SHORT_RECORD: u8 = 8;
/// A record whose size is none.
pub const BAD_RECORD: u8 = 16;
/// Nothing is polled after it.
pub const NO_POLLS: u8 = 32;

/// A text as C may pass it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// NULL, of length 0.
    Null,
    /// NULL, of another length.
    NullOfLength(u64),
    /// Memory, and a length that no memory has.
    Endless,
    /// These bytes.
    Bytes(Vec<u8>),
    /// The id of the client that came last.
    Client,
}

/// A function, or several that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Wait,
    ReadAction,
    ReadEvent,
    ClientNew,
    ClientFree,
    ClientStart,
    ClientStop,
    ClientAddPlugin,
    ClientRemovePlugin,
    ClientSend,
    ClientRespond,
    ClientRespondError,
    ClientFail,
    ClientRespondSupported,
    ClientReportError,
    ClientOpened,
    ClientMessage,
    ClientBinary,
    ClientAlive,
    ClientWritable,
    ClientFlushed,
    ClientClosed,
    ClientJobLoaded,
    ClientJobPrepared,
    ClientJobStored,
    ClientJobDone,
    ClientJobFailed,
    ClientTimeout,
    ClientAsk,
    DesktopNew,
    DesktopFree,
    DesktopUpgrade,
    DesktopMessage,
    DesktopBinary,
    DesktopAlive,
    DesktopWritable,
    DesktopClosed,
    DesktopTimeout,
    DesktopGrant,
    DesktopRefuse,
    DesktopInit,
    DesktopDeinit,
    DesktopCall,
    DesktopSupports,
    DesktopRequest,
    DesktopNotify,
    DesktopDisconnect,
    DesktopStop,
    DesktopJudge,
    DesktopAsk,
    AppNew,
    AppFree,
    AppStop,
    AppAddPlugin,
    AppRemovePlugin,
    AppSend,
    AppReportError,
    AppAsk,
    CallOfNobody,
}

/// Every function, with how many numbers and how many texts it takes. The place is its number in bytes.
const FUNCTIONS: &[(Function, u8, u8)] = &[
    (Function::Wait, 1, 0),
    (Function::ReadAction, 2, 0),
    (Function::ReadEvent, 3, 0),
    (Function::ClientNew, 25, 7),
    (Function::ClientFree, 0, 0),
    (Function::ClientStart, 0, 0),
    (Function::ClientStop, 0, 0),
    (Function::ClientAddPlugin, 1, 1),
    (Function::ClientRemovePlugin, 0, 1),
    (Function::ClientSend, 0, 3),
    (Function::ClientRespond, 1, 1),
    (Function::ClientRespondError, 1, 1),
    (Function::ClientFail, 1, 2),
    (Function::ClientRespondSupported, 2, 0),
    (Function::ClientReportError, 0, 3),
    (Function::ClientOpened, 1, 0),
    (Function::ClientMessage, 1, 1),
    (Function::ClientBinary, 1, 1),
    (Function::ClientAlive, 1, 0),
    (Function::ClientWritable, 2, 0),
    (Function::ClientFlushed, 1, 0),
    (Function::ClientClosed, 3, 1),
    (Function::ClientJobLoaded, 5, 5),
    (Function::ClientJobPrepared, 3, 5),
    (Function::ClientJobStored, 4, 4),
    (Function::ClientJobDone, 1, 0),
    (Function::ClientJobFailed, 2, 1),
    (Function::ClientTimeout, 0, 0),
    (Function::ClientAsk, 1, 1),
    (Function::DesktopNew, 16, 2),
    (Function::DesktopFree, 0, 0),
    (Function::DesktopUpgrade, 3, 7),
    (Function::DesktopMessage, 1, 1),
    (Function::DesktopBinary, 1, 1),
    (Function::DesktopAlive, 1, 0),
    (Function::DesktopWritable, 2, 0),
    (Function::DesktopClosed, 3, 1),
    (Function::DesktopTimeout, 0, 0),
    (Function::DesktopGrant, 1, 4),
    (Function::DesktopRefuse, 1, 3),
    (Function::DesktopInit, 0, 2),
    (Function::DesktopDeinit, 0, 2),
    (Function::DesktopCall, 1, 4),
    (Function::DesktopSupports, 1, 4),
    (Function::DesktopRequest, 1, 4),
    (Function::DesktopNotify, 0, 4),
    (Function::DesktopDisconnect, 1, 1),
    (Function::DesktopStop, 0, 0),
    (Function::DesktopJudge, 2, 0),
    (Function::DesktopAsk, 3, 0),
    (Function::AppNew, 15, 8),
    (Function::AppFree, 0, 0),
    (Function::AppStop, 0, 0),
    (Function::AppAddPlugin, 1, 1),
    (Function::AppRemovePlugin, 0, 1),
    (Function::AppSend, 0, 3),
    (Function::AppReportError, 0, 3),
    (Function::AppAsk, 2, 1),
    (Function::CallOfNobody, 0, 2),
];

impl Call {
    /// A call of this function; what it takes beyond these numbers and texts is 0 and NULL.
    #[must_use]
    pub fn new(function: Function, numbers: &[u64], texts: &[Text]) -> Self {
        let (_, number_count, text_count) = FUNCTIONS[place(function)];
        let (mut numbers, mut texts) = (numbers.to_vec(), texts.to_vec());
        numbers.resize(number_count.into(), 0);
        texts.resize(text_count.into(), Text::Null);
        Self { function, flags: 0, numbers, texts }
    }
}

/// Reads calls from bytes, whatever they are.
#[must_use]
pub fn read(bytes: &[u8]) -> Vec<Call> {
    let mut from = Reader::new(bytes);
    std::iter::from_fn(|| read_call(&mut from)).collect()
}

/// Writes bytes that are read as these calls, as far as their texts are not too long.
#[must_use]
pub fn write(calls: &[Call]) -> Vec<u8> {
    let mut to = Writer::default();
    for Call { function, flags, numbers, texts } in calls {
        to.byte(u8::try_from(place(*function)).unwrap_or_default());
        to.byte(*flags);
        numbers.iter().for_each(|number| write_number(&mut to, *number));
        texts.iter().for_each(|text| write_text(&mut to, text));
    }
    to.into_bytes()
}

fn place(function: Function) -> usize {
    FUNCTIONS.iter().position(|(known, ..)| *known == function).unwrap_or_default()
}

fn read_call(from: &mut Reader<'_>) -> Option<Call> {
    let (function, numbers, texts) = FUNCTIONS[usize::from(from.byte()?) % FUNCTIONS.len()];
    let flags = from.byte()?;
    let numbers = (0..numbers).map(|_| read_number(from)).collect::<Option<_>>()?;
    let texts = (0..texts).map(|_| read_text(from)).collect::<Option<_>>()?;
    Some(Call { function, flags, numbers, texts })
}

/// Small numbers are one byte, and so are some that are near a bound.
fn read_number(from: &mut Reader<'_>) -> Option<u64> {
    Some(match from.byte()? {
        250 => from.short()?.into(),
        251 => from.long()?,
        252 => u64::MAX,
        253 => u64::MAX - 1,
        254 => u64::MAX / 2,
        255 => u64::from(u32::MAX),
        small => small.into(),
    })
}

fn write_number(to: &mut Writer, number: u64) {
    match (u8::try_from(number), u16::try_from(number)) {
        (Ok(small @ 0..250), _) => to.byte(small),
        (_, Ok(short)) => {
            to.byte(250);
            to.short(short);
        }
        _ => {
            to.byte(251);
            to.long(number);
        }
    }
}

fn read_text(from: &mut Reader<'_>) -> Option<Text> {
    Some(match from.byte()? % 16 {
        0 => Text::Null,
        1 => Text::NullOfLength(read_number(from)?),
        2 => Text::Endless,
        3 => Text::Client,
        _ => Text::Bytes(from.bytes()?.to_vec()),
    })
}

fn write_text(to: &mut Writer, text: &Text) {
    match text {
        Text::Null => to.byte(0),
        Text::NullOfLength(length) => {
            to.byte(1);
            write_number(to, *length);
        }
        Text::Endless => to.byte(2),
        Text::Client => to.byte(3),
        Text::Bytes(bytes) => {
            to.byte(4);
            to.bytes(bytes);
        }
    }
}
