//! Screen shots as files: PNG out, and PNG and PPM (what QEMU makes) in.

use crate::model::console::Picture;

/// The largest picture that is read, pixels.
const MOST_PIXELS: u64 = 8_294_400;

/// A file that is no picture, or none that can be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the screen shot cannot be read: {0}")]
pub struct Unreadable(String);

fn unreadable(why: impl std::fmt::Display) -> Unreadable {
    Unreadable(why.to_string())
}

/// The picture as a PNG file.
///
/// # Errors
/// When its bytes are not as many as its size asks for.
pub fn png(picture: &Picture) -> Result<Vec<u8>, Unreadable> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(unreadable)?;
    writer.write_image_data(&picture.rgb).map_err(unreadable)?;
    writer.finish().map_err(unreadable)?;
    Ok(out)
}

/// A screen shot in whichever format it is in, told by its first bytes.
///
/// # Errors
/// When it is neither, damaged, or larger than 8 megapixels.
pub fn read(file: &[u8]) -> Result<Picture, Unreadable> {
    if file.starts_with(b"\x89PNG") { read_png(file) } else { read_ppm(file) }
}

fn sized(width: u32, height: u32) -> Result<(u32, u32), Unreadable> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > MOST_PIXELS {
        return Err(unreadable(format!("{width}x{height} is no size of a screen")));
    }
    Ok((width, height))
}

fn read_png(file: &[u8]) -> Result<Picture, Unreadable> {
    let limits = png::Limits { bytes: 64 << 20 };
    let mut decoder = png::Decoder::new_with_limits(std::io::Cursor::new(file), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(unreadable)?;
    let (width, height) = sized(reader.info().width, reader.info().height)?;
    let size = reader.output_buffer_size().ok_or_else(|| unreadable("it is too large"))?;
    let mut bytes = vec![0; size];
    let info = reader.next_frame(&mut bytes).map_err(unreadable)?;
    let bytes = bytes.get(..info.buffer_size()).unwrap_or(&[]);
    let rgb: Vec<u8> = match info.color_type {
        png::ColorType::Rgb => bytes.to_vec(),
        png::ColorType::Rgba => bytes.chunks_exact(4).flat_map(|p| p.iter().take(3)).copied().collect(),
        png::ColorType::Grayscale => bytes.iter().flat_map(|grey| [*grey; 3]).collect(),
        png::ColorType::GrayscaleAlpha => {
            bytes.chunks_exact(2).flat_map(|p| [p.first().copied().unwrap_or(0); 3]).collect()
        }
        png::ColorType::Indexed => return Err(unreadable("its palette was not resolved")),
    };
    whole(width, height, rgb)
}

fn whole(width: u32, height: u32, rgb: Vec<u8>) -> Result<Picture, Unreadable> {
    if rgb.len() as u64 != u64::from(width) * u64::from(height) * 3 {
        return Err(unreadable("it ends too early"));
    }
    Ok(Picture { width, height, rgb })
}

fn read_ppm(file: &[u8]) -> Result<Picture, Unreadable> {
    let mut at = 0;
    let mut word = || {
        loop {
            match file.get(at) {
                Some(b'#') => at += file.get(at..)?.iter().position(|b| *b == b'\n')?,
                Some(b) if b.is_ascii_whitespace() => at += 1,
                _ => break,
            }
        }
        let rest = file.get(at..)?;
        let length = rest.iter().take(12).position(u8::is_ascii_whitespace)?;
        let word = std::str::from_utf8(rest.get(..length)?).ok()?;
        // One space after the last number, then pixels.
        at += length + 1;
        Some((word, at))
    };
    let header = |found: Option<(&str, usize)>| {
        found
            .and_then(|(word, at)| Some((word.parse::<u32>().ok()?, at)))
            .ok_or_else(|| unreadable("neither PNG nor PPM"))
    };
    if word().is_none_or(|(magic, _)| magic != "P6") {
        return Err(unreadable("neither PNG nor PPM"));
    }
    let (width, _) = header(word())?;
    let (height, _) = header(word())?;
    let (most, data) = header(word())?;
    let (width, height) = sized(width, height)?;
    if most != 255 {
        return Err(unreadable("its colours have not 8 bits"));
    }
    let length = width as usize * height as usize * 3;
    let rgb = file.get(data..).unwrap_or(&[]).iter().take(length).copied().collect();
    whole(width, height, rgb)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn picture() -> Picture {
        Picture { width: 3, height: 2, rgb: (0..18).map(|n| n * 14).collect() }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let file = png(&picture()).unwrap();
        assert_eq!(read(&file).unwrap(), picture());
        let mut ppm = b"P6\n# a guest\n3 2\n255\n".to_vec();
        ppm.extend(&picture().rgb);
        assert_eq!(read(&ppm).unwrap(), picture());
        ppm.pop();
        assert_eq!(read(&ppm).unwrap_err().to_string(), "the screen shot cannot be read: it ends too early");
        assert!(read(b"P6 99999 99999 255 x").is_err());
        assert!(png(&Picture { width: 9, ..picture() }).is_err());
    }

    proptest! {
        #[test]
        fn any_file_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..80, flip: u8) {
            let _ = read(&bytes);
            let _ = read(&[b"P6 ".as_slice(), &bytes].concat());
            let mut file = png(&picture()).unwrap();
            let at = at % file.len();
            file[at] ^= flip;
            let _ = read(&file);
        }
    }
}
