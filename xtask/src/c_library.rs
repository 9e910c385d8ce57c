//! The library for C, as a system has libraries.

use std::fs;
use std::path::{Path, PathBuf};

use crate::report::Report;
use crate::shell::{self, Failure};

/// Where it goes unless somewhere else is said.
pub(crate) const PREFIX: &str = "target/c";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What programs ask for when they start. The number grows when they could not go on with a newer library.
const SONAME: &str = "libflipper.so.0";

/// Has the test that compares the header with the source write it, where it differs.
pub(crate) fn write_header(report: &mut Report) {
    report.step("header", || {
        let mut command = shell::cargo("test");
        command.args(["--package", "flipper-ffi", "--test", "header"]).env("FLIPPER_WRITE_HEADER", "1");
        shell::run(&mut command)
    });
}

/// Builds the library and lays it out below `prefix`: the shared one, the static one, the header, and the file for
/// pkg-config.
pub(crate) fn install(prefix: &Path, is_debug: bool) -> Result<(), Failure> {
    if !cfg!(target_os = "linux") {
        return Err(Failure::Said("the library for C is laid out for Linux only".into()));
    }
    let built = build(is_debug)?;
    let (lib, include) = (prefix.join("lib"), prefix.join("include"));
    for folder in [&lib.join("pkgconfig"), &include] {
        fs::create_dir_all(folder).map_err(Failure::at(folder))?;
    }
    let file = format!("libflipper.so.{VERSION}");
    replace(&built.shared, &lib.join(&file))?;
    replace(&built.fixed, &lib.join("libflipper.a"))?;
    link(&file, &lib.join(SONAME))?;
    link(SONAME, &lib.join("libflipper.so"))?;
    replace(&shell::workspace().join("crates/flipper-ffi/include/flipper.h"), &include.join("flipper.h"))?;
    let description = lib.join("pkgconfig/flipper.pc");
    fs::write(&description, describe(&built.needs)).map_err(Failure::at(&description))
}

/// What Cargo has built.
struct Built {
    shared: PathBuf,
    fixed: PathBuf,
    /// What a program needs besides the static one, as arguments of a linker.
    needs: String,
}

fn build(is_debug: bool) -> Result<Built, Failure> {
    let mut command = shell::cargo("rustc");
    shell::lock_in_ci(&mut command);
    command.args(["--package", "flipper-ffi", "--lib", "--crate-type", "cdylib,staticlib"]);
    command.args(["--message-format", "json-render-diagnostics"]);
    if !is_debug {
        command.args(["--profile", "c-library"]);
    }
    command.args(["--", "--print", "native-static-libs", "-C", &format!("link-arg=-Wl,-soname,{SONAME}")]);
    shell::announce(&command);
    let output = command.output().map_err(|source| Failure::Start { command: "cargo rustc".into(), source })?;
    let said = String::from_utf8_lossy(&output.stderr);
    eprint!("{said}");
    shell::finish(&command, Ok(output.status))?;

    let messages = String::from_utf8_lossy(&output.stdout);
    // Of all that Cargo tells, only these texts matter; no path has to be escaped where this runs.
    let file = |end: &str| {
        let name = format!("/libflipper_ffi.{end}");
        let found = messages.split('"').rfind(|text| text.ends_with(&name)).map(PathBuf::from);
        found.ok_or_else(|| Failure::Said(format!("Cargo does not say where it put {name}")))
    };
    Ok(Built { shared: file("so")?, fixed: file("a")?, needs: needs(&said) })
}

/// What the compiler says that the static library needs, but for what every C compiler brings by itself: that is another
/// one for a program that is static as a whole.
fn needs(said: &str) -> String {
    let line = said.lines().filter_map(|line| line.split_once("native-static-libs:")).next_back();
    let libraries = line.map_or("", |(_, libraries)| libraries).split_whitespace();
    libraries.filter(|library| !["-lgcc_s", "-lc"].contains(library)).collect::<Vec<_>>().join(" ")
}

/// For pkg-config. It finds everything from where it lies, so that all of it may be moved.
fn describe(needs: &str) -> String {
    format!(
        "prefix=${{pcfiledir}}/../..\n\
         libdir=${{prefix}}/lib\n\
         includedir=${{prefix}}/include\n\
         \n\
         Name: flipper\n\
         Description: Flipper for apps in C and every other language\n\
         Version: {VERSION}\n\
         Cflags: -I${{includedir}}\n\
         Libs: -L${{libdir}} -lflipper\n\
         Libs.private: {needs}\n"
    )
}

/// Copies a file to a new one: a program that uses the old one goes on with that.
fn replace(from: &Path, to: &Path) -> Result<(), Failure> {
    remove(to)?;
    fs::copy(from, to).map(drop).map_err(Failure::at(from))
}

fn link(target: &str, at: &Path) -> Result<(), Failure> {
    remove(at)?;
    #[cfg(unix)]
    std::os::unix::fs::symlink(target, at).map_err(Failure::at(at))?;
    // Elsewhere nothing comes to this.
    #[cfg(not(unix))]
    let _ = target;
    Ok(())
}

fn remove(file: &Path) -> Result<(), Failure> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::at(file)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::needs;

    #[test]
    fn what_the_static_library_needs_is_read_from_what_the_compiler_says() {
        let said =
            "note: link against the following\n\nnote: native-static-libs: -lgcc_s -lrt -lm -lc\n\n   Finished\n";
        assert_eq!(needs(said), "-lrt -lm");
        assert_eq!(needs("   Finished"), "");
    }
}
