//! What a desktop decides, field by field.

use flipper_proto::desktop::Action;

use crate::action::{FlipperActionField, FlipperActionKind};

pub(crate) fn kind(action: &Action) -> Option<FlipperActionKind> {
    Some(match action {
        Action::Send { .. } => FlipperActionKind::Send,
        Action::Ping { .. } => FlipperActionKind::Ping,
        Action::Close { .. } => FlipperActionKind::Close,
        Action::Abort { .. } => FlipperActionKind::Abort,
        _ => return None,
    })
}

pub(crate) fn number(action: &Action, field: u32) -> Option<u64> {
    const CONN: u32 = FlipperActionField::Conn as u32;
    const CODE: u32 = FlipperActionField::Code as u32;
    match (action, field) {
        (
            Action::Send { conn, .. } | Action::Ping { conn } | Action::Close { conn, .. } | Action::Abort { conn },
            CONN,
        ) => Some(conn.as_u64()),
        (Action::Close { code, .. }, CODE) => Some(code.as_u16().into()),
        _ => None,
    }
}

pub(crate) fn text(action: &Action, field: u32) -> Option<&str> {
    const TEXT: u32 = FlipperActionField::Text as u32;
    const REASON: u32 = FlipperActionField::Reason as u32;
    match (action, field) {
        (Action::Send { text, .. }, TEXT) => Some(text),
        (Action::Close { reason, .. }, REASON) => Some(reason),
        _ => None,
    }
}
