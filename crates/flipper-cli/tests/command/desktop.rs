//! `flipper desktop` itself.

use std::net::TcpListener;

use super::support::{ANY_PORTS, Desktop, Done, Process, flipper, install_official_ui};

#[cfg(unix)]
#[test]
fn it_ends_cleanly_when_it_is_interrupted() {
    use rustix::process::Signal;
    for signal in [Signal::INT, Signal::TERM] {
        let desktop = Desktop::start(&[]);
        let files = desktop.home.path().join("state/desktop");
        assert!(files.join("desktop.json").exists() && files.join("token").exists());
        let app = desktop.app();
        desktop.process.signal(signal);
        assert_eq!(desktop.process.event("app-disconnected")["app"], "Rust%20Sample#Linux#box#box");
        desktop.process.event("stopped");
        let port = desktop.listening["ports"]["ui"].as_u64().unwrap();
        let Desktop { process, home: _home, .. } = desktop;
        let (status, error) = process.wait();
        assert!(status.success() && error.is_empty(), "{status} {error}");
        assert!(!files.join("desktop.json").exists() && !files.join("token").exists());
        drop(TcpListener::bind(("127.0.0.1", u16::try_from(port).unwrap())).expect("the port is free"));
        drop(app);
    }
}

#[test]
fn what_happens_is_told_to_people() {
    let home = tempfile::tempdir().unwrap();
    let mut command = flipper(home.path());
    let process = Process::start(command.arg("desktop").args(ANY_PORTS).arg("--no-proof"));
    assert!(process.line().starts_with("A Flipper desktop listens on 127.0.0.1"));
    let ports = Done::of(flipper(home.path()).args(["wait-for", "desktop"]).output().unwrap()).ok();
    let ports: serde_json::Value = serde_json::from_str(&ports).unwrap();
    let ports = format!("{},{}", ports["ports"]["insecure"], ports["ports"]["secure"]);
    let mut app = flipper(home.path());
    let app = Process::start(app.args(["app", "--device", "box", "--ports", &ports]));
    let mut said = Vec::new();
    while !said.last().is_some_and(|line: &String| line.contains("has Example, Ticker")) {
        said.push(process.line());
    }
    let said = said.join("\n");
    assert!(said.contains("✓ a certificate for com.example.rust-sample, Rust Sample on box"), "{said}");
    assert!(said.contains("✓ Rust Sample on box is connected (Linux, 127.0.0.1:"), "{said}");
    assert!(!said.contains('\x1b'), "colours are for terminals: {said}");
    drop(app);
    let gone = process.line();
    assert!(gone.contains("Rust Sample on box is gone: "), "{gone}");
    #[cfg(unix)]
    {
        process.signal(rustix::process::Signal::INT);
        assert!(process.line().contains("stopped"));
        let (status, error) = process.wait();
        assert!(status.success());
        assert!(error.starts_with("flipper: --no-proof: "), "{error}");
    }
}

#[test]
fn a_second_one_names_the_first() {
    let desktop = Desktop::start(&[]);
    let second = desktop.flipper(&[&["desktop"], &ANY_PORTS[..]].concat());
    let said = second.failed(1);
    assert!(said.contains(&format!("{}", desktop.process.pid())), "{said}");
    assert!(said.contains(&desktop.home.path().join("state").display().to_string()), "{said}");
}

#[test]
fn a_port_that_is_taken_is_named_and_nothing_is_left_behind() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let home = tempfile::tempdir().unwrap();
    let run = |option: &str| {
        let mut command = flipper(home.path());
        command.arg("desktop").args(
            ANY_PORTS
                .iter()
                .filter(|text| **text != option && text.starts_with("--"))
                .flat_map(|option| [*option, if *option == "--ports" { "0,0" } else { "0" }]),
        );
        let value = if option == "--ports" { format!("0,{port}") } else { port.clone() };
        Done::of(command.args([option, value.as_str()]).output().unwrap())
    };
    for option in ["--ports", "--browser-port", "--ui-port"] {
        let said = run(option).failed(1);
        assert!(said.contains(&format!("127.0.0.1:{port} is in use")), "{option}: {said}");
    }
    assert!(!home.path().join("state/desktop/desktop.json").exists());
}

