//! Numbers as JavaScript can hold them.

/// The largest integer up to which a JavaScript number holds every one: 2^53 - 1.
pub(crate) const MAX_SAFE: u64 = (1 << 53) - 1;

/// Writes every integer that JavaScript would round as text.
#[cfg(any(feature = "preferences", feature = "table"))]
pub(crate) fn keep_every_digit(value: &mut serde_json::Value) {
    use serde_json::Value;

    match value {
        Value::Number(number) => {
            // `None` of both is a float, which it holds as it is.
            let size = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
            if size.is_some_and(|size| size > MAX_SAFE) {
                *value = Value::String(number.to_string());
            }
        }
        Value::Array(values) => values.iter_mut().for_each(keep_every_digit),
        Value::Object(fields) => fields.values_mut().for_each(keep_every_digit),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(all(test, feature = "table"))]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_would_be_rounded_becomes_text() {
        let mut value = json!({
            "small": [9_007_199_254_740_991_u64, -9_007_199_254_740_991_i64, 1.5e300, "x", null, true],
            "large": [9_007_199_254_740_992_u64, i64::MIN, u64::MAX],
        });
        let small = value["small"].clone();
        keep_every_digit(&mut value);
        assert_eq!(value["small"], small);
        assert_eq!(value["large"], json!(["9007199254740992", "-9223372036854775808", "18446744073709551615"]));
    }
}
