//! What people see on a terminal, and programs do not.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Instant;

use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::{Value, json};

use super::support::{ANY_PORTS, Desktop, PATIENCE, Process, flipper, install_official_ui};

/// A process on a terminal of 100 by 20.
struct Screen {
    child: Child,
    output: Receiver<Vec<u8>>,
    written: Vec<u8>,
}

impl Screen {
    fn start(command: &mut Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let terminal = OpenOptions::new().read(true).write(true).open(name).unwrap();
        tcsetwinsize(&terminal, Winsize { ws_row: 20, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        command.stdin(Stdio::null()).stdout(terminal.try_clone().unwrap()).stderr(terminal);
        if !command.get_envs().any(|(name, _)| name == "TERM") {
            command.env("TERM", "xterm-256color");
        }
        let child = command.spawn().unwrap();
        // Otherwise this process would keep the terminal open.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let (tell, output) = channel();
        thread::spawn(move || {
            let mut master = File::from(master);
            let mut buffer = [0; 4096];
            // It ends with an error once nobody has the terminal open.
            while let Ok(read @ 1..) = master.read(&mut buffer) {
                let _nobody = tell.send(buffer[..read].to_vec());
            }
        });
        Self { child, output, written: Vec::new() }
    }

    fn of(desktop: &Desktop, arguments: &[&str]) -> Self {
        Self::start(flipper(desktop.home.path()).env_remove("NO_COLOR").args(arguments))
    }

    /// All that was written, once this is true of it.
    #[track_caller]
    fn until(&mut self, is_so: impl Fn(&str) -> bool) -> String {
        let begin = Instant::now();
        loop {
            let text = String::from_utf8_lossy(&self.written).replace("\r\n", "\n");
            if is_so(&text) {
                return text;
            }
            let left = PATIENCE.saturating_sub(begin.elapsed());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.written.extend(bytes),
                Err(RecvTimeoutError::Timeout) => panic!("it never came: {text:?}"),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended before that came: {text:?}"),
            }
        }
    }

    /// All that was written, and how it ended.
    fn end(mut self) -> (String, ExitStatus) {
        while let Ok(bytes) = self.output.recv_timeout(PATIENCE) {
            self.written.extend(bytes);
        }
        let status = self.child.wait().unwrap();
        (String::from_utf8_lossy(&self.written).replace("\r\n", "\n"), status)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A text without what it does to a terminal.
fn words(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |words, part| {
        let rest = part.trim_start_matches(|char: char| char.is_ascii_digit() || char == ';');
        words + rest.get(1..).unwrap_or_default()
    })
}

/// What a table looks like after it was drawn the last time.
fn last(text: &str) -> String {
    words(text.rsplit("\x1b[J").next().unwrap_or_default())
}

#[test]
fn a_tail_has_colours_and_columns() {
    let desktop = Desktop::start(&[]);
    let _app = desktop.app();
    desktop.flipper(&["call", "Rust Sample", "Example", "emit", r#"{"count":2,"size":4}"#]).ok();
    let mut screen = Screen::of(&desktop, &["tail", "-n", "4"]);
    screen.until(|text| text.contains("tick"));
    desktop.flipper(&["call", "Rust Sample", "Example", "emit", r#"{"count":2,"size":400}"#]).ok();
    let (text, status) = screen.end();
    assert!(status.success(), "{text}");
    assert!(text.contains("\x1b[36mTicker\x1b[0m"), "{text}");
    let lines: Vec<String> = words(&text).lines().map(str::to_owned).collect();
    let lines: Vec<_> = lines.iter().filter(|line| line.contains("tick") || line.contains("row")).collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 100), "{lines:#?}");
    // Whatever comes after the widest plugin stands under what came with it.
    let (_, after) = lines.split_at(lines.iter().position(|line| line.contains("Example")).unwrap());
    let at: Vec<_> = after.iter().map(|line| line.find("tick").or(line.find("row")).unwrap()).collect();
    assert!(at.iter().all(|column| *column == at[0]), "{lines:#?}");
    assert!(lines.iter().any(|line| line.ends_with('…')), "{lines:#?}");
}

#[test]
fn colours_are_left_out_where_they_are_not_wanted() {
    let desktop = Desktop::start(&[]);
    let _app = desktop.app();
    for (name, value) in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let mut command = flipper(desktop.home.path());
        let (text, _) = Screen::start(command.env_remove("NO_COLOR").env(name, value).args(["tail", "-n", "1"])).end();
        assert!(text.contains("tick") && !text.contains('\x1b'), "{name}: {text:?}");
        let mut command = flipper(desktop.home.path());
        let (text, _) = Screen::start(command.env_remove("NO_COLOR").env(name, value).arg("apps")).end();
        assert!(text.contains("Rust Sample") && !text.contains('\x1b'), "{name}: {text:?}");
    }
    let mut command = flipper(desktop.home.path());
    let (text, _) = Screen::start(command.env("NO_COLOR", "").arg("apps")).end();
    assert!(text.contains("\x1b[1mAPP"), "empty means nothing: {text:?}");
    let text = desktop.flipper(&["tail", "-n", "1"]).ok();
    assert!(text.contains("Rust Sample  Ticker tick {\"count\":") && !text.contains('\x1b'), "{text:?}");
}

#[test]
fn apps_come_and_go_in_a_table_that_is_drawn_in_its_place() {
    let mut desktop = Desktop::start(&[]);
    let mut screen = Screen::of(&desktop, &["apps", "--watch"]);
    screen.until(|text| last(text).contains("no app is connected"));
    let mut app = desktop.app();
    let text = screen.until(|text| last(text).contains("Example Ticker"));
    let shown = last(&text);
    let lines: Vec<_> = shown.lines().collect();
    assert!(lines[0].starts_with("APP ") && lines[1].starts_with("Rust Sample  Linux  box "), "{shown}");
    assert_eq!(lines.len(), 2, "{shown}");
    // The time goes on without any news.
    screen.until(|now| now.len() > text.len() && last(now).contains("Example Ticker"));
    app.kill();
    let text = screen.until(|text| last(text).contains("no app is connected"));
    assert!(text.contains("\x1b[2A\r\x1b[J"), "two lines are overwritten: {text:?}");
    desktop.process.kill();
    let (text, status) = screen.end();
    assert_eq!(status.code(), Some(3), "{text}");
    assert!(text.contains("flipper: the desktop has stopped"), "{text}");
}

#[test]
fn apps_come_and_go_in_lines_elsewhere() {
    let desktop = Desktop::start(&[]);
    let people = desktop.spawn(&["apps", "--watch"]);
    let programs = desktop.spawn(&["apps", "--watch", "--json"]);
    let mut app = desktop.app();
    let id = "Rust%20Sample#Linux#box#box";
    let line = people.line();
    assert!(line.ends_with(&format!("{id}  connected  Rust Sample on box (Linux)")), "{line}");
    let line = people.line();
    assert!(line.ends_with(&format!("{id}  has  Example Ticker")), "{line}");
    let list = || serde_json::from_str::<Value>(&programs.line()).unwrap();
    assert_eq!(list()[0]["plugins"], Value::Null);
    assert_eq!(list()[0]["plugins"], json!(["Example", "Ticker"]));
    app.kill();
    let line = people.line();
    assert!(line.contains(&format!("{id}  gone  ")) && !line.contains('\x1b'), "{line}");
    assert_eq!(list(), json!([]));
}

#[test]
fn texts_of_apps_do_not_steer_the_terminal() {
    const EVIL: &str = "Evil\x1b[2J\u{9b}31m\u{202e}app";
    let desktop = Desktop::start(&[]);
    let _app = desktop.app_as(EVIL, "evil");
    desktop.flipper(&["wait-for", "plugin", EVIL, "Ticker"]).ok();
    let steers = |text: &str| {
        let own = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[J", "\x1b[K", "\x1b[2A"];
        let rest = own.iter().fold(text.to_owned(), |text, own| text.replace(own, ""));
        rest.contains(['\x1b', '\u{9b}', '\u{202e}'])
    };
    let echo = ["call", EVIL, "Example", "echo", "{\"a\":\"\u{9b}2J\u{202e}\"}"];
    for arguments in [
        &["tail", "-n", "1"][..],
        &["tail", "-n", "1", "--json"],
        &["apps"],
        &["apps", "--json"],
        &["plugins", EVIL],
        &["call", EVIL, "Example", "fail"],
        &["call", EVIL, "Nope\x1b[2J", "x"],
        &["wait-for", "app", EVIL],
        &["doctor"],
        &echo,
    ] {
        let (text, _) = Screen::of(&desktop, arguments).end();
        assert!(!text.is_empty() && !steers(&text), "{arguments:?}: {text:?}");
    }
    let mut watch = Screen::of(&desktop, &["apps", "--watch"]);
    let text = watch.until(|text| last(text).contains("Example"));
    assert!(!steers(&text), "{text:?}");
    let (text, _) = Screen::of(&desktop, &echo).end();
    assert_eq!(text, "{\"a\":\"\\u009b2J\\u202e\"}\n", "it means the same");
    assert_eq!(desktop.flipper(&echo).ok(), "{\"a\":\"\u{9b}2J\u{202e}\"}\n", "programs get what the app wrote");
}

#[test]
fn long_work_shows_how_far_it_is() {
    let desktop = Desktop::start(&[]);
    let mut app = desktop.app();
    desktop.flipper(&["record", "start", "cart"]).ok();
    let mut tail = desktop.spawn(&["tail", "Rust Sample", "--json"]);
    tail.event("app-connected");
    desktop.flipper(&["call", "Rust Sample", "Example", "emit", r#"{"count":120,"size":4}"#]).ok();
    while !tail.line().contains("\"index\":119") {}
    tail.kill();
    desktop.flipper(&["record", "stop"]).ok();
    app.kill();
    desktop.process.event("app-disconnected");

    let file = desktop.home.path().join("out.ndjson");
    let export = ["export", "cart", "-o", file.to_str().unwrap()];
    let (text, status) = Screen::of(&desktop, &export).end();
    assert!(status.success() && text.contains("[########################] 100 %"), "{text:?}");
    assert!(text.rsplit("\r\x1b[K").next().unwrap().contains(" messages in "), "the bar is gone: {text:?}");
    assert!(!desktop.flipper(&export).err.contains('%'));

    let replay = ["replay", "cart", "--speed", "max"];
    let (text, status) = Screen::of(&desktop, &replay).end();
    assert!(status.success() && text.contains(" %  50 events"), "{text:?}");
    assert!(words(&text).contains("replayed 1 connection"), "{text:?}");

    let late = ["wait-for", "app", "Nobody", "--timeout", "1"];
    let (text, status) = Screen::of(&desktop, &late).end();
    assert_eq!(status.code(), Some(6));
    assert!(text.contains(" waiting for Nobody, 0."), "{text:?}");
    assert!(text.contains("\r\x1b[Kflipper: Nobody did not connect in time"), "{text:?}");
    assert_eq!(desktop.flipper(&late).err.lines().count(), 1);
}

#[test]
fn the_desktop_itself_says_what_happens_in_colours() {
    let home = tempfile::tempdir().unwrap();
    let mut command = flipper(home.path());
    let ui = home.path().join("ui");
    install_official_ui(&ui);
    command.env_remove("NO_COLOR").arg("desktop").args(ANY_PORTS);
    let mut screen = Screen::start(command.args(["--official-ui-port", "0", "--official-ui"]).arg(ui));
    let text = screen.until(|text| text.contains("state"));
    assert!(text.contains("\x1b[1m   state\x1b[0m"), "{text:?}");
    let token = std::fs::read_to_string(home.path().join("state/desktop/token")).unwrap();
    assert!(text.contains(&format!("/?token={}\n", token.trim_end())), "a person gets the whole link: {text:?}");
    let pid = rustix::process::Pid::from_child(&screen.child);
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    let (text, status) = screen.end();
    assert!(status.success() && text.contains("stopped"), "{text:?}");
}

/// Nothing of this is for programs.
#[test]
fn a_process_without_a_terminal_writes_no_escapes() {
    let desktop = Desktop::start(&[]);
    let _app: Process = desktop.app();
    for arguments in [&["apps"][..], &["plugins", "Rust Sample"], &["tail", "-n", "1"], &["doctor"]] {
        let done = desktop.flipper(arguments);
        assert!(!done.out.contains('\x1b') && !done.err.contains('\x1b'), "{done:?}");
    }
}
