//! `include/flipper.h` is what cbindgen makes of the source. `cargo xtask header` writes it anew.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test that fails panics")]

use std::path::{Path, PathBuf};
use std::{env, fs};

use cbindgen::{
    Builder, Config, DocumentationStyle, EnumConfig, ExportConfig, Language, LineEndingStyle, RenameRule, Style,
};

/// Set by `cargo xtask header`.
const WRITE: &str = "FLIPPER_WRITE_HEADER";

#[test]
fn the_header_is_what_the_source_says() {
    let path = here().join("include/flipper.h");
    let generated = generate();
    if env::var_os(WRITE).is_some() {
        fs::write(&path, &generated).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap();
    assert!(committed == generated, "include/flipper.h is not what the source says: run cargo xtask header");
}

fn generate() -> String {
    let names = names();
    let config = Config {
        header: Some(format!("// {LICENCE}\n//\n// {GENERATED}\n//\n{}", overview())),
        include_guard: Some(String::from("FLIPPER_H")),
        no_includes: true,
        after_includes: Some(String::from("#include <stddef.h>\n#include <stdint.h>")),
        language: Language::C,
        cpp_compat: true,
        style: Style::Both,
        usize_is_size_t: true,
        line_length: 110,
        tab_width: 4,
        line_endings: LineEndingStyle::LF,
        documentation_style: DocumentationStyle::C99,
        // Numbers that only go in, or come out as numbers, would be left out otherwise.
        export: ExportConfig {
            include: names.iter().map(|(name, _)| name.clone()).collect(),
            rename: names.into_iter().collect(),
            ..ExportConfig::default()
        },
        enumeration: EnumConfig { rename_variants: RenameRule::QualifiedScreamingSnakeCase, ..EnumConfig::default() },
        // What other systems need is not downloaded for this.
        only_target_dependencies: true,
        ..Config::default()
    };
    let bindings = Builder::new().with_crate(here()).with_config(config).generate().unwrap();
    let mut header = Vec::new();
    bindings.write(&mut header);
    String::from_utf8(header).unwrap()
}

const LICENCE: &str = "SPDX-License-Identifier: MIT OR Apache-2.0";
const GENERATED: &str = "Generated from the source of flipper-ffi by `cargo xtask header`. Changes belong there.";

/// What the crate says of itself, which is written for readers of the header.
fn overview() -> String {
    let lib = fs::read_to_string(here().join("src/lib.rs")).unwrap();
    let lines: Vec<_> =
        lib.lines().map_while(|line| line.strip_prefix("//!")).map(|line| format!("//{line}")).collect();
    lines.join("\n")
}

/// Every type's name in Rust and in C, in the order of the sources: `FlipperCloseKind`, `flipper_close_kind`.
fn names() -> Vec<(String, String)> {
    let texts: Vec<_> = sources(&here().join("src")).iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let lines = texts.iter().flat_map(|text| text.lines());
    let declared = lines.filter_map(|line| {
        line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "))?.split([' ', '(', '<', ';']).next()
    });
    declared.map(|name| (name.to_owned(), snake_case(name))).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries.into_iter().flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
