//! The query of a request target: whatever is understood is written so that it is understood alike.
#![no_main]

use flipper_proto::{ClientId, Query, QueryError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|target: &str| {
    comes_back(target, Query::parse);
    comes_back(target, Query::parse_browser);
});

fn comes_back(target: &str, parse: fn(&str) -> Result<Query, QueryError>) {
    match parse(target) {
        Ok(query) => {
            let written = query.to_target();
            assert!(written.bytes().all(|byte| byte.is_ascii_graphic()), "not fit for a request line: {written:?}");
            assert_eq!(parse(&written).as_ref(), Ok(&query), "written as {written}");
            let id = ClientId::of(&query);
            assert_eq!(ClientId::from_text(id.as_str()), id);
        }
        Err(error) => {
            // What a peer wrote never makes an error long.
            assert!(error.to_string().len() < 1_000);
        }
    }
}
