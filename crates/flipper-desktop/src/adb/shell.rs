//! Commands on a device.

use super::error::Error;
use super::link::{Link, unexpected};

/// What a command printed, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// What it printed to standard output.
    pub stdout: String,
    /// What it printed to standard error.
    pub stderr: String,
    /// Its exit code.
    pub code: u8,
}

/// The packets of shell protocol 2: one byte of what it is, four of length, little end first.
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const EXIT: u8 = 3;
const CLOSE_STDIN: u8 = 4;

/// In shell protocol 2, which tells exit codes and what was printed to where.
pub(super) fn run(link: &mut Link, command: &str, stdin: &str, max: usize) -> Result<Output, Error> {
    link.request(&format!("shell,v2,raw:{command}"))?;
    let mut input = Vec::with_capacity(stdin.len() + 10);
    for (kind, content) in [(STDIN, stdin), (CLOSE_STDIN, "")] {
        let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
        input.push(kind);
        input.extend_from_slice(&length.to_le_bytes());
        input.extend_from_slice(content.as_bytes());
    }
    // A command that does not read its input may have ended by now: it is what it prints that counts.
    match link.write(&input) {
        Err(Error::Closed) => {}
        written => written?,
    }
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    loop {
        let mut head = [0; 5];
        link.read_exact(&mut head)?;
        let [kind, a, b, c, d] = head;
        let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if length > max.saturating_sub(stdout.len() + stderr.len()) {
            return Err(Error::TooMuchOutput { max });
        }
        let mut content = vec![0; length];
        link.read_exact(&mut content)?;
        match kind {
            STDOUT => stdout.append(&mut content),
            STDERR => stderr.append(&mut content),
            EXIT => {
                let code = *content.first().ok_or_else(|| unexpected("an exit code", &[]))?;
                return Ok(Output { stdout: text(&stdout), stderr: text(&stderr), code });
            }
            // Later versions may say more.
            _ => {}
        }
    }
}

/// Ends the output of a command where nothing else tells its exit code. No message of a program looks like this.
const TRAILER: &str = "\n:exit-code:";

/// In the old protocol, which is the terminal's: what is printed is all there is.
pub(super) fn run_without_codes(link: &mut Link, command: &str, stdin: &str, max: usize) -> Result<Output, Error> {
    // Its input cannot be closed, so that the command gets it by a pipe.
    link.request(&format!("shell:echo {} | {command} 2>&1; code=$?; echo; echo :exit-code:$code", quoted(stdin)))?;
    let mut printed = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match link.read(&mut buffer)? {
            0 => break,
            read => printed.extend_from_slice(buffer.get(..read).unwrap_or_default()),
        }
        if printed.len() > max {
            return Err(Error::TooMuchOutput { max });
        }
    }
    let printed = text(&printed).replace("\r\n", "\n");
    let (stdout, code) = printed.rsplit_once(TRAILER).ok_or(Error::Closed)?;
    let code = code.trim().parse().map_err(|_| unexpected("an exit code", code.as_bytes()))?;
    Ok(Output { stdout: stdout.to_owned(), stderr: String::new(), code })
}

/// One word of a shell, whatever it holds.
pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
