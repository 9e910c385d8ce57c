//! Reads a message of a session in one pass.
//!
//! One scan finds the envelope (`id`, `method`, `success`, `error`) and, inside `params`, what the requests of a desktop
//! carry (`plugin`, `api`, `method`, `params`). The values that belong to plugins stay raw, wherever they stand, and
//! are skipped without recursion, so that neither their size nor their depth costs more than reading past them.

use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Excerpt, ProtocolError};
use crate::identity::PluginId;
use crate::ids::MessageId;

/// The fields of a message that have a meaning in a session.
#[derive(Debug, Default)]
pub(crate) struct Envelope<'a> {
    pub(crate) id: Option<Result<MessageId, Excerpt>>,
    pub(crate) method: Field<Cow<'a, str>>,
    pub(crate) params: Field<Params<'a>>,
    pub(crate) success: Option<&'a RawValue>,
    pub(crate) error: Option<&'a RawValue>,
    duplicate: Option<&'static str>,
}

/// The fields of `params` that have a meaning in a session.
#[derive(Debug, Default)]
pub(crate) struct Params<'a> {
    pub(crate) plugin: Field<Cow<'a, str>>,
    pub(crate) api: Field<Cow<'a, str>>,
    pub(crate) method: Field<Cow<'a, str>>,
    pub(crate) params: Option<&'a RawValue>,
    duplicate: Option<&'static str>,
}

/// A field that may be missing or have the wrong JSON type. `null` counts as missing.
#[derive(Debug, Default)]
pub(crate) enum Field<T> {
    #[default]
    Missing,
    WrongType,
    Is(T),
}

impl<T> Field<T> {
    pub(crate) fn required(self, name: &'static str) -> Result<T, ProtocolError> {
        match self {
            Self::Missing => Err(ProtocolError::Missing(name)),
            Self::WrongType => Err(ProtocolError::WrongType(name)),
            Self::Is(value) => Ok(value),
        }
    }
}

impl<'a> Envelope<'a> {
    /// Reads one message.
    ///
    /// # Errors
    /// When the text is no JSON, or no JSON object.
    pub(crate) fn decode(text: &'a str) -> Result<Self, ProtocolError> {
        let mut json = serde_json::Deserializer::from_str(text);
        let envelope = json
            .deserialize_any(EnvelopeVisitor)
            .and_then(|envelope| json.end().map(|()| envelope))
            .map_err(|error| ProtocolError::Json { at: offset(text, &error) })?;
        envelope.ok_or(ProtocolError::WrongType("message"))
    }

    /// The id, if there is a good one.
    pub(crate) fn good_id(&self) -> Option<MessageId> {
        self.id.as_ref().and_then(|id| id.as_ref().ok().copied())
    }

    /// What is wrong with the envelope as such: a key that stands twice, or an id that is none.
    pub(crate) fn fault(&self) -> Option<ProtocolError> {
        if let Some(Err(id)) = &self.id {
            return Some(ProtocolError::BadId(id.clone()));
        }
        let inner = if let Field::Is(params) = &self.params { params.duplicate } else { None };
        self.duplicate.or(inner).map(ProtocolError::Duplicate)
    }
}

/// Where in `text` serde_json noticed `error`, in bytes.
pub(crate) fn offset(text: &str, error: &serde_json::Error) -> usize {
    if error.is_eof() {
        return text.len();
    }
    let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    (line_start + error.column().saturating_sub(1)).min(text.len())
}

struct EnvelopeVisitor;

impl<'de> Visitor<'de> for EnvelopeVisitor {
    /// `None` stands for JSON that is no object.
    type Value = Option<Envelope<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a message")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut it = Envelope::default();
        let mut seen = Seen::default();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            if seen.again(key) {
                it.duplicate.get_or_insert(key.name());
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            match key {
                Key::Id => it.id = decode_id(map.next_value()?),
                Key::Method => it.method = map.next_value_seed(StringSeed)?,
                Key::Params => it.params = map.next_value_seed(ParamsSeed)?,
                Key::Success => it.success = Some(map.next_value()?),
                Key::Error => it.error = Some(map.next_value()?),
                Key::Plugin | Key::Api | Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Some(it))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        drain(seq).map(|()| None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }
}

struct ParamsSeed;

impl<'de> DeserializeSeed<'de> for ParamsSeed {
    type Value = Field<Params<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ParamsSeed {
    type Value = Field<Params<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("params")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut it = Params::default();
        let mut seen = Seen::default();
        while let Some(key) = map.next_key_seed(KeySeed)? {
            if seen.again(key) {
                it.duplicate.get_or_insert(key.name());
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            match key {
                Key::Plugin => it.plugin = map.next_value_seed(StringSeed)?,
                Key::Api => it.api = map.next_value_seed(StringSeed)?,
                Key::Method => it.method = map.next_value_seed(StringSeed)?,
                Key::Params => it.params = Some(map.next_value()?),
                Key::Id | Key::Success | Key::Error | Key::Other => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Field::Is(it))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        drain(seq).map(|()| Field::WrongType)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Field::Missing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Field::WrongType)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Field::WrongType)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Field::WrongType)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Field::WrongType)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Field::WrongType)
    }
}

