//! Who is let in: origins, hosts, queries, certificates, limits.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

mod desk;

use flipper_proto::desktop::{
    Action, AddressError, Admission, Channel, Config, Event, Grant, Host, Origin, PeerIdentity, Refusal, Timer, Upgrade,
};
use flipper_proto::{CloseCode, Excerpt, Medium, QueryError};

use self::desk::{Desk, bound, excerpt, from_here, id, target, unbound};

const QUERY: &str = "/?os=Linux&device=box&device_id=d1&app=A";

fn request<'a>(host: &'a str, origin: Option<&'a str>) -> Upgrade<'a> {
    Upgrade { origin, ..from_here(host, QUERY) }
}

/// Whether a desktop with this configuration lets the request in. Nothing may be left of one that it does not.
fn lets_in(config: &Config, channel: Channel, upgrade: Upgrade<'_>) -> bool {
    let mut desk = Desk::with(config.clone());
    let admission = desk.upgrade(channel.clone(), upgrade);
    desk.actions();
    match admission {
        Admission::Accept(_) => {
            desk.events();
            true
        }
        Admission::Reject { status, reason } => {
            assert_eq!(status, 401, "official Android clients come back after no other status");
            let peer = upgrade.peer.to_string().into();
            assert_eq!(desk.event(), Event::ConnectionRefused { channel, peer, reason });
            assert_eq!((desk.desktop.connections(), desk.desktop.counters().refused_connections), (0, 1));
            false
        }
        Admission::AcceptThenClose { reason, .. } => panic!("{reason}"),
    }
}

#[test]
fn origins_on_the_browser_port() {
    let good = [
        None,
        Some("http://localhost:3000"),
        Some("http://localhost"),
        Some("https://localhost:8443"),
        Some("https://localhost"),
        Some("http://127.0.0.1:3000"),
        Some("https://127.0.0.1"),
        Some("http://[::1]:3000"),
        Some("http://[0:0:0:0:0:0:0:1]"),
        Some("HTTP://LocalHost:3000"),
        Some("http://localhost:"),
        // What Node programs give, since the official desktop wants it so.
        Some("localhost:"),
        Some("localhost:3000"),
        Some("LOCALHOST:"),
    ];
    let evil = [
        "",
        "null",
        "file://",
        "localhost",
        "localhost:evil.com",
        "localhost:evil",
        "localhost:70000",
        "localhost:3000/",
        "http://localhost:evil.com",
        "http://localhost.evil.com",
        "http://localhost.evil.com:3000",
        "http://evil.com",
        "http://evil.com/http://localhost:3000",
        "http://evillocalhost:3000",
        "http://localhost.:3000",
        "http://.localhost:3000",
        "http://localhost@evil.com",
        "http://evil.com@localhost:3000",
        "http://user:pass@localhost:3000",
        "http://localhost:3000@evil.com",
        "http://localhost:3000/",
        "http://localhost:3000?x",
        "http://localhost:3000#x",
        "http://localhost:99999",
        "http://localhost:+80",
        "http://localhost:3000, http://localhost:3000",
        " http://localhost:3000",
        "http://localhost:3000 ",
        "http:/localhost:3000",
        "http:localhost:3000",
        "://localhost:3000",
        "http://",
        "http://:3000",
        "ws://localhost:3000",
        "ftp://localhost",
        "chrome-extension://localhost",
        "data:text/html,x",
        "http://127.0.0.2:3000",
        "http://127.1:3000",
        "http://2130706433",
        "http://0x7f.0.0.1",
        "http://127.0.0.1.evil.com",
        "http://0.0.0.0:3000",
        "http://10.0.2.2:3000",
        "http://192.168.1.7:3000",
        "http://::1:3000",
        "http://[::1",
        "http://[::1]evil.com",
        "http://[::ffff:127.0.0.1]:3000",
        "http://[::2]",
        "http://localhost\u{0}",
        "http://lоcalhost:3000", // with a Cyrillic о
        "http://ｌocalhost",
    ];

    let config = Config::new();
    for origin in good {
        assert!(lets_in(&config, Channel::Browser, request("localhost:8333", origin)), "{origin:?}");
    }
    for origin in evil {
        assert!(!lets_in(&config, Channel::Browser, request("localhost:8333", Some(origin))), "{origin:?}");
    }
}

