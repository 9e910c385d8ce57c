//! The id of an app that has only a name.

/// What all ids begin with.
const PREFIX: &str = "rust.";
/// With prefix and digits an id has 62 bytes at most, and a certificate can name 63 (`flipper_pki::common_name`).
const MAX: usize = 48;

/// See [`init`](super::init), which says what the id of a name is.
pub(super) fn app_id(name: &str) -> String {
    let mut words = String::new();
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            words.push(character.to_ascii_lowercase());
        } else if !words.is_empty() && !words.ends_with('-') {
            words.push('-');
        }
    }
    let is_whole = words.len() <= MAX && !name.chars().any(|c| !c.is_ascii() && c.is_alphanumeric());
    words.truncate(MAX);
    let words = words.trim_end_matches('-');
    match (words, is_whole) {
        ("", _) => format!("{PREFIX}{:08x}", hash(name)),
        (words, true) => format!("{PREFIX}{words}"),
        (words, false) => format!("{PREFIX}{words}-{:08x}", hash(name)),
    }
}

/// FNV-1a: the same in every version of this crate, on every machine.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::app_id;

    #[test]
    fn an_id_is_made_of_the_words_of_a_name() {
        assert_eq!(app_id("My Shop"), "rust.my-shop");
        assert_eq!(app_id("  shop/2 (beta) "), "rust.shop-2-beta");
        assert_eq!(app_id("MyApp"), "rust.myapp");
    }

    #[test]
    fn names_that_lose_letters_keep_apart() {
        assert_eq!(app_id("Größe"), "rust.gr-e-48b3427a");
        assert_ne!(app_id("Größe"), app_id("Grüße"));
        assert_ne!(app_id("商店"), app_id("店商"));
        assert_ne!(app_id("***"), app_id("+++"));
        let long = "a".repeat(100);
        assert_ne!(app_id(&long), app_id(&format!("{long}b")));
    }

    #[test]
    fn every_id_fits_into_a_certificate() {
        for name in ["", "My Shop", "商店", "-", "localhost", &"ab ".repeat(100), &"é".repeat(100)] {
            let id = app_id(name);
            let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
            assert!(id.len() <= 63 && id.bytes().all(allowed) && id.starts_with("rust."), "{id}");
        }
    }
}
