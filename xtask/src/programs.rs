//! The programs that tests need.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, fs, io};

use crate::shell::{self, Failure};

#[derive(Clone, Copy)]
pub(crate) struct Program {
    name: &'static str,
    /// Asks for its version, or for something else that shows that it will do; one argument a line.
    version: &'static str,
    /// Where it is found, for a person.
    from: &'static str,
    /// Debian's package, or packages.
    package: &'static str,
    /// How to do without.
    without: &'static str,
}

const SKIP: &str = "leave the tests out that need them: cargo xtask test --skip-official REASON";

/// What official peers need, clients in other languages, devices, and databases.
pub(crate) const PEERS: [Program; 9] = [
    Program { name: "node", version: "--version", from: "Node.js 18 or later", package: "nodejs", without: SKIP },
    Program { name: "npm", version: "--version", from: "npm, which comes with Node.js", package: "npm", without: SKIP },
    Program { name: "openssl", version: "version", from: "OpenSSL's command", package: "openssl", without: SKIP },
    Program {
        name: "javac",
        version: "--version",
        from: "a JDK 17 or later",
        package: "openjdk-17-jdk-headless",
        without: SKIP,
    },
    PYTHON,
    Program {
        name: "adb",
        version: "version",
        from: "adb, of Android's platform tools",
        package: "adb",
        without: SKIP,
    },
    // Shows the official desktop's page.
    Program {
        name: "chromium",
        version: "--version",
        from: "Chromium",
        package: "chromium fonts-liberation",
        without: SKIP,
    },
    Program {
        name: "postgres",
        version: "--version",
        from: "PostgreSQL's server",
        package: "postgresql",
        without: SKIP,
    },
    // It has no version to ask for; with this it does nothing.
    Program { name: "mksh", version: "-n", from: "mksh, Android's shell", package: "mksh", without: SKIP },
];

/// What the package `flipper` is built with, and some peers run on.
pub(crate) const PYTHON: Program = Program {
    name: "python3",
    // Debian's has no way to make environments unless that is installed as well.
    version: "-cimport ensurepip, venv",
    from: "Python 3.11 or later with venv and pip",
    package: "python3-venv",
    without: "run the tests that you need by themselves: cargo test --package NAME",
};

/// What tests between two networks need, which are Linux's.
pub(crate) const NETWORKS: &[Program] = if cfg!(target_os = "linux") {
    &[Program { name: "ip", version: "-Version", from: "iproute2's command ip", package: "iproute2", without: SKIP }]
} else {
    &[]
};

const SKIP_C: &str = "run the tests of one crate after another: cargo test --package NAME";

/// What programs in C are built with, and watched by.
pub(crate) const C: [Program; 7] = [
    CXX,
    Program { name: "gcc", version: "--version", from: "GCC", package: "gcc libc6-dev", without: SKIP_C },
    Program {
        name: "clang",
        version: "--version",
        from: "Clang with its sanitizers",
        package: "clang libclang-rt-14-dev",
        without: SKIP_C,
    },
    Program { name: "pkg-config", version: "--version", from: "pkg-config", package: "pkg-config", without: SKIP_C },
    // It does not run where it does not find what it has to know of the C library.
    Program { name: "valgrind", version: "-q\ntrue", from: "Valgrind", package: "valgrind libc6-dbg", without: SKIP_C },
    // Whether a header is there is for the compiler to say.
    Program {
        name: "gcc",
        version: "-fsyntax-only\n-xc\n-include\nopenssl/ssl.h\n/dev/null",
        from: "OpenSSL 3 for C",
        package: "libssl-dev",
        without: SKIP_C,
    },
    Program {
        name: "gcc",
        version: "-fsyntax-only\n-xc\n-include\nwslay/wslay.h\n/dev/null",
        from: "libwslay for C",
        package: "libwslay-dev",
        without: SKIP_C,
    },
];

/// What libFuzzer is built with, and what takes the header for C++.
pub(crate) const CXX: Program = Program {
    name: "c++",
    version: "--version",
    from: "a C++ compiler",
    package: "g++",
    without: "leave the fuzz targets alone",
};

/// Makes sure that all of these run. Where this is root on Debian or its like, installs what is missing.
pub(crate) fn ensure(programs: &[Program]) -> Result<(), Failure> {
    let missing = missing(programs)?;
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<_> = missing.iter().flat_map(|program| program.package.split(' ')).collect();
    if may_install() {
        eprintln!("Missing: {}. This is root on a system with apt-get, so they are installed.", list(&missing));
        shell::run(Command::new("apt-get").arg("update"))?;
        let mut install = Command::new("apt-get");
        install.args(["install", "--yes", "--no-install-recommends"]).args(&packages);
        shell::run(install.env("DEBIAN_FRONTEND", "noninteractive"))?;
        return match self::missing(programs)?.as_slice() {
            [] => Ok(()),
            still => Err(Failure::Said(format!("apt-get did not bring {}", list(still)))),
        };
    }
    let wanted: Vec<_> = missing.iter().map(|program| program.from).collect();
    Err(Failure::Said(format!(
        "missing: {}. Install {} (on Debian: apt-get install {}), or {}",
        list(&missing),
        wanted.join(", "),
        packages.join(" "),
        missing[0].without,
    )))
}

fn missing(programs: &[Program]) -> Result<Vec<Program>, Failure> {
    let mut missing = Vec::new();
    for program in programs {
        let mut command = Command::new(program.name);
        command.env("PATH", search_path());
        command.args(program.version.lines()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match command.status() {
            Ok(status) if status.success() => {}
            Ok(_) => missing.push(*program),
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(*program),
            status => shell::finish(&command, status)?,
        }
    }
    Ok(missing)
}

/// Where programs are looked for: Debian has those of PostgreSQL in a directory of their own for each version.
fn search_path() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let all = env::split_paths(&path).chain(versions.map(|version| version.path().join("bin")));
    env::join_paths(all).unwrap_or(path)
}

fn may_install() -> bool {
    let is_root = || {
        let id = Command::new("id").arg("-u").output();
        id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
    };
    Path::new("/usr/bin/apt-get").exists() && is_root()
}

fn list(programs: &[Program]) -> String {
    let names: Vec<_> = programs.iter().map(|program| program.name).collect();
    names.join(", ")
}
