//! Facts and wishes in any order, told to a client: see `flipper_model::client`.
#![no_main]

use flipper_model::client::{self, Model};
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|input: &[u8]| -> Corpus {
    let Some((settings, ops)) = client::read(input) else { return Corpus::Reject };
    let (once, again) = (Model::play(&settings, &ops), Model::play(&settings, &ops));
    assert_eq!(once.log(), again.log(), "the same facts, the same decisions");
    once.finish();
    Corpus::Keep
});
