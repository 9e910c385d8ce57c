//! Where adb's server listens.

use std::env;
use std::error::Error;
use std::fmt;
use std::str::FromStr;

/// Where adb's server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
}

/// What adb itself uses, too.
const DEFAULT_PORT: u16 = 5037;

/// Adb's server listens on IPv4 alone, so that `localhost`, where it means `::1` first, leads nowhere.
const LOOPBACK: &str = "127.0.0.1";

const SOCKET: &str = "ADB_SERVER_SOCKET";
const HOST: &str = "ANDROID_ADB_SERVER_ADDRESS";
const PORT: &str = "ANDROID_ADB_SERVER_PORT";

impl Address {
    /// A server on any machine.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }

    /// Where the environment says, in the variables that adb reads: `ADB_SERVER_SOCKET`, else
    /// `ANDROID_ADB_SERVER_ADDRESS` and `ANDROID_ADB_SERVER_PORT`, else `127.0.0.1:5037`.
    ///
    /// # Errors
    /// [`AddressError`], which names the variable that is not understood.
    pub fn of_environment() -> Result<Self, AddressError> {
        Self::of_variables(|name| env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
    }

    fn of_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, AddressError> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(socket) = set(SOCKET) {
            return socket.parse().map_err(|error: AddressError| error.of_variable(SOCKET));
        }
        let port = match set(PORT) {
            Some(port) => port_of(&port).ok_or(AddressError { variable: Some(PORT), value: port, wanted: "a port" })?,
            None => DEFAULT_PORT,
        };
        Ok(Self { host: set(HOST).unwrap_or_else(|| LOOPBACK.to_owned()), port })
    }

    /// The name or address of the machine.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Default for Address {
    fn default() -> Self {
        Self::new(LOOPBACK, DEFAULT_PORT)
    }
}

/// `HOST:PORT`, or a port alone; with or without adb's `tcp:` before it.
impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let bare = text.strip_prefix("tcp:").unwrap_or(text);
        let parsed = match bare.rsplit_once(':') {
            None => port_of(bare).map(|port| Self::new(LOOPBACK, port)),
            Some((host, port)) => {
                let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
                let host = bracketed.or(Some(host).filter(|host| !host.contains(['[', ']', ':', '/'])));
                host.filter(|host| !host.is_empty()).zip(port_of(port)).map(|(host, port)| Self::new(host, port))
            }
        };
        let wanted = "HOST:PORT or a port";
        parsed.ok_or_else(|| AddressError { variable: None, value: text.to_owned(), wanted })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

fn port_of(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

/// An address of adb's server that is not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError {
    variable: Option<&'static str>,
    value: String,
    wanted: &'static str,
}

impl AddressError {
    fn of_variable(self, variable: &'static str) -> Self {
        Self { variable: Some(variable), ..self }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.variable {
            Some(variable) => write!(f, "{variable} is {:?}, which is not {}", self.value, self.wanted),
            None => write!(f, "{:?} is not {}", self.value, self.wanted),
        }
    }
}

impl Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<String, String> {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Address::of_variables(find).map(|address| address.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_environment_says_it_as_it_does_to_adb() {
        for (variables, expected) in [
            (&[][..], "127.0.0.1:5037"),
            (&[(PORT, "6000")], "127.0.0.1:6000"),
            (&[(HOST, "build.local")], "build.local:5037"),
            (&[(HOST, "10.0.0.7"), (PORT, "6000")], "10.0.0.7:6000"),
            (&[(SOCKET, "tcp:7000"), (PORT, "6000")], "127.0.0.1:7000"),
            (&[(SOCKET, "tcp:10.0.0.7:7000")], "10.0.0.7:7000"),
            (&[(SOCKET, "tcp:[::1]:7000")], "[::1]:7000"),
            (&[(SOCKET, ""), (PORT, ""), (HOST, "")], "127.0.0.1:5037"),
        ] {
            assert_eq!(of(variables).unwrap(), expected, "{variables:?}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (variable, value) in [
            (PORT, "many"),
            (PORT, "0"),
            (PORT, "70000"),
            (SOCKET, "localfilesystem:/tmp/adb"),
            (SOCKET, "tcp:"),
            (SOCKET, "tcp:host:"),
            (SOCKET, "tcp::5037"),
            (SOCKET, "tcp:::1:5037"),
        ] {
            let error = of(&[(variable, value)]).unwrap_err();
            assert!(error.contains(variable) && error.contains(value), "{error}");
        }
    }
}
