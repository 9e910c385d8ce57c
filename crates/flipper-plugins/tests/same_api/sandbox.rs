//! Plugin `Sandbox`.

use flipper_plugins::sandbox::{Sandbox, SandboxBuilder};

#[test]
fn sandbox() {
    let builder: SandboxBuilder = Sandbox::builder()
        .offer("Production", "https://api.example.com")
        .only_offered()
        .on_change(|_value| Ok::<_, String>(()));
    assert!(!format!("{builder:?}").is_empty());
    let sandbox = builder.build();
    sandbox.set_choices([("Staging", "https://staging.example.com")]);
    assert_eq!(sandbox.chosen(), None);
    crate::is_a_plugin(sandbox, Sandbox::ID);
    crate::is_a_plugin(Sandbox::default(), "Sandbox");
}
