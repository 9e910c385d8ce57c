//! Facts and wishes in any order, told to a desktop: see `flipper_model::desktop`.
#![no_main]

use flipper_model::desktop::{self, Run};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let steps = desktop::read(input);
    assert_eq!(Run::of(&steps), Run::of(&steps), "the same facts, the same decisions");
});
