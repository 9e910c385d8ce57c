//! The query of the WebSocket URL, as clients of every kind write it.

use flipper_proto::{ClientId, Medium, Query, QueryError, SDK_VERSION};

fn parse(query: &str) -> Result<Query, QueryError> {
    Query::parse(&format!("/?{query}"))
}

const MINIMAL: &str = "os=iOS&device=phone&device_id=unknown&app=Sample";

fn minimal() -> Query {
    let mut query = Query::new("Sample", "iOS", "phone", "unknown");
    query.sdk_version = None;
    query
}

#[test]
fn four_keys_are_required() {
    assert_eq!(parse(MINIMAL), Ok(minimal()));
    for key in ["os", "device", "device_id", "app"] {
        let without: Vec<_> = MINIMAL.split('&').filter(|pair| !pair.starts_with(&format!("{key}="))).collect();
        assert_eq!(parse(&without.join("&")), Err(QueryError::Missing(key)));
    }
    for target in ["", "/", "/sonar", "?", "/?", "/?&&=&=x", "ws://localhost:9088/"] {
        assert_eq!(Query::parse(target), Err(QueryError::Missing("os")), "{target}");
    }
}

#[test]
fn values_may_be_empty_or_without_an_equals_sign() {
    let mut expected = Query::new("", "", "", "");
    expected.sdk_version = None;
    assert_eq!(parse("os=&device=&device_id=&app="), Ok(expected.clone()));
    assert_eq!(parse("os&device&device_id&app"), Ok(expected));
}

#[test]
fn the_path_does_not_matter_and_a_fragment_is_none_of_ours() {
    for target in ["/?", "/sonar?", "?", "ws://localhost:9088/a/b?"] {
        assert_eq!(Query::parse(&format!("{target}{MINIMAL}")), Ok(minimal()));
        assert_eq!(Query::parse(&format!("{target}{MINIMAL}#app=x?y")), Ok(minimal()));
    }
    assert_eq!(parse(&format!("{MINIMAL}&x=a?b")), Ok(minimal()));
}

#[test]
fn values_are_decoded_once() {
    let query = parse("os=a+b&device=a%20b&device_id=%2B%25%26%3D%23&app=%E2%82%AC%2541").unwrap();
    assert_eq!((query.os.as_str(), query.device.as_str()), ("a b", "a b"));
    assert_eq!((query.device_id.as_str(), query.app.as_str()), ("+%&=#", "€%41"));
    let query = parse("os=100%&device=%zz&device_id=a=b=c&app=%2").unwrap();
    assert_eq!((query.os.as_str(), query.device.as_str()), ("100%", "%zz"));
    assert_eq!((query.device_id.as_str(), query.app.as_str()), ("a=b=c", "%2"));
}

#[test]
fn keys_are_decoded_too_and_unknown_ones_ignored() {
    assert_eq!(parse("%6fs=iOS&device=phone&device%5Fid=unknown&app=Sample&x=1&x=2&%ff=3"), Ok(minimal()));
}

#[test]
fn a_key_that_appears_twice_is_refused() {
    for key in ["os", "device", "device_id", "app", "app_id", "sdk_version", "medium", "csr", "csr_path", "foreground"]
    {
        let twice = format!("{MINIMAL}&{key}=1&{key}=1");
        assert_eq!(parse(&twice), Err(QueryError::Duplicate(key)));
    }
    assert_eq!(parse(&format!("{MINIMAL}&%61pp=x")), Err(QueryError::Duplicate("app")));
}

#[test]
fn values_that_are_no_text_are_refused() {
    assert_eq!(parse(&format!("{MINIMAL}&csr_path=%ff")), Err(QueryError::NotText("csr_path")));
    assert_eq!(parse("os=%c3%28&device=&device_id=&app="), Err(QueryError::NotText("os")));
}

#[test]
fn the_medium_is_one_of_three() {
    for (number, medium) in [("1", Medium::FsAccess), ("2", Medium::Www), ("3", Medium::None)] {
        assert_eq!(parse(&format!("{MINIMAL}&medium={number}")).unwrap().medium, Some(medium));
    }
    for bad in ["0", "4", "9", "-1", "1.0", "abc", "", "18446744073709551617"] {
        let error = parse(&format!("{MINIMAL}&medium={bad}"));
        assert_eq!(error, Err(QueryError::BadMedium(bad.into())));
    }
}