#[test]
fn from_another_machine_the_browser_port_is_for_allowed_origins_only() {
    let mut config = Config::new();
    config.known_hosts = vec!["desk.lan".parse().unwrap()];
    config.allowed_origins = vec!["http://phone.lan:3000".parse().unwrap()];
    let from = |peer: &str, origin| Upgrade { peer: peer.parse().unwrap(), ..request("desk.lan:8333", origin) };
    let elsewhere = ["192.168.1.9:4711", "[fe80::9]:4711", "[::ffff:192.168.1.9]:4711", "10.0.2.15:4711"];
    let origins = [
        None,
        Some("localhost:"),
        Some("localhost:8333"),
        Some("http://localhost:3000"),
        Some("http://127.0.0.1:3000"),
        Some("http://desk.lan:8333"),
    ];
    for origin in origins {
        for peer in ["127.0.0.1:4711", "127.9.9.9:4711", "[::1]:4711", "[::ffff:127.0.0.1]:4711"] {
            assert!(lets_in(&config, Channel::Browser, from(peer, origin)), "{peer} {origin:?}");
        }
        for peer in elsewhere {
            assert!(!lets_in(&config, Channel::Browser, from(peer, origin)), "{peer} {origin:?}");
        }
    }
    for peer in elsewhere {
        assert!(lets_in(&config, Channel::Browser, from(peer, Some("http://phone.lan:3000"))), "{peer}");
        // The ports of apps ask for certificates, and not where somebody is.
        assert!(lets_in(&config, Channel::Insecure, from(peer, None)), "{peer}");
        assert!(lets_in(&config, Channel::Secure(unbound()), from(peer, None)), "{peer}");
    }
}

#[test]
fn origins_on_the_ports_of_apps() {
    let secure = || Channel::Secure(unbound());
    let table = [
        // Official iOS clients make an origin of what they dial.
        (Channel::Insecure, "localhost:9089", "http://localhost:9089", true),
        (secure(), "localhost:9088", "https://localhost:9088", true),
        (Channel::Insecure, "LOCALHOST:9089", "http://localhost:9089", true),
        (Channel::Insecure, "127.0.0.1:9089", "http://127.0.0.1:9089", true),
        (Channel::Insecure, "[::1]:9089", "http://[::1]:9089", true),
        (Channel::Insecure, "10.0.2.2:9089", "http://10.0.2.2:9089", true),
        (Channel::Insecure, "localhost", "http://localhost:80", true),
        (Channel::Insecure, "localhost:80", "http://localhost", true),
        (secure(), "localhost:443", "https://localhost", true),
        // Any other comes from a web page, even one of this machine.
        (Channel::Insecure, "localhost:9089", "https://localhost:9089", false),
        (secure(), "localhost:9088", "http://localhost:9088", false),
        (Channel::Insecure, "localhost:9089", "http://localhost:9088", false),
        (Channel::Insecure, "localhost:9089", "http://localhost", false),
        (Channel::Insecure, "localhost:9089", "http://localhost:3000", false),
        (Channel::Insecure, "localhost:9089", "http://127.0.0.1:9089", false),
        (Channel::Insecure, "localhost:9089", "http://evil.com", false),
        (Channel::Insecure, "localhost:9089", "http://localhost:9089.evil.com", false),
        (Channel::Insecure, "localhost:9089", "http://localhost:9089@evil.com", false),
        (Channel::Insecure, "localhost:9089", "null", false),
        (Channel::Insecure, "localhost:9089", "localhost:", false),
        (Channel::Insecure, "localhost:9089", "localhost:9089", false),
        (Channel::Insecure, "localhost:9089", "ws://localhost:9089", false),
        (secure(), "localhost:9088", "null", false),
    ];
    for (channel, host, origin, good) in table {
        let admitted = lets_in(&Config::new(), channel.clone(), request(host, Some(origin)));
        assert_eq!(admitted, good, "{channel:?} {host} {origin}");
    }
}

