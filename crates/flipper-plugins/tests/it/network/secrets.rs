//! What never leaves the app, and URLs that the desktop can read.

use flipper_conformance::Result;
use flipper_plugins::network::{Network, Redaction, Request, Response};
use url::Url;

use super::{Watched, body, headers};

fn shown(watched: &mut Watched, url: &str) -> Result<String> {
    watched.network.request(|| Request::new("GET", url)).response(|| Response::new(200)).end();
    let (request, _) = watched.exchange()?;
    Ok(request["url"].as_str().ok_or("no URL")?.to_owned())
}

#[test]
fn credentials_in_headers_are_not_shown() -> Result {
    let mut watched = Watched::new()?;
    let secret = "s3cr3t";
    let exchange = watched.network.request(|| {
        Request::new("GET", "http://a.test/")
            .header("Authorization", "Bearer s3cr3t")
            .header("Cookie", "session=s3cr3t")
            .header("X-API-Key", secret)
            .header("Referer", "http://b.test/?token=s3cr3t")
            .header("accept", "text/html")
    });
    let mut answer = exchange.response(|| {
        Response::new(302)
            .header("Set-Cookie", "session=s3cr3t")
            .header("set-cookie", "other=s3cr3t")
            .header("Location", "/next?access_token=s3cr3t#x")
    });
    answer.trailer("x-auth-token", secret);
    answer.end();
    let (request, response) = watched.exchange()?;
    assert_eq!(headers(&request, "authorization"), ["REDACTED"]);
    assert_eq!(headers(&request, "referer"), ["http://b.test/?token=REDACTED"]);
    assert_eq!(headers(&request, "accept"), ["text/html"]);
    assert_eq!(headers(&response, "set-cookie"), ["REDACTED", "REDACTED"]);
    assert_eq!(headers(&response, "location"), ["/next?access_token=REDACTED#x"]);
    let all = format!("{request}{response}");
    assert!(!all.contains(secret), "{all}");
    Ok(())
}

