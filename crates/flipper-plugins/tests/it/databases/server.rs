//! A server of PostgreSQL for these tests, which ends with them.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use flipper_conformance::Result;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, raw_sql};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The server ends, and its files go, when the pipe to this shell is closed: also when the tests are killed.
const UNTIL_THE_TESTS_END: &str = r#"
    "$0/postgres" -D "$1/data" -k "$1" -c listen_addresses= -c fsync=off -c max_connections=50 2>&1 &
    cat > /dev/null
    kill -INT $!
    wait $!
    cd / && rm -rf "$1"
"#;

/// Whom the server runs as where these tests are root, which it refuses: the user `nobody`.
const NOBODY: u32 = 65_534;

static SERVER: LazyLock<Mutex<Option<Server>>> = LazyLock::new(Mutex::default);
static DATABASES: AtomicU32 = AtomicU32::new(0);

struct Server {
    socket: PathBuf,
    /// Its stdin is the pipe.
    _shell: Child,
}

/// A database of its own, and the app's pool for it.
pub(super) struct Database {
    pub(super) pool: PgPool,
    pub(super) runtime: Runtime,
}

impl Database {
    pub(super) fn new(schema: &str) -> Result<Self> {
        let socket = socket()?;
        let name = format!("shop_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        let options = PgConnectOptions::new().socket(&socket).username("postgres").database("postgres");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let pool = runtime.block_on(async {
            let server = PgPoolOptions::new().max_connections(1).connect_with(options.clone()).await?;
            raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&server).await?;
            server.close().await;
            PgPoolOptions::new().max_connections(2).connect_with(options.database(&name)).await
        })?;
        let database = Self { pool, runtime };
        database.run(schema)?;
        Ok(database)
    }

    /// What the app itself does in it.
    pub(super) fn run(&self, sql: &str) -> Result {
        self.runtime.block_on(raw_sql(AssertSqlSafe(sql.to_owned())).execute(&self.pool))?;
        Ok(())
    }
}

/// The directory of the socket of the server, which is started if need be.
fn socket() -> Result<PathBuf> {
    let mut server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = &*server {
        return Ok(server.socket.clone());
    }
    let started = start()?;
    let socket = started.socket.clone();
    *server = Some(started);
    Ok(socket)
}

fn start() -> Result<Server> {
    let programs = programs()?;
    let dir = TempDir::new()?.keep();
    let mut initdb = unprivileged(&programs.join("initdb"), &dir)?;
    initdb.args(["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "--pgdata"]);
    let made = initdb.arg(dir.join("data")).output()?;
    if !made.status.success() {
        return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr)).into());
    }
    let mut shell = unprivileged(Path::new("/bin/sh"), &dir)?;
    shell.arg("-c").arg(UNTIL_THE_TESTS_END).arg(&programs).arg(&dir);
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut log = BufReader::new(shell.stdout.take().ok_or("no stdout")?);
    let mut said = String::new();
    while !said.contains("ready to accept connections") {
        if log.read_line(&mut said)? == 0 {
            return Err(format!("postgres: {said}").into());
        }
    }
    // It must never wait for somebody to read what it says.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    Ok(Server { socket: dir, _shell: shell })
}

/// A command that is not root, with a directory that belongs to it.
fn unprivileged(program: &Path, dir: &Path) -> Result<Command> {
    let mut command = Command::new(program);
    command.current_dir(dir).env("HOME", dir).env("LC_ALL", "C");
    let is_root = Command::new("id").arg("-u").output()?.stdout.trim_ascii() == b"0";
    if is_root {
        chown(dir, Some(NOBODY), Some(NOBODY))?;
        command.uid(NOBODY).gid(NOBODY);
    }
    Ok(command)
}

/// Where the programs of the server are: Debian has them in a directory of their own for each version.
fn programs() -> Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = debian.chain(std::env::split_paths(&path));
    let found = all.filter(|dir| dir.join("initdb").exists() && dir.join("postgres").exists()).max();
    found.ok_or_else(|| "there is no PostgreSQL here (on Debian: apt-get install postgresql)".into())
}
