//! An app and a desktop meet, exchange certificates, and talk.

use std::time::Duration;

use flipper_client::plugin;
use flipper_desktop::Event;
use flipper_proto::Payload;
use flipper_sim::{AppHome, Sim};

fn meet(seed: u64) -> (u64, u64, Duration) {
    let sim = Sim::new(seed);
    let calendar = sim.calendar();
    let authority = flipper_sim::authority(&calendar).unwrap();
    let home = AppHome::new(&calendar).unwrap();
    let (app, desk) = (sim.process("app"), sim.process("desk"));
    sim.run(async {
        let desktop = flipper_sim::desktop(&calendar, &authority).start_on(desk.clone()).await.unwrap();
        let mut events = desktop.events();
        let echo = plugin("Echo").background().method("echo", |text: Vec<String>| Ok::<_, String>(text));
        let flipper = home.launch(&app, flipper_sim::app("meet", seed).plugin(echo.build())).unwrap();
        flipper.connection("Echo").send("hello", &["world"]).unwrap();
        assert!(flipper.connected().await);
        let client = loop {
            match events.next().await.unwrap() {
                Event::Message { client, method, params, .. } => {
                    assert_eq!((method.as_str(), params.unwrap().as_json()), ("hello", r#"["world"]"#));
                    break client;
                }
                other => app.note(format_args!("{}", name(&other))),
            }
        };
        let params = Payload::serialize(&["a"]).unwrap();
        let answer = desktop.call(&client, "Echo", "echo", Some(params)).await.unwrap();
        assert_eq!(answer.as_json(), r#"["a"]"#);
        flipper.stop().await;
        desktop.stop().await;
    })
    .unwrap();
    assert_eq!((app.tasks(), desk.tasks(), sim.connections()), (0, 0, 0));
    (sim.digest(), sim.steps(), sim.now())
}

fn name(event: &Event) -> String {
    let text = format!("{event:?}");
    text.chars().take_while(|c| c.is_alphanumeric()).collect()
}

#[test]
fn an_app_and_a_desktop_meet_and_do_so_again() {
    let first = meet(1);
    eprintln!("{first:?}");
    assert_eq!(first, meet(1));
}
