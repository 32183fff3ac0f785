//! One viewer of a simulated screen: the handshake, and then updates as it asks for them.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::{Display, Guest, RfbOptions, des};
use crate::model::console::Picture;

/// Encodings and pseudo-encodings.
const RAW: i32 = 0;
const DESKTOP_SIZE: i32 = -223;
const EXTENDED_DESKTOP_SIZE: i32 = -308;
/// The longest clipboard that is taken, bytes.
const MOST_TEXT: u32 = 1 << 20;

fn wrong(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// How a viewer wants pixels: four bytes each, with these shifts, in this order.
#[derive(Debug, Clone, Copy)]
struct Format {
    shifts: [u8; 3],
    big_endian: bool,
}

impl Format {
    const OURS: Self = Self { shifts: [16, 8, 0], big_endian: false };

    fn read(bytes: &[u8; 16]) -> io::Result<Self> {
        match bytes {
            [32, _, big, colour, 0, 255, 0, 255, 0, 255, r, g, b, ..]
                if *colour != 0 && [r, g, b].iter().all(|s| **s <= 24) =>
            {
                Ok(Self { shifts: [*r, *g, *b], big_endian: *big != 0 })
            }
            _ => Err(wrong("a pixel format that is not 32 bits with 8 bits a colour")),
        }
    }

    fn pixel(self, rgb: &[u8]) -> [u8; 4] {
        let value = rgb.iter().zip(self.shifts).fold(0, |v, (c, shift)| v | u32::from(*c) << shift);
        if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() }
    }
}

/// A rectangle: x, y, width, height.
type Area = (u32, u32, u32, u32);

struct Viewer {
    format: Format,
    resizes: bool,
    extended: bool,
    /// What it was sent last.
    seen: Option<Arc<Picture>>,
    /// Size it believes in.
    size: (u32, u32),
    /// An update it waits for.
    waits: bool,
    /// The layout has to be told even though nothing changed: the reason and the status.
    layout: Option<(u16, u16)>,
}

pub(super) async fn serve<S>(mut io: S, options: &RfbOptions, display: &Display, guest: &dyn Guest) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let size = handshake(&mut io, options, display).await?;
    let mut viewer =
        Viewer { format: Format::OURS, resizes: false, extended: false, seen: None, size, waits: false, layout: None };
    let mut shown = display.0.shown.subscribe();
    let mut clip = display.0.clip.subscribe();
    let mut bells = display.0.bells.subscribe();
    let (mut from, mut to) = tokio::io::split(io);
    loop {
        if viewer.waits {
            shown.borrow_and_update();
            let update = viewer.update(&display.picture());
            if let Some(update) = update {
                viewer.waits = false;
                to.write_all(&update).await?;
                to.flush().await?;
            }
        }
        tokio::select! {
            kind = from.read_u8() => match kind {
                Ok(kind) => viewer.message(kind, &mut from, display, guest).await?,
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                Err(e) => return Err(e),
            },
            Ok(()) = shown.changed(), if viewer.waits => {}
            Ok(()) = clip.changed() => {
                let text = clip.borrow_and_update().1.clone();
                let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
                to.write_all(&[3, 0, 0, 0]).await?;
                to.write_u32(u32::try_from(latin.len()).map_err(|_| wrong("a clipboard too long"))?).await?;
                to.write_all(&latin).await?;
                to.flush().await?;
            }
            Ok(()) = bells.changed() => {
                to.write_all(&[2]).await?;
                to.flush().await?;
            }
        }
    }
}

async fn handshake<S>(io: &mut S, options: &RfbOptions, display: &Display) -> io::Result<(u32, u32)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    io.write_all(b"RFB 003.008\n").await?;
    io.flush().await?;
    let mut version = [0; 12];
    io.read_exact(&mut version).await?;
    if &version != b"RFB 003.008\n" {
        return Err(wrong("a viewer that does not speak RFB 3.8"));
    }
    let offered = options.offered.clone().unwrap_or_else(|| vec![if options.password.is_some() { 2 } else { 1 }]);
    io.write_u8(u8::try_from(offered.len()).map_err(|_| wrong("too many security types"))?).await?;
    io.write_all(&offered).await?;
    io.flush().await?;
    let kind = io.read_u8().await?;
    let mut passed = offered.contains(&kind) && kind == 1;
    if offered.contains(&kind) && kind == 2 {
        let challenge: [u8; 16] = std::array::from_fn(|_| fastrand::u8(..));
        io.write_all(&challenge).await?;
        io.flush().await?;
        let mut answer = [0; 16];
        io.read_exact(&mut answer).await?;
        passed = options.password.as_deref().is_some_and(|password| des::answer(password, challenge) == answer);
    }
    io.write_u32(u32::from(!passed)).await?;
    if !passed {
        let why = b"Authentication failed";
        io.write_u32(why.len() as u32).await?;
        io.write_all(why).await?;
        io.flush().await?;
        return Err(wrong("a viewer that was not let in"));
    }
    io.flush().await?;
    let _shared = io.read_u8().await?;
    let picture = display.picture();
    let size = (picture.width, picture.height);
    let mut hello = Vec::new();
    for side in [size.0, size.1] {
        hello.extend(u16::try_from(side).map_err(|_| wrong("a screen too large"))?.to_be_bytes());
    }
    hello.extend([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0]);
    hello.extend((options.name.len() as u32).to_be_bytes());
    hello.extend(options.name.as_bytes());
    io.write_all(&hello).await?;
    io.flush().await?;
    Ok(size)
}