#[test]
fn hosts() {
    let good = [
        "localhost",
        "localhost:9089",
        "localhost:",
        "LocalHost:9089",
        "127.0.0.1:9089",
        "127.5.6.7",
        "[::1]:9089",
        "[::1]",
        "[0:0::1]:1",
        "10.0.2.2:9089",
    ];
    let evil = [
        "",
        ":9089",
        "evil.com",
        "evil.com:9089",
        "localhost.evil.com",
        "localhost.:9089",
        "127.0.0.1.nip.io:9089",
        "127.1",
        "0.0.0.0",
        "10.0.2.3",
        "192.168.1.7:9089",
        "::1",
        "::1:9089",
        "[::2]:9089",
        "[::1",
        "[::1]x:9089",
        "[127.0.0.1]",
        "[localhost]",
        "localhost:port",
        "localhost:99999",
        "localhost:-1",
        "localhost:80:80",
        "user@localhost",
        "localhost/",
        "localhost, localhost",
        " localhost",
    ];
    for channel in [Channel::Insecure, Channel::Secure(unbound()), Channel::Browser] {
        for host in good {
            assert!(lets_in(&Config::new(), channel.clone(), request(host, None)), "{host:?}");
        }
        for host in evil {
            assert!(!lets_in(&Config::new(), channel.clone(), request(host, None)), "{host:?}");
        }
        let without = Upgrade { host: None, ..request("", None) };
        assert!(!lets_in(&Config::new(), channel, without));
    }
}

#[test]
fn a_page_whose_name_resolves_to_this_machine_stays_outside() {
    // The browser sends what the page dialled: the attacker's name, in both headers.
    let rebound = request("rebound.evil.com:9089", Some("http://rebound.evil.com:9089"));
    assert!(!lets_in(&Config::new(), Channel::Insecure, rebound));
    assert!(!lets_in(&Config::new(), Channel::Browser, rebound));
}

#[test]
fn hosts_and_origins_that_a_desktop_is_told() {
    let mut config = Config::new();
    config.known_hosts = vec!["desk.lan".parse().unwrap(), "fe80::7".parse().unwrap(), "192.168.1.7".parse().unwrap()];
    config.allowed_origins = vec![
        "http://phone.lan:3000".parse().unwrap(),
        "https://app.example".parse().unwrap(),
        "file://".parse().unwrap(),
        "chrome-extension://abcdef".parse().unwrap(),
    ];

    for host in ["desk.lan:9089", "DESK.lan", "[fe80::7]:9089", "192.168.1.7:9089", "localhost"] {
        assert!(lets_in(&config, Channel::Insecure, request(host, None)), "{host}");
    }
    for host in ["desk.lan.evil.com", "lan", "[fe80::8]", "192.168.1.8"] {
        assert!(!lets_in(&config, Channel::Insecure, request(host, None)), "{host}");
    }
    // The origin of the desktop's own name is one that its own pages would have.
    let own = request("desk.lan:9089", Some("http://desk.lan:9089"));
    assert!(lets_in(&config, Channel::Insecure, own));

    let good = [
        "http://phone.lan:3000",
        "https://app.example",
        "https://app.example:443",
        "file://",
        "chrome-extension://abcdef",
    ];
    for origin in good {
        assert!(lets_in(&config, Channel::Browser, request("desk.lan:8333", Some(origin))), "{origin}");
        // They may use the browser port, and no other.
        assert!(!lets_in(&config, Channel::Insecure, request("desk.lan:9089", Some(origin))), "{origin}");
    }
    for origin in ["http://phone.lan", "http://phone.lan:3001", "https://phone.lan:3000", "http://app.example", "null"]
    {
        assert!(!lets_in(&config, Channel::Browser, request("desk.lan:8333", Some(origin))), "{origin}");
    }
}

#[test]
fn hosts_and_origins_are_read_and_written() {
    for (text, written) in [("LocalHost", "localhost"), ("[::1]", "[::1]"), ("0::1", "[::1]"), ("10.0.2.2", "10.0.2.2")]
    {
        assert_eq!(text.parse::<Host>().unwrap().to_string(), written);
    }
    for text in ["", "a b", "http://a", "a:1", "[a]", "a/", ".a", "a.", "ä"] {
        assert_eq!(text.parse::<Host>(), Err(AddressError::Host(Excerpt::new(text))), "{text}");
    }
    for (text, written) in [
        ("HTTP://A.b:80", "http://a.b"),
        ("https://a:443", "https://a"),
        ("https://a:444", "https://a:444"),
        ("http://[0::1]:3000", "http://[::1]:3000"),
        ("file://", "file://"),
        ("x-y.z+1://a", "x-y.z+1://a"),
    ] {
        assert_eq!(text.parse::<Origin>().unwrap().to_string(), written);
    }
    for text in ["", "null", "*", "http://*", "localhost:3000", "http://a/b", "1http://a", "file:///etc", "http://"] {
        assert_eq!(text.parse::<Origin>(), Err(AddressError::Origin(Excerpt::new(text))), "{text}");
    }
}

