//! The least that an app does: one plugin with one method, until somebody presses Enter.
//!
//! Run a desktop first, such as `npx flipper-server`, then this.

use std::collections::BTreeMap;
use std::io;

use flipper_blocking::{Flipper, plugin};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shop = plugin("Shop")
        .background()
        .method("price", |item: String| -> Result<_, String> { Ok(BTreeMap::from([("price", item.len())])) });
    let flipper = Flipper::builder("Minimal", "com.example.minimal").plugin(shop.build()).start()?;
    flipper.connection("Shop").send("opened", &["at last"])?;

    // Everything goes on in the background. The main thread does what the app is there for.
    println!("Press Enter to end.");
    io::stdin().read_line(&mut String::new())?;

    flipper.stop().wait()?;
    Ok(())
}
