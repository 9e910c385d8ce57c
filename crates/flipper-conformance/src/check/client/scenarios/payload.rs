//! What travels in calls and events.

use serde_json::{Value, json};

use crate::check::client::Entry;
use crate::check::client::session::{PLUGIN, Session};
use crate::check::outcome::{Verdict, excerpt, expect, expect_eq};

pub(super) const ENTRIES: &[Entry] = &[
    Entry::session("payload/values", "every kind of JSON value comes back from `echo` as it is", "RFC 8259", values),
    Entry::session(
        "payload/unicode",
        "text of every script comes back from `echo`, escaped or not",
        "RFC 8259, section 7; C++ client",
        unicode,
    ),
    Entry::session(
        "payload/numbers-verbatim",
        "numbers come back from `echo` digit by digit: 1.10 does not become 1.1",
        "this project",
        numbers_verbatim,
    ),
    Entry::session("payload/deeply-nested", "100 levels of nesting are none too many", "this project", deeply_nested),
    Entry::session("payload/1-mib", "a call and an answer of 1 MiB", "flipper#3908", |session| large(session, 1 << 20)),
    Entry::session("payload/8-mib", "a call and an answer of 8 MiB", "flipper#3908; desktop, no limit", |session| {
        large(session, 8 << 20)
    }),
    Entry::session(
        "events/in-order",
        "events carry no id, and arrive completely and in the order in which they were sent",
        "C++ client; desktop, isWsResponseMessage",
        events_in_order,
    ),
    Entry::session("events/large", "an event of 1 MiB", "flipper#3908", large_event),
];

fn values(session: &mut Session) -> Verdict {
    session.needs(&["echo"])?;
    let values = json!({
        "object": {"empty": {}, "": "an empty key"}, "array": [[], [1, [2]]], "text": "", "null": null,
        "true": true, "false": false, "integer": -42, "fraction": 0.5, "large": 9_007_199_254_740_991_u64,
    });
    expect_eq("echo", &session.success("echo", values.clone())?, &values)
}

fn unicode(session: &mut Session) -> Verdict {
    session.needs(&["echo"])?;
    let text = "ASCII \"quoted\" \\ / \u{8}\t\n\u{0}\u{7f} ä ß Ж 漢字 \u{1F980} \u{200D}\u{2028}\u{FEFF}\u{FFFD}";
    expect_eq("echo", &session.success("echo", json!({"text": text}))?, &json!({"text": text}))?;
    // The same text with every character that can be escaped written so, those beyond 16 bits as two.
    let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    let id = 1_000_001;
    session.expect_answer(id);
    session.send(&format!(
        r#"{{"id":{id},"method":"execute","params":{{"api":"{PLUGIN}","method":"echo","params":{{"text":"{escaped}"}}}}}}"#
    ))?;
    session.answer(id)?.expect_success(&json!({"text": text}))
}

fn numbers_verbatim(session: &mut Session) -> Verdict {
    session.needs(&["echo"])?;
    let numbers = "[1.10,-0.0,1e2,12345678901234567890,0.1000000000000000055511151231257827]";
    let id = 1_000_002;
    session.expect_answer(id);
    session.send(&format!(
        r#"{{"id":{id},"method":"execute","params":{{"api":"{PLUGIN}","method":"echo","params":{{"numbers":{numbers}}}}}}}"#
    ))?;
    let answer = session.answer(id)?;
    let compact: String = answer.text.chars().filter(|character| !character.is_whitespace()).collect();
    expect(compact.contains(numbers), numbers, excerpt(&answer.text))
}

fn deeply_nested(session: &mut Session) -> Verdict {
    session.needs(&["echo"])?;
    let nested = (0..100).fold(json!("innermost"), |inner, _| json!({ "in": inner }));
    let answer = session.success("echo", nested.clone())?;
    expect(answer == nested, "the same 100 levels", excerpt(&answer.to_string()))
}

fn large(session: &mut Session, size: usize) -> Verdict {
    session.needs(&["echo"])?;
    let text: String = "0123456789abcdef".chars().cycle().take(size).collect();
    let answer = session.success("echo", json!({"text": text}))?;
    let came = answer["text"].as_str().map_or(0, str::len);
    expect(answer["text"] == text, format!("the same {size} bytes"), format!("{came} bytes, or others"))
}

fn events_in_order(session: &mut Session) -> Verdict {
    session.needs(&["emit"])?;
    expect_eq("emit", &session.success("emit", json!({"count": 1000, "size": 100}))?, &json!({"queued": 1000}))?;
    for index in 0..1000_u64 {
        let row = session.event("row")?;
        expect(row["index"] == index, format!("row {index}"), excerpt(&row.to_string()))?;
        expect(data_size(&row) == 100, "100 bytes of data", excerpt(&row.to_string()))?;
    }
    Ok(())
}

fn large_event(session: &mut Session) -> Verdict {
    session.needs(&["emit"])?;
    expect_eq("emit", &session.success("emit", json!({"count": 1, "size": 1 << 20}))?, &json!({"queued": 1}))?;
    let row = session.event("row")?;
    expect(data_size(&row) == 1 << 20, "1 MiB of data", format!("{} bytes", data_size(&row)))
}

fn data_size(row: &Value) -> usize {
    row["data"].as_str().map_or(0, str::len)
}