#[test]
fn credentials_in_urls_are_not_shown() -> Result {
    let mut watched = Watched::new()?;
    for (url, expected) in [
        ("http://ann:s3cr3t@a.test/x", "http://REDACTED@a.test/x"),
        ("http://s3cr3t@a.test:80", "http://REDACTED@a.test:80"),
        ("http://a:s3cr3t@s3cr3t@a.test/@b", "http://REDACTED@a.test/@b"),
        ("http://a.test/users/@ann?q=1", "http://a.test/users/@ann?q=1"),
        ("http://a.test/?q=a@b", "http://a.test/?q=a@b"),
        ("http://a.test/?token=s3cr3t&q=1", "http://a.test/?token=REDACTED&q=1"),
        ("http://a.test/?q=1&TOKEN=s3cr3t", "http://a.test/?q=1&TOKEN=REDACTED"),
        ("http://a.test/?q=1;password=s3cr3t", "http://a.test/?q=1;password=REDACTED"),
        ("http://a.test/?%74oken=s3cr3t", "http://a.test/?%74oken=REDACTED"),
        ("http://a.test/?token%5B%5D=s3cr3t&token[a]=s3cr3t", "http://a.test/?token%5B%5D=REDACTED&token[a]=REDACTED"),
        ("http://a.test/?token=s3cr3t=s3cr3t", "http://a.test/?token=REDACTED"),
        ("http://a.test/#access_token=s3cr3t", "http://a.test/#access_token=REDACTED"),
        ("http://a.test/?q=1?token=s3cr3t", "http://a.test/?q=1?token=REDACTED"),
        ("http://a.test/?token=&tokens=1&token", "http://a.test/?token=&tokens=1&token"),
        ("//ann:s3cr3t@a.test/x", "http://invalid/?url=//REDACTED@a.test/x"),
        ("ann:s3cr3t@a.test/x", "http://invalid/?url=REDACTED@a.test/x"),
        ("http:ann:s3cr3t@a.test/x", "http://invalid/?url=REDACTED@a.test/x"),
        ("http:/\\ann:s3cr3t@a.test/x", "http://invalid/?url=http:/%5CREDACTED@a.test/x"),
        ("http://ann:s3/cr3t@a.test/x", "http://REDACTED@a.test/x"),
        ("/login?password=s3cr3t", "http://invalid/login?password=REDACTED"),
    ] {
        let shown = shown(&mut watched, url)?;
        assert_eq!(shown, expected, "{url}");
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
    Ok(())
}

#[test]
fn credentials_in_forms_and_errors_are_not_shown() -> Result {
    let mut watched = Watched::new()?;
    let url = "http://a.test/?token=s3cr3t";
    let form = || {
        let kind = "application/x-www-form-urlencoded";
        Request::new("POST", url).header("content-type", kind).body(b"user=ann&password=s3cr3t".as_slice())
    };
    watched.network.request(form).fail(format!("no route to {url}"));
    let (request, response) = watched.exchange()?;
    assert_eq!(body(&request), b"user=ann&password=REDACTED");
    assert_eq!(response["reason"], "no route to http://a.test/?token=REDACTED");
    assert_eq!(body(&response), b"no route to http://a.test/?token=REDACTED");
    Ok(())
}

#[test]
fn what_is_hidden_can_be_chosen() -> Result {
    let redaction = Redaction::default()
        .header("x-mine")
        .show_header("Cookie")
        .headers_if(|name| name.starts_with("x-secret-") || panic!("a rule panics: {name}"))
        .parameter("mine")
        .show_parameter("TOKEN")
        .parameters_if(|name| name.ends_with("_id"));
    let mut watched = Watched::with(Network::builder().redaction(redaction).build())?;
    let exchange = watched.network.request(|| {
        Request::new("GET", "http://a.test/?mine=1&token=2&user_id=3&q=4")
            .header("X-Mine", "1")
            .header("x-secret-a", "2")
            .header("accept", "3")
    });
    exchange.response(|| Response::new(200)).end();
    let (request, _) = watched.exchange()?;
    assert_eq!(request["url"], "http://a.test/?mine=REDACTED&token=2&user_id=REDACTED&q=4");
    // What a rule cannot tell is hidden.
    assert_eq!(
        ["x-mine", "x-secret-a", "accept"].map(|name| headers(&request, name)[0]),
        ["REDACTED", "REDACTED", "REDACTED"]
    );

    let mut watched = Watched::with(Network::builder().redaction(Redaction::nothing()).build())?;
    let exchange = watched.network.request(|| Request::new("GET", "http://a:b@a.test/?token=1").header("cookie", "c"));
    exchange.response(|| Response::new(200)).end();
    let (request, _) = watched.exchange()?;
    assert_eq!(request["url"], "http://REDACTED@a.test/?token=1");
    assert_eq!(headers(&request, "cookie"), ["c"]);
    Ok(())
}

#[test]
fn every_url_is_one_that_the_desktop_can_read() -> Result {
    let mut watched = Watched::new()?;
    for (url, expected) in [
        ("https://a.test", "https://a.test"),
        ("HTTPS://A.test:8443/b/c?d#e", "HTTPS://A.test:8443/b/c?d#e"),
        ("http://[::1]:80/", "http://[::1]:80/"),
        ("http://127.0.0.1/", "http://127.0.0.1/"),
        ("ws://a_b.test/", "ws://a_b.test/"),
        ("file:///tmp/x", "file:///tmp/x"),
        ("http://a.test/%zz", "http://a.test/%zz"),
        ("/orders?x=1", "http://invalid/orders?x=1"),
        ("", "http://invalid/?url="),
        ("orders", "http://invalid/?url=orders"),
        ("a.test:443", "http://invalid/?url=a.test:443"),
        ("http://", "http://invalid/?url=http://"),
        ("http:///x", "http://invalid/?url=http:///x"),
        ("http://a b/", "http://invalid/?url=http://a%20b/"),
        ("http://a.test:99999/", "http://invalid/?url=http://a.test:99999/"),
        ("http://[::1/", "http://invalid/?url=http://%5B::1/"),
        ("http://1.2.3.256/", "http://invalid/?url=http://1.2.3.256/"),
        ("http://ä.test/ö", "http://invalid/?url=http://%C3%A4.test/%C3%B6"),
        ("*", "http://invalid/?url=*"),
    ] {
        assert_eq!(shown(&mut watched, url)?, expected, "{url}");
    }

    // Whatever it is, it parses, and its text is still there.
    let parts = [
        "http:", "https:", "//", "/", "\\", "a", "a.test", "xn--", "xn--a", "1", "0x7f", "256.1", ".", "..", ":", "@",
        "[::1]", "[", "]", "%", "%2", "%00", "?", "#", "=", "&", " ", "\t", "\n", "\u{0}", "ä", "💥", "<", "|", "^",
        "80", "99999", "-", "_", "~", "+",
    ];
    let mut number = 1_u64;
    for _ in 0..3000 {
        let mut url = String::new();
        for _ in 0..number % 7 {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            url.push_str(parts[(number >> 33) as usize % parts.len()]);
        }
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) >> 1;
        let url = format!("{}{url}", ["http://", "", "/"][number as usize % 3]);
        let shown = shown(&mut watched, &url)?;
        let parsed = Url::parse(&shown).map_err(|error| format!("{url:?} is shown as {shown:?}: {error}"))?;
        assert!(parsed.has_host() || parsed.scheme() == "file", "{url:?} is shown as {shown:?}");
    }
    Ok(())
}
