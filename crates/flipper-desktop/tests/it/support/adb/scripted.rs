//! A server that says what a test has written, right or wrong.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;

use flipper_desktop::adb::{Address, Server};

/// What a request is answered with, and what comes of the connection.
pub(crate) enum Say {
    /// It goes on to the next request.
    Then(Vec<u8>),
    /// It ends.
    Last(Vec<u8>),
    /// It stays open, and nothing more is said.
    Hang(Vec<u8>),
    /// As `Hang`; it is told that it is `open`, and when it is `closed`.
    Watch(Vec<u8>, Sender<&'static str>),
}

pub(crate) struct ScriptedServer {
    port: u16,
}

impl ScriptedServer {
    pub(crate) fn start(answer: impl Fn(&str) -> Say + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for socket in listener.incoming() {
                let (Ok(socket), answer) = (socket, Arc::clone(&answer)) else { return };
                thread::spawn(move || converse(socket, &*answer));
            }
        });
        Self { port }
    }

    pub(crate) fn server(&self) -> Server {
        Server::new(Address::new("127.0.0.1", self.port))
    }
}

fn converse(mut socket: TcpStream, answer: &dyn Fn(&str) -> Say) {
    while let Some(request) = read_request(&mut socket) {
        let said = answer(&request);
        let (Say::Then(bytes) | Say::Last(bytes) | Say::Hang(bytes) | Say::Watch(bytes, _)) = &said;
        if socket.write_all(bytes).is_err() {
            return;
        }
        match said {
            Say::Then(_) => {}
            Say::Last(_) => return,
            // Whoever gives up closes.
            Say::Hang(_) => while matches!(socket.read(&mut [0; 64]), Ok(1..)) {},
            Say::Watch(_, tell) => {
                tell.send("open").unwrap();
                while matches!(socket.read(&mut [0; 64]), Ok(1..)) {}
                tell.send("closed").unwrap();
            }
        }
    }
}

fn read_request(socket: &mut TcpStream) -> Option<String> {
    let mut digits = [0; 4];
    socket.read_exact(&mut digits).ok()?;
    let length = usize::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap();
    let mut request = vec![0; length];
    socket.read_exact(&mut request).ok()?;
    Some(String::from_utf8(request).unwrap())
}