#[test]
fn the_official_ui_is_served_where_it_is_installed() {
    let home = tempfile::tempdir().unwrap();
    let ui = home.path().join("ui");
    let options = ["--official-ui", ui.to_str().unwrap(), "--official-ui-port", "0"];
    let mut command = flipper(home.path());
    let said = Done::of(command.arg("desktop").args(ANY_PORTS).args(options).output().unwrap()).failed(1);
    assert!(said.contains("npm install --ignore-scripts flipper-server@0.162.0"), "{said}");

    install_official_ui(&ui);
    let mut command = flipper(home.path());
    let process = Process::start(command.arg("desktop").args(ANY_PORTS).args(options));
    let link = loop {
        let line = process.line();
        if let Some((_, link)) = line.split_once("the official UI: ") {
            break link.to_owned();
        }
    };
    let running = Done::of(flipper(home.path()).args(["wait-for", "desktop"]).output().unwrap()).ok();
    let running: serde_json::Value = serde_json::from_str(&running).unwrap();
    let port = &running["ports"]["official_ui"];
    assert_eq!(link, format!("http://localhost:{port}/"), "what is no terminal gets no token");
    let token = std::fs::read_to_string(home.path().join("state/desktop/token")).unwrap();
    let link = format!("{link}?token={}", token.trim_end());
    let agent: ureq::Agent = ureq::Agent::config_builder().max_redirects(0).build().into();
    let answer = agent.get(&link).call().unwrap();
    assert_eq!(answer.status(), 303, "a browser gets its cookie, and is led on");
    assert!(answer.headers()["set-cookie"].to_str().unwrap().starts_with(&format!("flipper-{port}=")));
}

#[test]
fn widening_is_warned_of() {
    let desktop = Desktop::start(&["--bind", "0.0.0.0", "--known-host", "desk.lan", "--no-browser"]);
    assert_eq!(desktop.listening["addresses"], serde_json::json!(["0.0.0.0"]));
    assert_eq!(desktop.listening["ports"]["browser"], serde_json::Value::Null);
    assert_eq!(desktop.flipper(&["apps", "--json"]).ok(), "[]\n");
    let Desktop { mut process, home: _home, .. } = desktop;
    process.kill();
    let (_, error) = process.wait();
    assert!(error.contains("flipper: listening to other machines, on 0.0.0.0. Whoever reaches port"), "{error}");
}

#[test]
fn it_ends_when_nobody_reads_what_it_says() {
    let home = tempfile::tempdir().unwrap();
    let mut command = flipper(home.path());
    let child = command.args(["desktop", "--json"]).args(ANY_PORTS);
    let mut child = child.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
    // Whatever it tells next, it tells nobody.
    drop(child.stdout.take());
    let done = child.wait().unwrap();
    assert!(done.success(), "{done}");
    assert!(!home.path().join("state/desktop/desktop.json").exists());
}

#[test]
fn limits_can_be_set() {
    let desktop = Desktop::start(&["--max-apps", "1", "--max-message", "1000"]);
    let _app = desktop.app();
    let params = format!("\"{}\"", "x".repeat(2_000));
    let said = desktop.flipper(&["call", "Rust Sample", "Example", "echo", &params]).failed(1);
    assert!(said.contains("1000"), "{said}");
    let _second = desktop.app_as("Another", "other");
    let refused = desktop.process.event("connection-refused");
    assert!(refused["error"].as_str().unwrap().contains('1'), "{refused}");
}

#[test]
fn what_is_no_value_is_explained() {
    let home = tempfile::tempdir().unwrap();
    for (option, value, says) in [
        ("--ports", "9089", "give two ports, such as 9089,9088"),
        ("--known-host", "http://a", "is no host"),
        ("--allow-origin", "a", "is no origin"),
        ("--init", "some", "possible values: background, all, none"),
        ("--bind", "localhost", "invalid IP address"),
        ("--official-ui-port", "1", "--official-ui <DIR>"),
    ] {
        let done = Done::of(flipper(home.path()).args(["desktop", option, value]).output().unwrap());
        assert_eq!(done.code, 2, "{done:?}");
        assert!(done.err.contains(says), "{option}: {}", done.err);
    }
}
