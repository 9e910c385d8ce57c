//! Certificate requests that are to be refused.

use std::time::Duration;

use serde_json::{Value, json};

use super::exchange::without;
use crate::check::desktop::Entry;
use crate::check::desktop::identity::Identity;
use crate::check::desktop::under_test::DesktopUnderTest;
use crate::check::outcome::{Stop, Verdict, excerpt, expect};

pub(super) const ENTRIES: &[Entry] = &[
    Entry::new(
        "refusal/empty-csr",
        "an empty csr is refused: the answer has no deviceId, and no file is written",
        "desktop 0.273",
        |cx| refused(cx, Identity::new()?, |request| request["csr"] = json!("")),
    ),
    Entry::new(
        "refusal/without-csr",
        "a request without csr is refused: the answer has no deviceId, and no file is written",
        "desktop 0.273",
        |cx| refused(cx, Identity::new()?, |request| without(request, "csr")),
    ),
    Entry::new(
        "refusal/csr-of-wrong-type",
        "a csr that is no text is refused: the answer has no deviceId, and no file is written",
        "desktop 0.273",
        |cx| refused(cx, Identity::new()?, |request| request["csr"] = json!(5)),
    ),
    Entry::new(
        "refusal/garbage-csr",
        "a csr that is no certificate request is refused: the answer has no deviceId, and no file is written",
        "desktop 0.273",
        |cx| {
            refused(cx, Identity::new()?, |request| {
                request["csr"] = json!("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n")
            })
        },
    ),
    Entry::new(
        "refusal/signature-of-another-key",
        "a request that is not signed by its own key is refused: the answer has no deviceId, and no file is written",
        "PKCS#10, RFC 2986; this project",
        |cx| {
            let mut identity = Identity::new()?;
            identity.csr = identity.with_broken_signature()?;
            refused(cx, identity, |_| {})
        },
    ),
    Entry::new(
        "refusal/no-common-name",
        "a request without a CN is refused: the answer has no deviceId, and no file is written",
        "desktop 0.273",
        |cx| refused(cx, Identity::named(None)?, |_| {}),
    ),
    Entry::new(
        "refusal/common-name-of-a-path",
        "a CN with other characters than A-Z a-z 0-9 _ . - is refused: the answer has no deviceId, and no file is written",
        "desktop 0.273; flipper#367",
        |cx| refused(cx, Identity::named(Some("../evil"))?, |_| {}),
    ),
    Entry::new(
        "refusal/common-name-of-the-desktop",
        "CN=localhost is refused, which would let an app pose as the desktop: the answer has no deviceId, and no file is written",
        "this project",
        |cx| refused(cx, Identity::named(Some("localhost"))?, |_| {}),
    ),
    Entry::new(
        "refusal/unknown-medium",
        "a medium that does not exist is refused: the answer has no deviceId, and no file is written",
        "desktop 0.162",
        |cx| refused(cx, Identity::new()?, |request| request["medium"] = json!(99)),
    ),
    Entry::new(
        "refusal/no-such-directory",
        "a destination that does not exist is refused: the answer has no deviceId, and no file is written",
        "desktop 0.273",
        |cx| {
            refused(cx, Identity::new()?, |request| {
                let destination = request["destination"].as_str().unwrap_or_default();
                request["destination"] = json!(format!("{destination}nowhere/"));
            })
        },
    ),
    Entry::new(
        "refusal/relative-directory",
        "a destination that is no absolute path is refused: the answer has no deviceId, and no file is written",
        "this project",
        |cx| refused(cx, Identity::new()?, |request| request["destination"] = json!("flipper-conformance/nowhere/")),
    ),
    Entry::new(
        "refusal/without-destination",
        "a request without destination is refused: the answer has no deviceId, and no file is written",
        "this project",
        |cx| refused(cx, Identity::new()?, |request| without(request, "destination")),
    ),
];

/// How long a refusal may take longer than a grant that was asked for after it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Goes on if a request that was spoilt is refused, and a good one after it is granted.
fn refused(cx: &mut DesktopUnderTest, identity: Identity, spoil: impl FnOnce(&mut Value)) -> Verdict {
    let mut talk = cx.exchange()?;
    let spoilt_directory = cx.directory(&identity.csr)?;
    let mut spoilt = DesktopUnderTest::request(&identity.csr, &spoilt_directory);
    spoil(&mut spoilt);
    cx.ask(&mut talk, &spoilt)?;

    // Some desktops answer nothing to what they refuse: then this is answered first.
    let good = Identity::new()?;
    let good_directory = cx.directory(&good.csr)?;
    let request = DesktopUnderTest::request(&good.csr, &good_directory);
    cx.ask(&mut talk, &request)?;
    let mut answers = vec![cx.answer(&mut talk)?];
    let grants = answers[0].get("deviceId").is_some();
    let patience = if grants { PATIENCE.min(cx.patience()) } else { cx.patience() };
    answers.extend(cx.answer_within(&mut talk, patience)?);

    let refusals = answers.iter().filter(|answer| answer.get("deviceId").is_none()).count();
    let shown = || answers.iter().map(|answer| excerpt(&answer.to_string())).collect::<Vec<_>>().join(" ");
    if answers.len() == 1 && grants {
        return Err(Stop::failed("an answer without deviceId", "no answer; the next request was answered"));
    }
    expect(answers.len() == 2 && refusals == 1, "one refusal, and one grant for the next request", shown())?;
    for name in ["sonarCA.crt", "device.crt"] {
        expect(!spoilt_directory.join(name).exists(), "nothing is written", format!("{name} was written"))?;
    }
    let grant = answers.iter().find(|answer| answer.get("deviceId").is_some());
    cx.delivered(grant.unwrap_or(&Value::Null), &request).map(drop)
}
