//! The files of the desktop's own page.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Answer, Served, ask};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("page")
}

/// All files below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

async fn get(served: &Served, path: &str, more: &str) -> Answer {
    let port = served.api.port();
    ask(port, "GET", path, &format!("Host: localhost:{port}\r\n{more}"), "").await
}

#[tokio::test]
async fn every_file_of_the_page_is_served_as_it_is_and_needs_no_token() {
    let served = Served::start().await;
    let mut all = Vec::new();
    files(&folder(), &mut all);
    assert!(all.len() > 10, "{all:?}");
    for path in all {
        let name = path.strip_prefix(folder()).unwrap().to_str().unwrap();
        let route = if name == "index.html" { "/".to_owned() } else { format!("/page/{name}") };
        let answer = get(&served, &route, "").await;
        assert_eq!(answer.status, 200, "{route} is not in the table of the page's files");
        assert_eq!(answer.text, fs::read_to_string(&path).unwrap(), "{route}");
    }
}

#[tokio::test]
async fn browsers_are_told_what_the_page_may_do() {
    let served = Served::start().await;
    let page = get(&served, "/", "").await;
    for header in [
        "content-type: text/html; charset=utf-8\r\n",
        "content-security-policy: default-src 'none'; script-src 'self';",
        "require-trusted-types-for 'script'",
        "frame-ancestors 'none'",
        "referrer-policy: no-referrer\r\n",
        "x-content-type-options: nosniff\r\n",
        "cross-origin-resource-policy: same-origin\r\n",
    ] {
        assert!(page.head.contains(header), "{header} is not in {}", page.head);
    }
    assert!(!page.head.contains("unsafe"), "{}", page.head);
    for inline in ["style=", "<style", "onclick", "javascript:"] {
        assert!(!page.text.contains(inline), "{inline}");
    }
}

#[tokio::test]
async fn a_file_that_the_browser_has_is_not_sent_again() {
    let served = Served::start().await;
    let first = get(&served, "/page/main.js", "").await;
    let tag = first.head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    let again = get(&served, "/page/main.js", &format!("If-None-Match: {tag}\r\n")).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    assert_eq!(get(&served, "/page/main.js", "If-None-Match: \"another\"\r\n").await.status, 200);
}

#[tokio::test]
async fn what_is_no_file_of_the_page_needs_the_token() {
    let served = Served::start().await;
    for path in ["/page/", "/page/../Cargo.toml", "/page/%2e%2e/Cargo.toml", "/page/index.html", "/page/none.js"] {
        assert_eq!(get(&served, path, "").await.error(), (401, "NoToken".to_owned()), "{path}");
    }
    let port = served.api.port();
    let foreign = ask(port, "GET", "/", &format!("Host: evil.example:{port}\r\n"), "").await;
    assert_eq!(foreign.error(), (421, "ForeignHost".to_owned()));
}

#[test]
fn all_files_together_are_small() {
    let mut all = Vec::new();
    files(&folder(), &mut all);
    let compressed = all.iter().map(|path| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&fs::read(path).unwrap()).unwrap();
        encoder.finish().unwrap().len()
    });
    let sum: usize = compressed.sum();
    assert!(sum < 300 << 10, "{sum}");
}
