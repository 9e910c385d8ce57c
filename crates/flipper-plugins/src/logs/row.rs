//! A row as the desktop gets it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use tracing::Metadata;
use tracing::field::{Field, Visit};

use crate::number::MAX_SAFE;
use crate::text::bounded;

/// The params of event `log`: one row, which its `id` tells from all others of the process.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    id: u64,
    /// Unix milliseconds.
    time: u64,
    level: &'static str,
    target: String,
    message: String,
    fields: Fields,
    /// From the outermost to the innermost.
    spans: Vec<SpanRow>,
    #[serde(rename = "spansLeftOut", skip_serializing_if = "is_zero")]
    spans_left_out: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(rename = "module", skip_serializing_if = "Option::is_none")]
    module: Option<&'a str>,
    thread: String,
}

#[derive(Serialize)]
pub(super) struct SpanRow {
    pub(super) name: &'static str,
    pub(super) target: &'static str,
    /// `None` where the span is older than the layer.
    #[serde(serialize_with = "shared_fields", skip_serializing_if = "Option::is_none")]
    pub(super) fields: Option<Arc<Fields>>,
}

fn shared_fields<S: Serializer>(fields: &Option<Arc<Fields>>, serializer: S) -> Result<S::Ok, S::Error> {
    fields.as_deref().serialize(serializer)
}

impl<'a> Row<'a> {
    pub(super) fn new(
        id: u64,
        time: u64,
        metadata: &'a Metadata<'a>,
        mut fields: Fields,
        spans: Vec<SpanRow>,
        spans_left_out: usize,
    ) -> Self {
        let message = fields.take("message").map_or_else(String::new, Value::into_text);
        let mut row = Self {
            id,
            time,
            level: metadata.level().as_str(),
            target: metadata.target().to_owned(),
            message,
            fields,
            spans,
            spans_left_out,
            file: metadata.file().map(str::to_owned),
            line: metadata.line().map(u64::from),
            module: metadata.module_path(),
            thread: thread(),
        };
        if row.target == "log" {
            row.take_log_fields();
        }
        row
    }

    /// Events of crate `log` come through one callsite, and bring where they really come from as fields.
    fn take_log_fields(&mut self) {
        if let Some(target) = self.fields.take("log.target") {
            self.target = target.into_text();
        }
        let _module = self.fields.take("log.module_path");
        if let Some(file) = self.fields.take("log.file") {
            self.file = Some(file.into_text());
        }
        if let Some(Value::Unsigned(line)) = self.fields.take("log.line") {
            self.line = Some(line);
        }
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

fn thread() -> String {
    let thread = std::thread::current();
    thread.name().map_or_else(|| format!("{:?}", thread.id()), str::to_owned)
}

/// A row that stands for those that are missing.
#[derive(Serialize)]
pub(super) struct Gap {
    id: u64,
    time: u64,
    level: &'static str,
    target: &'static str,
    message: String,
    fields: GapFields,
    spans: [(); 0],
}

#[derive(Serialize)]
struct GapFields {
    from: u64,
    until: u64,
}

impl Gap {
    pub(super) fn new(id: u64, from: u64, until: u64) -> Self {
        let seconds = until.saturating_sub(from) / 1_000;
        let message = format!(
            "the events of {seconds} s are missing here: no desktop was there, and there was no more room for events \
             that wait"
        );
        let fields = GapFields { from, until };
        Self { id, time: until, level: "WARN", target: super::Logs::ID, message, fields, spans: [] }
    }
}

/// Fields in their order, each once.
#[derive(Clone, Default)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

/// The value of a field, as the types of `tracing` are.
#[derive(Clone, Serialize)]
#[serde(untagged)]
enum Value {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
    Failure { message: String, sources: Vec<String> },
}

impl Value {
    fn into_text(self) -> String {
        match self {
            Self::Bool(value) => value.to_string(),
            Self::Signed(value) => value.to_string(),
            Self::Unsigned(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(value) => value,
            Self::Failure { message, .. } => message,
        }
    }
}

impl Fields {
    /// What `record` visits.
    pub(super) fn of(text_limit: usize, record: impl FnOnce(&mut dyn Visit)) -> Self {
        let mut visitor = Visitor { fields: Self::default(), text_limit };
        record(&mut visitor);
        visitor.fields
    }

    /// Takes newer values.
    pub(super) fn update(&mut self, newer: Self) {
        for (name, value) in newer.0 {
            self.set(name, value);
        }
    }

    fn set(&mut self, name: &'static str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name, value)),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| *known == name)?;
        Some(self.0.remove(at).1)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

struct Visitor {
    fields: Fields,
    text_limit: usize,
}

impl Visitor {
    fn set(&mut self, field: &Field, value: Value) {
        // A field that is called as a keyword is.
        let name = field.name();
        self.fields.set(name.strip_prefix("r#").unwrap_or(name), value);
    }

    fn set_text(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        let value = Value::Text(bounded(self.text_limit, text));
        self.set(field, value);
    }
}

impl Visit for Visitor {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set_text(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set_text(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, Value::Bool(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        let exact = value.unsigned_abs() <= MAX_SAFE;
        self.set(field, if exact { Value::Signed(value) } else { Value::Text(value.to_string()) });
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, if value <= MAX_SAFE { Value::Unsigned(value) } else { Value::Text(value.to_string()) });
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.set(field, Value::Text(value.to_string())),
        }
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        match u64::try_from(value) {
            Ok(value) => self.record_u64(field, value),
            Err(_) => self.set(field, Value::Text(value.to_string())),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no `NaN` and no infinity.
        self.set(field, if value.is_finite() { Value::Float(value) } else { Value::Text(value.to_string()) });
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.set_text(field, format_args!("{value:02x?}"));
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        let message = bounded(self.text_limit, format_args!("{error}"));
        // An error that is its own source must not be followed for ever.
        let sources: Vec<_> = std::iter::successors(error.source(), |error| (*error).source())
            .take(16)
            .map(|source| bounded(self.text_limit, format_args!("{source}")))
            .collect();
        let value = if sources.is_empty() { Value::Text(message) } else { Value::Failure { message, sources } };
        self.set(field, value);
    }
}