#[test]
fn optional_values_that_make_no_sense_are_missing() {
    for bad in ["abc", "", "-4", "4.0", "4294967296"] {
        assert_eq!(parse(&format!("{MINIMAL}&sdk_version={bad}")).unwrap().sdk_version, None, "{bad}");
    }
    for (value, foreground) in [("true", Some(true)), ("false", Some(false)), ("TRUE", None), ("1", None), ("", None)] {
        assert_eq!(parse(&format!("{MINIMAL}&foreground={value}")).unwrap().foreground, foreground);
    }
}

/// The official C++ client writes base64 as it is, and without its last character.
#[test]
fn certificate_requests_are_read_as_well_as_they_can_be() {
    let csr = |text: &str| parse(&format!("{MINIMAL}&csr={text}")).unwrap().csr;
    let some = |text: &str| Some(String::from(text));
    assert_eq!(csr("YWJj"), some("abc"));
    assert_eq!(csr("YWI="), some("ab"));
    assert_eq!(csr("YWI%3D"), some("ab"));
    assert_eq!(csr("YWI"), some("ab"));
    assert_eq!(csr("YQ=="), some("a"));
    assert_eq!(csr("YQ="), some("a"));
    assert_eq!(csr("YWJ"), some("ab"), "\"YWJj\" without its last character");
    assert_eq!(csr("YWJjZ"), some("abc"), "a single character of a group holds no byte");
    assert_eq!(csr("fn5+fn4/"), some("~~~~~?"), "a raw plus is no space");
    assert_eq!(csr("fn5%2Bfn4%2F"), some("~~~~~?"));
    assert_eq!(csr(""), some(""));
    assert_eq!(csr("Z"), some(""));
    for bad in ["!!!!", "a b!", "%20%20", "_-_-", "/w==", "YQ==YQ=="] {
        assert_eq!(csr(bad), None, "{bad}");
    }
}

#[test]
fn a_query_is_written_so_that_every_parser_reads_it_alike() {
    let mut query = Query::new("A&B #1", "Linux", "b+x", "");
    query.app_id = Some(String::from("com.example_a-b~c"));
    query.medium = Some(Medium::None);
    query.foreground = Some(false);
    query.instance_id = Some(String::from("é"));
    query.csr = Some(String::from("~~~~~?"));
    query.csr_path = Some(String::from("/a/b/"));
    assert_eq!(
        query.to_target(),
        "/?os=Linux&device=b%2Bx&device_id=&app=A%26B%20%231&app_id=com.example_a-b~c&sdk_version=4&medium=3\
         &foreground=false&instance_id=%C3%A9&csr=fn5%2Bfn4%2F&csr_path=%2Fa%2Fb%2F"
    );
    assert_eq!(SDK_VERSION, 4);
}

#[test]
fn the_browser_port_has_defaults() {
    let query = Query::parse_browser("/?device=Chrome").unwrap();
    let mut expected = Query::new("Chrome", "MacOS", "Chrome", "Chrome");
    expected.medium = Some(Medium::None);
    assert_eq!(query, expected);

    let query = Query::parse_browser("/?deviceId=7&device=Chrome&app=a&os=Browser&sdk_version=3&medium=1").unwrap();
    let mut expected = Query::new("a", "Browser", "Chrome", "7");
    expected.sdk_version = Some(3);
    expected.medium = Some(Medium::None);
    assert_eq!(query, expected);
    assert_eq!(Query::parse_browser("/?device_id=8&deviceId=7&device=d").unwrap().device_id, "8");
    assert_eq!(Query::parse_browser("/?device_id=&device=d").unwrap().device_id, "");

    assert_eq!(Query::parse_browser("/?app=x"), Err(QueryError::Missing("device")));
    assert_eq!(Query::parse_browser("/?device=a&device=b"), Err(QueryError::Duplicate("device")));
    assert_eq!(Query::parse_browser("/?device=a&medium=7"), Err(QueryError::BadMedium("7".into())));
}

#[test]
fn the_client_id_is_the_official_one() {
    for (app, os, device, device_id, id) in [
        ("Bench", "MacOS", "linuxbox", "", "Bench#MacOS#linuxbox#"),
        ("Totally Other & App#1", "MacOS", "linuxbox", "", "Totally%20Other%20%26%20App%231#MacOS#linuxbox#"),
        ("a@b*c_d+e-f.g/h", "iOS", "x y", "#1", "a@b*c_d+e-f.g/h#iOS#x y##1"),
        ("é€𝄞\n", "Android", "d", "i", "%E9%u20AC%uD834%uDD1E%0A#Android#d#i"),
    ] {
        assert_eq!(ClientId::of(&Query::new(app, os, device, device_id)).as_str(), id);
    }
}