impl Viewer {
    async fn message<R>(&mut self, kind: u8, from: &mut R, display: &Display, guest: &dyn Guest) -> io::Result<()>
    where
        R: AsyncRead + Unpin + Send,
    {
        match kind {
            0 => {
                let mut bytes = [0; 19];
                from.read_exact(&mut bytes).await?;
                let [_, _, _, format @ ..] = bytes;
                self.format = Format::read(&format)?;
            }
            2 => {
                from.read_u8().await?;
                for _ in 0..from.read_u16().await? {
                    match from.read_i32().await? {
                        DESKTOP_SIZE => self.resizes = true,
                        EXTENDED_DESKTOP_SIZE => {
                            self.extended = true;
                            self.layout = Some((0, 0));
                        }
                        _ => {}
                    }
                }
            }
            3 => {
                let incremental = from.read_u8().await?;
                let mut area = [0; 8];
                from.read_exact(&mut area).await?;
                if incremental == 0 {
                    self.seen = None;
                }
                self.waits = true;
            }
            4 => {
                let down = from.read_u8().await? != 0;
                from.read_u16().await?;
                let keysym = from.read_u32().await?;
                guest.key(display, keysym, down);
            }
            5 => {
                let buttons = from.read_u8().await?;
                let (x, y) = (from.read_u16().await?, from.read_u16().await?);
                guest.pointer(display, x, y, buttons);
            }
            6 => {
                let mut padding = [0; 3];
                from.read_exact(&mut padding).await?;
                let length = from.read_u32().await?;
                if length > MOST_TEXT {
                    return Err(wrong("a clipboard too long"));
                }
                let mut text = vec![0; length as usize];
                from.read_exact(&mut text).await?;
                guest.cut_text(display, &text.iter().map(|b| char::from(*b)).collect::<String>());
            }
            251 => {
                from.read_u8().await?;
                let (width, height) = (from.read_u16().await?, from.read_u16().await?);
                let screens = from.read_u8().await?;
                from.read_u8().await?;
                let mut layout = vec![0; usize::from(screens) * 16];
                from.read_exact(&mut layout).await?;
                let granted = guest.resize(display, width, height);
                // 1: this viewer asked. Status 1: not allowed.
                self.layout = Some((1, u16::from(!granted)));
            }
            _ => return Err(wrong("a message that RFB does not have")),
        }
        Ok(())
    }

    /// What has to be sent for a viewer to see a picture; `None` while it sees it already.
    fn update(&mut self, picture: &Arc<Picture>) -> Option<Vec<u8>> {
        let size = (picture.width, picture.height);
        if size != self.size && (self.resizes || self.extended) {
            self.seen = None;
            if self.extended {
                let (reason, _) = self.layout.take().unwrap_or((0, 0));
                self.size = size;
                return Some(layout(reason, 0, size));
            }
            self.size = size;
            let mut out = vec![0, 0, 0, 1];
            header(&mut out, (0, 0, size.0, size.1), DESKTOP_SIZE);
            return Some(out);
        }
        if let Some((reason, status)) = self.layout.take() {
            return Some(layout(reason, status, size));
        }
        if size != self.size {
            // A viewer that knows of no other size keeps what it has.
            return None;
        }
        let areas = match &self.seen {
            None => vec![(0, 0, size.0, size.1)],
            Some(seen) if Arc::ptr_eq(seen, picture) => return None,
            Some(seen) => changed(seen, picture),
        };
        self.seen = Some(picture.clone());
        if areas.is_empty() {
            return None;
        }
        let mut out = vec![0, 0];
        out.extend((areas.len() as u16).to_be_bytes());
        for area in areas {
            header(&mut out, area, RAW);
            let (x, y, width, height) = area;
            for line in y..y + height {
                let from = (line as usize * picture.width as usize + x as usize) * 3;
                let pixels = picture.rgb.get(from..from + width as usize * 3).unwrap_or(&[]);
                out.extend(pixels.chunks_exact(3).flat_map(|rgb| self.format.pixel(rgb)));
            }
        }
        Some(out)
    }
}

fn header(out: &mut Vec<u8>, (x, y, width, height): Area, encoding: i32) {
    for part in [x, y, width, height] {
        out.extend((part as u16).to_be_bytes());
    }
    out.extend(encoding.to_be_bytes());
}

/// The layout of the desktop as the extended pseudo-encoding tells it: one screen.
fn layout(reason: u16, status: u16, size: (u32, u32)) -> Vec<u8> {
    let mut out = vec![0, 0, 0, 1];
    header(&mut out, (u32::from(reason), u32::from(status), size.0, size.1), EXTENDED_DESKTOP_SIZE);
    out.extend([1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    out.extend((size.0 as u16).to_be_bytes());
    out.extend((size.1 as u16).to_be_bytes());
    out.extend([0; 4]);
    out
}

/// Bands of 16 lines that differ, each as wide as the difference.
fn changed(old: &Picture, new: &Picture) -> Vec<Area> {
    let stride = new.width as usize * 3;
    let mut out = Vec::new();
    for top in (0..new.height).step_by(16) {
        let height = 16.min(new.height - top);
        let (mut left, mut right) = (new.width as usize, 0);
        for line in top..top + height {
            let range = line as usize * stride..(line as usize + 1) * stride;
            let (Some(a), Some(b)) = (old.rgb.get(range.clone()), new.rgb.get(range)) else { continue };
            let differs = |(x, y): (&u8, &u8)| x != y;
            if let Some(first) = a.iter().zip(b).position(differs) {
                left = left.min(first / 3);
                right = right.max(a.iter().zip(b).rposition(differs).unwrap_or(first) / 3 + 1);
            }
        }
        if right > left {
            out.push((left as u32, top, (right - left) as u32, height));
        }
    }
    out
}
