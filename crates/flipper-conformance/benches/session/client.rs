//! The clients that are measured.

use std::env;
use std::fmt;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::process::Command;

use flipper_demo::example;

use crate::Result;

/// Has this program be an app: followed by the client's name, its directory and the desktop's port.
pub(crate) const FLAG: &str = "--as-app";

/// A client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Tokio,
    Smol,
    Blocking,
    /// The blocking one through its C functions, in the shared library that `cargo xtask c-library` lays out.
    C,
    /// The least that a Node.js client can do: the yardstick.
    Node,
}

impl Client {
    pub(crate) const ALL: [Self; 5] = [Self::Tokio, Self::Smol, Self::Blocking, Self::C, Self::Node];
    pub(crate) const OURS: [Self; 3] = [Self::Tokio, Self::Smol, Self::Blocking];

    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|client| client.to_string() == name)
    }

    /// The command that runs it in a process of its own.
    pub(crate) fn command(self, directory: &Path, port: u16) -> Result<Command> {
        let mut command = match self {
            Self::Node => {
                let mut node = Command::new("node");
                node.arg(here().join("bare_client.cjs"));
                node
            }
            Self::C => Command::new(build_c_client()?),
            _ => {
                let mut this = Command::new(env::current_exe()?);
                this.args([FLAG, &self.to_string()]);
                this
            }
        };
        command.arg(directory).arg(port.to_string());
        Ok(command)
    }

    /// Is the app, for ever.
    pub(crate) fn run(name: &str, directory: &Path, port: u16) -> Result {
        match Self::of_name(name).ok_or("no such client")? {
            Self::Tokio => {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(async {
                    let _running = flipper_tokio::Flipper::builder("Bench", "com.example.bench")
                        .ports(1, port)
                        .directory(directory)
                        .plugin(example())
                        .start()?;
                    pending().await
                })
            }
            Self::Smol => smol::block_on(async {
                let _running = flipper_smol::Flipper::builder("Bench", "com.example.bench")
                    .ports(1, port)
                    .directory(directory)
                    .plugin(example())
                    .start()?;
                pending().await
            }),
            Self::Blocking => {
                let _running = flipper_blocking::Flipper::builder("Bench", "com.example.bench")
                    .ports(1, port)
                    .directory(directory)
                    .plugin(example())
                    .start()?;
                loop {
                    std::thread::park();
                }
            }
            Self::C | Self::Node => Err("it is a program of its own".into()),
        }
    }

    /// Starts it in this process and waits until it is connected.
    pub(crate) fn connect(self, ports: (u16, u16), directory: &Path) -> Result<Box<dyn FnOnce()>> {
        match self {
            Self::Tokio => {
                let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
                let builder = flipper_tokio::Flipper::builder("Bench", "com.example.bench");
                let flipper = {
                    let _entered = runtime.enter();
                    builder.ports(ports.0, ports.1).directory(directory).start()?
                };
                runtime.block_on(flipper.connected());
                Ok(Box::new(move || runtime.block_on(flipper.stop())))
            }
            Self::Smol => {
                let builder = flipper_smol::Flipper::builder("Bench", "com.example.bench");
                let flipper = builder.ports(ports.0, ports.1).directory(directory).start()?;
                smol::block_on(flipper.connected());
                Ok(Box::new(move || smol::block_on(flipper.stop())))
            }
            Self::Blocking => {
                let builder = flipper_blocking::Flipper::builder("Bench", "com.example.bench");
                let flipper = builder.ports(ports.0, ports.1).directory(directory).start()?;
                flipper.connected();
                Ok(Box::new(move || {
                    // This is no callback, the only place where it cannot wait.
                    let _ended = flipper.stop().wait();
                }))
            }
            Self::C | Self::Node => Err("it is a program of its own".into()),
        }
    }
}

/// Compiles the C client against the shared library, as its users do.
fn build_c_client() -> Result<PathBuf> {
    let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/c/lib");
    if !library.join("libflipper.so").is_file() {
        return Err("the library for C is not in target/c: run `cargo xtask c-library`, which builds it there".into());
    }
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("session_c_client");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c99", "-O2", "-o"]).arg(&program).arg(here().join("c_client.c"));
    compiler.arg("-I").arg(library.join("../include")).arg("-L").arg(&library).arg("-lflipper");
    compiler.arg(format!("-Wl,-rpath,{}", library.canonicalize()?.display()));
    if !compiler.status()?.success() {
        return Err("the C client does not compile".into());
    }
    Ok(program)
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/session")
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Tokio => "tokio",
            Self::Smol => "smol",
            Self::Blocking => "blocking",
            Self::C => "C",
            Self::Node => "node",
        })
    }
}
