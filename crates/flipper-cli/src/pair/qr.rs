//! QR codes on a terminal.

use qrcode::render::unicode::Dense1x2;
use qrcode::types::QrError;
use qrcode::{EcLevel, QrCode};

/// Black on white, whatever the terminal's own colours are: cameras look for dark modules on a light ground.
const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
const RESET: &str = "\x1b[0m";

/// Draws a text as a QR code of half blocks, two modules in the place of one character. Without colours, the blocks are
/// what is dark.
pub(super) fn draw(text: &str, coloured: bool) -> Result<String, QrError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M)?;
    let drawn = code.render::<Dense1x2>().module_dimensions(1, 1).quiet_zone(true).build();
    if !coloured {
        return Ok(drawn);
    }
    let lines: Vec<_> = drawn.lines().map(|line| format!("{BLACK_ON_WHITE}{line}{RESET}")).collect();
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str =
        "flipper://pair?v=1&host=192.168.1.20&ports=9089,9088&id=e0f7b247d96e4bfe&secret=AAECAwQFBgcICQoLDA0ODw";

    /// The modules of a drawing; `true` is dark.
    fn modules(drawn: &str) -> Vec<Vec<bool>> {
        drawn
            .lines()
            .flat_map(|line| {
                let half = |dark: [char; 2]| line.chars().map(|c| dark.contains(&c)).collect::<Vec<_>>();
                [half(['▀', '█']), half(['▄', '█'])]
            })
            .collect()
    }

    #[test]
    fn a_camera_reads_the_link() {
        let modules = modules(&draw(LINK, false).unwrap());
        let width = modules[0].len();
        let scale = 4;
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width * scale, modules.len() * scale, |x, y| {
            if modules[y / scale][x / scale] { 0 } else { 255 }
        });
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        assert_eq!(grids[0].decode().unwrap().1, LINK);
    }

    #[test]
    fn on_a_terminal_every_line_has_its_own_colours() {
        let (plain, coloured) = (draw(LINK, false).unwrap(), draw(LINK, true).unwrap());
        let stripped: Vec<_> = coloured
            .lines()
            .map(|line| line.strip_prefix(BLACK_ON_WHITE).and_then(|line| line.strip_suffix(RESET)).unwrap())
            .collect();
        assert_eq!(stripped.join("\n"), plain);
    }
}
