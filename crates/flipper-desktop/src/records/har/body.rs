//! Bodies, which travel as base64.

use std::io::Read as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::read::MultiGzDecoder;

/// What a body may become when it is decompressed. One that becomes larger stays as it is.
const MAX_INFLATED: u64 = 64 << 20;

const FORGIVING: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, GeneralPurposeConfig::new());
const DECODER: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, FORGIVING);

/// Decodes what a client sent: either alphabet, with padding or without, in lines or in one. What is no base64 is taken
/// as it is.
pub(super) fn decode(data: &str) -> Vec<u8> {
    let plain: String = data
        .chars()
        .filter(|char| !char.is_ascii_whitespace())
        .map(|char| match char {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    DECODER.decode(&plain).unwrap_or_else(|_| data.as_bytes().to_vec())
}

/// As HAR has binary bodies.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The content of a body that its headers say is compressed with gzip. `None` if it is not, or is broken.
pub(super) fn inflate(body: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    let read = MultiGzDecoder::new(body).take(MAX_INFLATED + 1).read_to_end(&mut content).ok()?;
    (read as u64 <= MAX_INFLATED).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_base64_is_read() {
        for data in ["+/8=", "-_8=", "+/8", "+/\n8=\r\n"] {
            assert_eq!(decode(data), [0xFB, 0xFF], "{data}");
        }
        assert_eq!(decode(""), b"");
        assert_eq!(decode("not base64!"), b"not base64!");
    }

    #[test]
    fn what_is_no_gzip_stays_as_it_is() {
        assert_eq!(inflate(b"plain"), None);
    }
}
