//! Plugin `Navigation`.

use flipper_plugins::Waiting;
use flipper_plugins::navigation::{Navigation, NavigationBuilder};

#[test]
fn navigation() {
    let builder: NavigationBuilder =
        Navigation::builder().waiting(Waiting::NOTHING).send_uris().on_navigate(|_url| Err::<(), _>("no".to_owned()));
    assert!(!format!("{builder:?}").is_empty());
    let navigation = builder.build();
    navigation.visit("shop://cart");
    navigation.visit_screen("shop://cart", "Cart");
    navigation.show_screen("Cart");
    crate::is_a_plugin(navigation, Navigation::ID);
    crate::is_a_plugin(Navigation::new(), "Navigation");
    crate::is_a_plugin(Navigation::default(), "Navigation");
}