/// Reads a string without copying it, unless it holds escapes.
struct StringSeed;

impl<'de> DeserializeSeed<'de> for StringSeed {
    type Value = Field<Cow<'de, str>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StringSeed {
    type Value = Field<Cow<'de, str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Field::Is(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Field::Is(Cow::Owned(text.into())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Field::Missing)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::WrongType)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        drain(seq).map(|()| Field::WrongType)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Field::WrongType)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Field::WrongType)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Field::WrongType)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Field::WrongType)
    }
}

/// The plugins that the answer to `getPlugins` names, each once, up to a limit.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) kept: Vec<PluginId>,
    /// Whether there were more than the limit.
    pub(crate) truncated: bool,
}

/// Reads `{"plugins":["A","B"]}`.
///
/// # Errors
/// When there is no array of strings.
pub(crate) fn decode_plugins(json: &str, max: usize) -> Result<Names, ProtocolError> {
    #[derive(serde::Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        plugins: &'a RawValue,
    }
    let answer: Answer<'_> = decode_as(json, "plugins")?;
    decode_names(answer.plugins.get(), max)
}

/// The names of plugins in an array.
///
/// # Errors
/// As [`decode_plugins`].
pub(crate) fn decode_names(json: &str, max: usize) -> Result<Names, ProtocolError> {
    let mut names = serde_json::Deserializer::from_str(json);
    names.deserialize_seq(NamesVisitor { max }).map_err(|_| ProtocolError::WrongType("plugins"))
}

/// Keeps no more than the limit in memory, however many come.
struct NamesVisitor {
    max: usize,
}

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the names of plugins")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Names, A::Error> {
        let mut names = Names::default();
        let mut seen = BTreeSet::new();
        while let Some(name) = seq.next_element::<Cow<'_, str>>()? {
            if seen.contains(&*name) {
                continue;
            }
            if names.kept.len() >= self.max {
                names.truncated = true;
                drain(seq)?;
                break;
            }
            let name = PluginId::new(&name);
            seen.insert(name.clone());
            names.kept.push(name);
        }
        Ok(names)
    }
}

#[derive(Clone, Copy, Debug)]
enum Key {
    Id,
    Method,
    Params,
    Success,
    Error,
    Plugin,
    Api,
    Other,
}

impl Key {
    fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Method => "method",
            Self::Params => "params",
            Self::Success => "success",
            Self::Error => "error",
            Self::Plugin => "plugin",
            Self::Api => "api",
            Self::Other => "",
        }
    }
}

/// Which keys an object has had so far.
#[derive(Default)]
struct Seen(u8);

impl Seen {
    fn again(&mut self, key: Key) -> bool {
        if matches!(key, Key::Other) {
            return false;
        }
        let bit = 1 << key as u8;
        let again = self.0 & bit != 0;
        self.0 |= bit;
        again
    }
}

struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            "id" => Key::Id,
            "method" => Key::Method,
            "params" => Key::Params,
            "success" => Key::Success,
            "error" => Key::Error,
            "plugin" => Key::Plugin,
            "api" => Key::Api,
            _ => Key::Other,
        })
    }
}

fn drain<'de, A: SeqAccess<'de>>(mut seq: A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// `None` for `null`, which counts as no id.
fn decode_id(raw: &RawValue) -> Option<Result<MessageId, Excerpt>> {
    let text = raw.get();
    if text == "null" {
        return None;
    }
    let good = text.bytes().all(|byte| byte.is_ascii_digit());
    let id = if good { text.parse().ok().and_then(MessageId::new) } else { None };
    Some(id.ok_or_else(|| Excerpt::new(text)))
}

/// Reads a JSON object, and tells one of the wrong shape apart from what is no JSON.
///
/// # Errors
/// As [`Envelope::decode`].
pub(crate) fn decode_as<'a, T: serde::Deserialize<'a>>(text: &'a str, what: &'static str) -> Result<T, ProtocolError> {
    let value = serde_json::from_str(text).map_err(|error| {
        if error.is_data() { ProtocolError::WrongType(what) } else { ProtocolError::Json { at: offset(text, &error) } }
    })?;
    // Serde takes an array for a struct whose fields come in order.
    if text.trim_start().starts_with('[') { Err(ProtocolError::WrongType(what)) } else { Ok(value) }
}