#[test]
fn any_path_and_any_os() {
    let mut desk = Desk::new();
    let targets = [
        "/?os=Linux&device=box&device_id=d1&app=A",
        "/sonar?os=FreeBSD&device=box&device_id=d1&app=B",
        "?os=&device=&device_id=&app=",
        "/a/b/../c?app=D&device_id=d1&device=box&os=Embedded&unknown=1&unknown=2",
    ];
    for target in targets {
        desk.accept(Channel::Secure(unbound()), target);
        desk.accept(Channel::Insecure, target);
    }
    assert_eq!(desk.desktop.clients().count(), targets.len());
    desk.actions();
    desk.events();
}

#[test]
fn what_a_client_says_is_told_at_once() {
    let mut desk = Desk::new();
    let target = "/?os=iOS&device=my+phone&device_id=u%2D1&app=a%26b&app_id=com.a&medium=2&foreground=true";
    let conn = desk.accept(Channel::Secure(bound("com.a", "u-1")), target);

    let Event::ClientConnected { client, info } = desk.event() else { panic!() };
    assert_eq!(client.as_str(), "a%26b#iOS#my phone#u-1");
    assert_eq!((info.conn, &*info.peer, info.connected_at), (conn, "127.0.0.1:50000", desk.now));
    assert_eq!(info.channel, Channel::Secure(bound("com.a", "u-1")));
    assert_eq!((info.query.medium, info.query.foreground), (Some(Medium::Www), Some(true)));
    assert_eq!(desk.desktop.client(&client).unwrap().info, &info);
    assert_eq!(desk.sent(conn).len(), 1);
}

