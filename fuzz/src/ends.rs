//! The two state machines, brought to where messages are exchanged.

use flipper_model::client::credentials;
use flipper_proto::client::{self, Client, Job, JobOutcome, PluginMode, Prepared};
use flipper_proto::desktop::{self, Admission, Channel, Desktop, PeerIdentity, Upgrade};
use flipper_proto::{AttemptId, ClientId, ConnId, Instant};

const NOW: Instant = Instant::from_millis(1_000);

/// A client with a socket.
pub struct App {
    pub client: Client,
    attempt: AttemptId,
}

impl App {
    /// In a session in which these plugins are initialised.
    pub fn connected(plugins: &[&str]) -> Self {
        let mut app = Self::started(plugins, true);
        app.open();
        for plugin in plugins {
            let name = serde_json::to_string(plugin).expect("a string");
            app.hears(&format!(r#"{{"method":"init","params":{{"plugin":{name}}}}}"#));
        }
        app
    }

    /// In an exchange, with the request that it sent.
    pub fn asking(prepared: Prepared) -> (Self, String) {
        let mut app = Self::started(&[], false);
        app.open();
        let Some(client::Action::Job { job, kind: Job::NewGeneration }) = app.client.poll_action() else {
            panic!("an exchange begins with a key");
        };
        app.client.handle_job_done(job, JobOutcome::Prepared(prepared), NOW);
        let (mut sent, _) = app.turn();
        (app, sent.pop().expect("a request"))
    }

    fn started(plugins: &[&str], has_credentials: bool) -> Self {
        let mut client = Client::new(client::Config::new("Sample", "com.example.sample"));
        for plugin in plugins {
            client.add_plugin(*plugin, PluginMode::Background).expect("few plugins of different names");
        }
        client.start(NOW);
        let Some(client::Action::Job { job, .. }) = client.poll_action() else { panic!("it loads first") };
        let credentials = has_credentials.then(|| credentials(1, Instant::from_millis(u64::MAX)));
        client.handle_job_done(job, JobOutcome::Loaded { credentials, problem: None }, NOW);
        let Some(client::Action::Connect { attempt, .. }) = client.poll_action() else { panic!("it connects then") };
        Self { client, attempt }
    }

    fn open(&mut self) {
        self.client.handle_opened(self.attempt, NOW);
        while self.client.poll_event().is_some() {}
        self.client.handle_writable(self.attempt, usize::MAX, NOW);
    }

    /// A text message arrives. Returns what is sent and told in answer.
    pub fn hears(&mut self, text: &str) -> (Vec<String>, Vec<client::Event>) {
        self.client.handle_message(self.attempt, text, NOW);
        self.turn()
    }

    pub fn hears_bytes(&mut self, bytes: &[u8]) -> (Vec<String>, Vec<client::Event>) {
        self.client.handle_binary(self.attempt, bytes, NOW);
        self.turn()
    }

    /// What is sent and told.
    pub fn turn(&mut self) -> (Vec<String>, Vec<client::Event>) {
        let actions = std::iter::from_fn(|| self.client.poll_action());
        let sent = actions.filter_map(|action| match action {
            client::Action::Send { text, .. } => Some(text),
            _ => None,
        });
        (sent.collect(), std::iter::from_fn(|| self.client.poll_event()).collect())
    }
}

/// A desktop with a connection.
pub struct Desk {
    pub desktop: Desktop,
    pub conn: ConnId,
}

impl Desk {
    /// With a client that has told its plugins, and that [`id`](Self::id) names.
    pub fn connected() -> Self {
        let mut desk = Self::opened(Channel::Secure(PeerIdentity::Unbound { common_name: None }), "localhost:9088");
        desk.hears(r#"{"id":0,"success":{"plugins":["A"]}}"#);
        desk.hears(r#"{"id":1,"success":{"plugins":["A"]}}"#);
        desk
    }

    /// With somebody on the exchange port.
    pub fn exchanging() -> Self {
        Self::opened(Channel::Insecure, "localhost:9089")
    }

    pub fn id() -> ClientId {
        ClientId::from_text("Sample#Linux#box#d")
    }

    fn opened(channel: Channel, host: &str) -> Self {
        let mut desktop = Desktop::new(desktop::Config::new());
        let target = "/?os=Linux&device=box&device_id=d&app=Sample&sdk_version=4&medium=1";
        let upgrade = Upgrade { target, host: Some(host), origin: None, peer: ([127, 0, 0, 1], 50_000).into() };
        let Admission::Accept(conn) = desktop.handle_upgrade(channel, upgrade, NOW) else { panic!("it is let in") };
        desktop.handle_writable(conn, usize::MAX, NOW);
        let mut desk = Self { desktop, conn };
        desk.turn();
        desk
    }

    /// A text message arrives. Returns what is sent and told in answer.
    pub fn hears(&mut self, text: &str) -> (Vec<String>, Vec<desktop::Event>) {
        self.desktop.handle_message(self.conn, text, NOW);
        self.turn()
    }

    pub fn hears_bytes(&mut self, bytes: &[u8]) -> (Vec<String>, Vec<desktop::Event>) {
        self.desktop.handle_binary(self.conn, bytes, NOW);
        self.turn()
    }

    /// Wishes for something, and returns the one message that is sent.
    pub fn sends<E: std::fmt::Debug>(&mut self, wish: impl FnOnce(&mut Desktop, Instant) -> Result<(), E>) -> String {
        wish(&mut self.desktop, NOW).expect("a wish that is none of a fool");
        let (mut sent, _) = self.turn();
        sent.pop().expect("a message")
    }

    /// What is sent and told.
    pub fn turn(&mut self) -> (Vec<String>, Vec<desktop::Event>) {
        let actions = std::iter::from_fn(|| self.desktop.poll_action());
        let sent = actions.filter_map(|action| match action {
            desktop::Action::Send { text, .. } => Some(text),
            _ => None,
        });
        (sent.collect(), std::iter::from_fn(|| self.desktop.poll_event()).collect())
    }
}
