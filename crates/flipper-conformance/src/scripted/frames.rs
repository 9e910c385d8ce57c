//! WebSocket frames as bytes, good and bad ones.

/// A whole message of text, as a desktop sends it.
#[must_use]
pub fn text(text: &str) -> Vec<u8> {
    frame(0x81, text.as_bytes())
}

/// A frame: its first byte, which holds FIN, the reserved bits and the opcode, and its payload.
#[must_use]
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = head(first, payload.len() as u64);
    bytes.extend_from_slice(payload);
    bytes
}

/// The head of a frame whose payload has this many bytes.
#[must_use]
pub fn head(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match length {
        0..126 => bytes.push(length as u8),
        126..0x1_0000 => {
            bytes.push(126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(127);
            bytes.extend_from_slice(&length.to_be_bytes());
        }
    }
    bytes
}

/// A short message of text, masked as only clients may.
#[must_use]
pub fn masked(text: &str) -> Vec<u8> {
    const MASK: [u8; 4] = [1, 2, 3, 4];
    let mut bytes = vec![0x81, 0x80 | text.len() as u8];
    bytes.extend_from_slice(&MASK);
    bytes.extend(text.bytes().zip(MASK.into_iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// A close frame with any code.
#[must_use]
pub fn close(code: u16, reason: &str) -> Vec<u8> {
    let mut payload = code.to_be_bytes().to_vec();
    payload.extend_from_slice(reason.as_bytes());
    frame(0x88, &payload)
}
