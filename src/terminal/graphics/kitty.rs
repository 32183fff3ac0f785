//! kitty's graphics protocol: a picture packed with zlib, as base64 in pieces, under an id that the next
//! one of the same place takes over. Everything is sent with `q=2`: no answer comes back.

use std::io::{self, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::raster::Raster;

/// Bytes of a piece at most.
const PIECE: usize = 4096;
/// Our ids begin here: others that draw on the same terminal hardly choose the same.
const FIRST_ID: u32 = 0x6e6f_6300;

fn id(band: u16) -> u32 {
    FIRST_ID + u32::from(band)
}

/// Shows a picture where the cursor stands, over so many columns and rows.
pub(super) fn show(out: &mut Vec<u8>, band: u16, raster: &Raster, cells: (u16, u16)) -> io::Result<()> {
    let mut packed = ZlibEncoder::new(Vec::with_capacity(raster.rgb.len() / 16), Compression::fast());
    packed.write_all(&raster.rgb)?;
    let text = STANDARD.encode(packed.finish()?);
    let mut pieces = text.as_bytes().chunks(PIECE).peekable();
    let mut first = true;
    while let Some(piece) = pieces.next() {
        let more = u8::from(pieces.peek().is_some());
        if std::mem::take(&mut first) {
            write!(
                out,
                "\x1b_Ga=T,q=2,C=1,f=24,o=z,s={},v={},i={},p=1,c={},r={},m={more};",
                raster.width,
                raster.height,
                id(band),
                cells.0,
                cells.1
            )?;
        } else {
            write!(out, "\x1b_Gq=2,m={more};")?;
        }
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\x1b\\");
    }
    Ok(())
}

/// Takes a picture from the screen and out of the terminal's memory.
pub(super) fn delete(out: &mut Vec<u8>, band: u16) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, "\x1b_Ga=d,d=I,q=2,i={}\x1b\\", id(band));
}
