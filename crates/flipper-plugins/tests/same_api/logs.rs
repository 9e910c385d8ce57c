//! Plugin `rust-logs`.

use flipper_plugins::Waiting;
use flipper_plugins::logs::{FilterError, Logs, LogsBuilder};
use tracing_subscriber::layer::SubscriberExt as _;

#[test]
fn logs() -> Result<(), FilterError> {
    let builder: LogsBuilder =
        Logs::builder().waiting(Waiting::NOTHING).text_limit(100).spans_while_closed(false).filter("debug")?;
    assert!(!format!("{builder:?}").is_empty());
    let logs = builder.build();
    let subscriber = tracing_subscriber::registry().with(logs.layer());
    drop(subscriber);
    logs.set_filter("info")?;
    assert_eq!(logs.filter(), if crate::ENABLED { "info" } else { "" });
    crate::is_a_plugin(logs, Logs::ID);
    crate::is_a_plugin(Logs::new(), "rust-logs");
    crate::is_a_plugin(Logs::default(), "rust-logs");
    Ok(())
}