#[test]
fn the_browser_port_fills_in_what_is_missing() {
    let mut desk = Desk::new();
    let conn = desk.accept(Channel::Browser, "/?device=my%20browser");

    let Event::ClientConnected { client, info } = desk.event() else { panic!() };
    assert_eq!(client.as_str(), "my%20browser#MacOS#my browser#my browser");
    assert_eq!((info.query.medium, info.query.sdk_version), (Some(Medium::None), Some(4)));
    assert_eq!(desk.sent(conn), [r#"{"id":0,"method":"getPlugins"}"#]);
}

/// Has a request refused after the upgrade, and returns the code and the reason of the close frame.
fn refused(desk: &mut Desk, channel: Channel, target: &str) -> (u16, String, Refusal) {
    let upgrade = Upgrade { target, ..request("localhost", None) };
    let before = desk.desktop.connections();
    let Admission::AcceptThenClose { conn, code, reason } = desk.upgrade(channel.clone(), upgrade) else { panic!() };
    let frame = desk.close_frame(conn);
    assert_eq!(frame.0, code.as_u16());
    assert!(frame.1.len() <= 123, "a close frame holds no more");
    let peer = upgrade.peer.to_string().into();
    assert_eq!(desk.event(), Event::ConnectionRefused { channel, peer, reason: reason.clone() });
    // Nobody listens to what it says before it has closed.
    desk.message(conn, r#"{"method":"refreshPlugins"}"#);
    desk.message(conn, "]");
    desk.alive(conn);
    desk.closed(conn);
    desk.assert_quiet();
    assert_eq!((desk.desktop.connections(), desk.desktop.counters().stale_facts), (before, 0));
    (frame.0, frame.1, reason)
}

#[test]
fn queries_that_are_not_understood() {
    let table = [
        ("/", QueryError::Missing("os"), "the query lacks `os`"),
        ("/?device=b&device_id=d&app=A", QueryError::Missing("os"), "the query lacks `os`"),
        ("/?os=L&device_id=d&app=A", QueryError::Missing("device"), "the query lacks `device`"),
        ("/?os=L&device=b&app=A", QueryError::Missing("device_id"), "the query lacks `device_id`"),
        ("/?os=L&device=b&device_id=d", QueryError::Missing("app"), "the query lacks `app`"),
        ("/?os=L&device=b&device_id=d&app=A&app=B", QueryError::Duplicate("app"), "the query has `app` more than once"),
        (
            "/?os=L&device=b&device_id=d&app=%FF",
            QueryError::NotText("app"),
            "the value of `app` in the query is no UTF-8",
        ),
        (
            "/?os=L&device=b&device_id=d&app=A&medium=9",
            QueryError::BadMedium(Excerpt::new("9")),
            "`medium` in the query must be 1 (FS_ACCESS), 2 (WWW) or 3 (NONE), not 9",
        ),
    ];
    let mut desk = Desk::new();
    for (target, error, text) in table {
        for channel in [Channel::Insecure, Channel::Secure(unbound())] {
            let expected = (1011, text.to_string(), Refusal::Query(error.clone()));
            assert_eq!(refused(&mut desk, channel, target), expected, "{target}");
        }
    }
    let without = refused(&mut desk, Channel::Browser, "/?app=A");
    assert_eq!(without, (1011, "the query lacks `device`".into(), Refusal::Query(QueryError::Missing("device"))));
}

#[test]
fn what_the_certificate_binds() {
    let app = |issued_to: &str, presented: &str| Refusal::App {
        issued_to: Excerpt::new(issued_to),
        presented: Excerpt::new(presented),
    };
    let device = |issued_to: &str, presented: &str| Refusal::Device {
        issued_to: Excerpt::new(issued_to),
        presented: Excerpt::new(presented),
    };
    let table = [
        (bound("com.a", "d1"), "device_id=d1&app_id=com.a", None),
        (bound("com.a", "d1"), "device_id=d1", None),
        (bound("com.a", "d1"), "device_id=d1&app_id=", None),
        (bound("", "d1"), "device_id=d1&app_id=com.a", None),
        // What official clients take for ids that are too long for a certificate.
        (bound("com.flipper", "d1"), "device_id=d1&app_id=com.a", None),
        // A desktop that answers an empty device id leaves it to the client.
        (bound("com.a", ""), "device_id=&app_id=com.a", None),
        (bound("com.a", ""), "device_id=d7&app_id=com.a", None),
        (bound("com.a", "d1"), "device_id=d1&app_id=com.b", Some(app("com.a", "com.b"))),
        (bound("com.a", "d1"), "device_id=d1&app_id=com.A", Some(app("com.a", "com.A"))),
        (bound("com.a", "d1"), "device_id=d1&app_id=com.flipper", Some(app("com.a", "com.flipper"))),
        (bound("com.a", "d1"), "device_id=d2&app_id=com.a", Some(device("d1", "d2"))),
        (bound("com.a", "d1"), "device_id=", Some(device("d1", ""))),
        (bound("com.flipper", "d1"), "device_id=unknown", Some(device("d1", "unknown"))),
        // The certificates of an official CA that was adopted.
        (unbound(), "device_id=d1&app_id=com.a", None),
        (PeerIdentity::Unbound { common_name: Some("com.b".into()) }, "device_id=d2&app_id=com.a", None),
    ];
    for (identity, query, refusal) in table {
        let mut desk = Desk::new();
        let target = format!("/?os=Linux&device=box&app=A&{query}");
        match refusal {
            None => {
                desk.accept(Channel::Secure(identity), &target);
                assert_eq!(desk.desktop.clients().count(), 1);
                desk.actions();
                desk.events();
            }
            Some(refusal) => {
                let (code, reason, told) = refused(&mut desk, Channel::Secure(identity), &target);
                assert_eq!((code, told), (4403, refusal));
                assert!(reason.starts_with("the certificate was issued to "), "{reason}");
            }
        }
    }
}

#[test]
fn a_certificate_that_cannot_be_understood_passes_for_nothing() {
    let mut desk = Desk::new();
    let identity = PeerIdentity::Unusable(excerpt("two bindings"));
    let refused = refused(&mut desk, Channel::Secure(identity), &target("A"));
    let text = "the certificate cannot be understood: two bindings".to_string();
    assert_eq!(refused, (4401, text, Refusal::Certificate(excerpt("two bindings"))));
}

#[test]
fn a_long_reason_is_cut_to_what_a_close_frame_holds() {
    let mut desk = Desk::new();
    let query = format!("/?os=L&device=b&device_id={}&app=A", "ü".repeat(100));
    let (code, reason, _) = refused(&mut desk, Channel::Secure(bound("com.a", "d1")), &query);
    assert_eq!(code, 4403);
    assert!(reason.len() >= 122 && reason.ends_with('ü'), "{reason}");
}

#[test]
fn a_refused_connection_that_does_not_close_is_dropped() {
    let mut desk = Desk::new();
    let upgrade = Upgrade { target: "/", ..request("localhost", None) };
    let Admission::AcceptThenClose { conn, .. } = desk.upgrade(Channel::Insecure, upgrade) else { panic!() };
    desk.close_frame(conn);
    desk.event();

    assert_eq!(desk.desktop.poll_timeout().map(|(at, timer)| (at.as_millis(), timer)), Some((3_000, Timer::Close)));
    desk.advance(1_999);
    desk.assert_quiet();
    desk.advance(1);
    assert_eq!(desk.actions(), [Action::Abort { conn }]);
    assert_eq!(desk.desktop.connections(), 0);
}

#[test]
fn no_more_clients_than_the_limit() {
    let mut config = Config::new();
    config.limits.clients = 2;
    let mut desk = Desk::with(config);
    desk.client("A", &[]);
    let b = desk.client("B", &[]);

    let full = (4413, "2 are connected, and no more are served".to_string(), Refusal::TooMany { max: 2 });
    assert_eq!(refused(&mut desk, Channel::Secure(unbound()), &target("C")), full);
    assert_eq!(refused(&mut desk, Channel::Browser, "/?device=C"), full);

    // One that takes the place of another makes it no more.
    desk.accept(Channel::Secure(unbound()), &target("A"));
    assert_eq!(desk.desktop.clients().count(), 2);
    desk.actions();
    desk.events();

    desk.closed(b);
    desk.disconnected("B");
    desk.client("C", &[]);

    // The exchange port counts for itself.
    let asking = desk.accept(Channel::Insecure, QUERY);
    desk.message(asking, r#"{"method":"signCertificate","csr":"c","destination":"/d/"}"#);
    let Event::ExchangeRequested(request) = desk.event() else { panic!() };
    let idle = desk.accept(Channel::Insecure, QUERY);
    let newest = desk.accept(Channel::Insecure, QUERY);
    // Who lies idle gives way, and who waits for an answer does not.
    let [Action::Close { conn, code, .. }] = *desk.actions() else { panic!() };
    assert_eq!((conn, code), (idle, CloseCode::LIMIT));
    desk.closed(idle);
    desk.message(newest, r#"{"method":"signCertificate","csr":"c","destination":"/d/"}"#);
    let Event::ExchangeRequested(_) = desk.event() else { panic!() };
    assert_eq!(refused(&mut desk, Channel::Insecure, QUERY), full);
    desk.desktop.finish_exchange(request.exchange, Ok(Grant::new("d")), desk.now).unwrap();
    desk.writable(asking, usize::MAX);
    assert_eq!(desk.sent(asking), [r#"{"deviceId":"d"}"#]);
    desk.accept(Channel::Insecure, QUERY);
    let [Action::Close { conn, .. }] = *desk.actions() else { panic!() };
    assert_eq!(conn, asking);
}

#[test]
fn a_desktop_that_was_stopped_lets_nobody_in() {
    let mut desk = Desk::new();
    desk.stop();
    for channel in [Channel::Insecure, Channel::Secure(unbound()), Channel::Browser] {
        let admission = desk.upgrade(channel, request("localhost", None));
        assert_eq!(admission, Admission::Reject { status: 401, reason: Refusal::Stopped });
        desk.event();
    }
    assert_eq!(desk.desktop.poll_timeout(), None);
}

#[test]
fn refusals_tell_what_to_do() {
    let mut desk = Desk::new();
    let admission = desk.upgrade(Channel::Browser, request("localhost", Some("http://phone.lan:3000")));
    let Admission::Reject { reason, .. } = admission else { panic!() };
    let text = "web pages of http://phone.lan:3000 may not connect; if they should, add that to the allowed origins \
                (--allow-origin)";
    assert_eq!((reason.to_string().as_str(), reason.close_code()), (text, None));

    let admission = desk.upgrade(Channel::Insecure, request("desk.lan", None));
    let Admission::Reject { reason, .. } = admission else { panic!() };
    let text = "this desktop is not known as desk.lan; if it is, add that to its known hosts (--known-host)";
    assert_eq!(reason.to_string(), text);
    assert_eq!(Refusal::Host(None).to_string(), "the request names no host");
    assert_eq!(Refusal::IdentityInUse.close_code(), Some(CloseCode::IDENTITY));
    desk.events();
}

#[test]
fn clients_are_listed_in_the_order_of_their_ids() {
    let mut desk = Desk::new();
    for name in ["B", "C", "A"] {
        desk.client(name, &["P"]);
    }
    let ids: Vec<_> = desk.desktop.clients().map(|status| status.client.clone()).collect();
    assert_eq!(ids, [id("A"), id("B"), id("C")]);
}
