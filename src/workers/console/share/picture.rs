//! A picture on its way to who looks: the whole of it first, then the bands that changed, compressed.
//! Nothing of it is queued. What changed is only marked, and a peer that has taken what came before
//! gets the marked bands as they are then: a slow one sees fewer states, each of them whole.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::controllers::vnc::Area;
use crate::model::console::Picture;
use crate::workers::lock;
use crate::workers::relay::wire::pack;

use super::wire::Tell;

/// Pixels of a picture at most; the VNC client takes no larger ones either.
const MOST_PIXELS: u32 = 8_294_400;
/// Pixels of a part at most: with three bytes each it fits into a frame even where nothing is gained
/// by compressing it.
const MOST_PART: u32 = 64 << 10;
/// Rows of a band.
const BAND: u32 = 16;
/// The least time between two states that a peer is sent.
const EVERY: Duration = Duration::from_millis(100);

/// Whether there can be a picture of this size.
fn fits(width: u32, height: u32) -> bool {
    let side = 1..=u32::from(u16::MAX);
    side.contains(&width) && side.contains(&height) && width.saturating_mul(height) <= MOST_PIXELS
}

/// What a peer has not been sent yet.
#[derive(Debug, Default)]
struct Unsent {
    picture: Arc<Picture>,
    /// It does not know the size.
    resized: bool,
    /// Columns that changed, from and to, in each band of rows.
    bands: Vec<(u32, u32)>,
}

/// The newest picture for a peer.
#[derive(Debug, Default)]
pub(in crate::workers::console) struct Latest {
    unsent: Mutex<Unsent>,
    changed: Notify,
}

impl Latest {
    /// All of a picture is to be shown.
    pub(super) fn whole(&self, picture: &Arc<Picture>) {
        let (width, height) = (picture.width, picture.height);
        if !fits(width, height) {
            return;
        }
        let bands = vec![(0, width); height.div_ceil(BAND) as usize];
        *lock(&self.unsent) = Unsent { picture: Arc::clone(picture), resized: true, bands };
        self.changed.notify_one();
    }

    /// Some of it was drawn anew.
    pub(super) fn drawn(&self, picture: &Arc<Picture>, damage: &[Area]) {
        let mut unsent = lock(&self.unsent);
        if (unsent.picture.width, unsent.picture.height) != (picture.width, picture.height) {
            drop(unsent);
            return self.whole(picture);
        }
        unsent.picture = Arc::clone(picture);
        for area in damage {
            let (left, right) = (area.x.min(picture.width), area.x.saturating_add(area.width).min(picture.width));
            let rows = area.y.min(picture.height)..area.y.saturating_add(area.height).min(picture.height);
            if left >= right || rows.is_empty() {
                continue;
            }
            let bands = (rows.start / BAND) as usize..rows.end.div_ceil(BAND) as usize;
            for band in unsent.bands.get_mut(bands).unwrap_or_default() {
                *band = if band.0 < band.1 { (band.0.min(left), band.1.max(right)) } else { (left, right) };
            }
        }
        drop(unsent);
        self.changed.notify_one();
    }

    /// Waits until there is something that a peer has not been sent, and it is time for it. May be
    /// cancelled: nothing is lost.
    pub(super) async fn next(&self, last: Option<Instant>) -> Update {
        loop {
            if lock(&self.unsent).is_dirty() {
                if let Some(last) = last {
                    sleep_until(last + EVERY).await;
                }
                return self.take();
            }
            self.changed.notified().await;
        }
    }

    /// What has not been sent, which is sent now.
    fn take(&self) -> Update {
        let mut unsent = lock(&self.unsent);
        let picture = Arc::clone(&unsent.picture);
        let mut parts = Vec::new();
        for (top, band) in (0..).step_by(BAND as usize).zip(&mut unsent.bands) {
            let (left, right) = std::mem::take(band);
            if left >= right {
                continue;
            }
            let (width, bottom) = (right - left, (top + BAND).min(picture.height));
            let rows = (MOST_PART / width).clamp(1, BAND);
            for y in (top..bottom).step_by(rows as usize) {
                parts.push(Area { x: left, y, width, height: rows.min(bottom - y) });
            }
        }
        Update { picture, resized: std::mem::take(&mut unsent.resized), parts }
    }
}

impl Unsent {
    fn is_dirty(&self) -> bool {
        self.resized || self.bands.iter().any(|(left, right)| left < right)
    }
}

/// What a peer is sent of one state.
#[derive(Debug)]
pub(super) struct Update {
    picture: Arc<Picture>,
    resized: bool,
    parts: Vec<Area>,
}

impl Update {
    /// As frames; each is made when it is taken.
    pub(super) fn frames(&self) -> impl Iterator<Item = Bytes> {
        let short = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
        let size = Tell::Picture { width: short(self.picture.width), height: short(self.picture.height) };
        let size = self.resized.then_some(size);
        let parts = self.parts.iter().filter_map(move |area| {
            let zlib = compressed(&self.picture, *area)?;
            let (width, height) = (short(area.width), short(area.height));
            Some(Tell::Part { x: short(area.x), y: short(area.y), width, height, zlib })
        });
        size.into_iter().chain(parts).chain([Tell::Shown]).filter_map(|tell| pack(&tell))
    }
}

/// The bytes of a part of a picture of this width, row by row.
fn rows(width: u32, area: Area) -> impl Iterator<Item = std::ops::Range<usize>> {
    let (stride, length) = (width as usize * 3, area.width as usize * 3);
    (area.y..area.y + area.height).map(move |y| {
        let from = y as usize * stride + area.x as usize * 3;
        from..from + length
    })
}

fn compressed(picture: &Picture, area: Area) -> Option<Vec<u8>> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    for row in rows(picture.width, area) {
        zlib.write_all(picture.rgb.get(row)?).ok()?;
    }
    zlib.finish().ok()
}

/// The picture at the end of who looks. What comes is another user's word: nothing of it is drawn
/// outside of the picture, and nothing becomes larger than it may.
#[derive(Debug, Default)]
pub(super) struct Seen {
    picture: Arc<Picture>,
}

impl Seen {
    /// A black picture of another size; `None` where there can be none.
    pub(super) fn resize(&mut self, width: u16, height: u16) -> Option<()> {
        let (width, height) = (u32::from(width), u32::from(height));
        fits(width, height).then(|| self.picture = Arc::new(Picture::new(width, height)))
    }

    /// Draws a part; `None` where it is none of this picture.
    pub(super) fn draw(&mut self, area: Area, zlib: &[u8]) -> Option<()> {
        let inside = area.x + area.width <= self.picture.width && area.y + area.height <= self.picture.height;
        let pixels = area.width.checked_mul(area.height).filter(|n| (1..=MOST_PART).contains(n) && inside)?;
        let length = pixels as usize * 3;
        let mut rgb = Vec::with_capacity(length);
        // One byte more than there may be tells that there are more: no bomb goes further than that.
        ZlibDecoder::new(zlib).take(length as u64 + 1).read_to_end(&mut rgb).ok()?;
        if rgb.len() != length {
            return None;
        }
        let rows = rows(self.picture.width, area);
        let picture = Arc::make_mut(&mut self.picture);
        for (to, from) in rows.zip(rgb.chunks_exact(area.width as usize * 3)) {
            picture.rgb.get_mut(to)?.copy_from_slice(from);
        }
        Some(())
    }

    /// What is seen; `None` before there is a picture.
    pub(super) fn shown(&self) -> Option<Arc<Picture>> {
        (self.picture.width > 0).then(|| Arc::clone(&self.picture))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::workers::relay::wire::unpack;

    #[derive(Debug, Clone)]
    enum Act {
        /// The machine draws a rectangle in one colour.
        Draw(Area, u8),
        /// Its desktop gets another size.
        Resize(u32, u32),
        /// The peer takes what there is for it; between two of these, states are passed over.
        Take,
    }

    fn area() -> impl Strategy<Value = Area> {
        (0_u32..90, 0_u32..70, 0_u32..90, 0_u32..70).prop_map(|(x, y, width, height)| Area { x, y, width, height })
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            6 => (area(), any::<u8>()).prop_map(|(area, colour)| Act::Draw(area, colour)),
            1 => (1_u32..80, 1_u32..60).prop_map(|(width, height)| Act::Resize(width, height)),
            3 => Just(Act::Take),
        ]
    }

    fn paint(picture: &mut Picture, area: Area, colour: u8) {
        let (right, bottom) = ((area.x + area.width).min(picture.width), (area.y + area.height).min(picture.height));
        for y in area.y.min(bottom)..bottom {
            let at = |x: u32| (y * picture.width + x) as usize * 3;
            let row = at(area.x.min(right))..at(right);
            picture.rgb[row].fill(colour);
        }
    }

    /// What a peer sees of an update, by way of the wire.
    fn take(latest: &Latest, seen: &mut Seen) {
        if !lock(&latest.unsent).is_dirty() {
            return;
        }
        for frame in latest.take().frames() {
            match unpack::<Tell>(&frame).expect("a message") {
                Tell::Picture { width, height } => seen.resize(width, height).expect("a size"),
                Tell::Part { x, y, width, height, zlib } => {
                    let area = Area { x: x.into(), y: y.into(), width: width.into(), height: height.into() };
                    seen.draw(area, &zlib).expect("a part of it");
                }
                Tell::Shown => {}
                other => panic!("{other:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn who_looks_sees_what_the_owner_sees_whatever_was_passed_over(acts in prop::collection::vec(act(), 0..60)) {
            let (latest, mut seen) = (Latest::default(), Seen::default());
            let mut picture = Arc::new(Picture::new(40, 50));
            latest.whole(&picture);
            for act in acts {
                match act {
                    Act::Draw(area, colour) => {
                        paint(Arc::make_mut(&mut picture), area, colour);
                        latest.drawn(&picture, &[area]);
                    }
                    Act::Resize(width, height) => {
                        picture = Arc::new(Picture::new(width, height));
                        latest.drawn(&picture, &[Area { x: 0, y: 0, width, height }]);
                    }
                    Act::Take => {
                        take(&latest, &mut seen);
                        prop_assert_eq!(&seen.picture, &picture);
                    }
                }
            }
            take(&latest, &mut seen);
            prop_assert_eq!(&seen.picture, &picture);
            prop_assert!(!lock(&latest.unsent).is_dirty(), "and nothing is sent twice");
        }

        #[test]
        fn nothing_that_comes_leaves_the_picture(
            size in (any::<u16>(), any::<u16>()),
            at in (0_u32..70_000, 0_u32..70_000, 0_u32..70_000, 0_u32..70_000),
            near in area(),
            bytes in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let mut seen = Seen::default();
            prop_assert!(seen.draw(near, &bytes).is_none(), "there is no picture yet");
            let _ = seen.resize(size.0, size.1);
            prop_assert!(seen.picture.width * seen.picture.height <= MOST_PIXELS);
            prop_assert!(seen.resize(33, 21).is_some());
            let (x, y, width, height) = at;
            let _ = seen.draw(Area { x, y, width, height }, &bytes);
            let _ = seen.draw(near, &bytes);
            prop_assert_eq!(seen.picture.rgb.len(), 33 * 21 * 3);
        }
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(bytes).unwrap();
        zlib.finish().unwrap()
    }

    #[test]
    fn a_bomb_a_short_part_and_one_outside_are_none() {
        let mut seen = Seen::default();
        assert_eq!((seen.resize(0, 9), seen.resize(u16::MAX, u16::MAX)), (None, None));
        seen.resize(8, 8).unwrap();
        let part = |x, width| Area { x, y: 0, width, height: 8 };
        assert_eq!(seen.draw(part(0, 8), &zlib(&vec![7; 4 << 20])), None, "4 MiB in 4 KiB");
        assert_eq!(seen.draw(part(0, 8), &zlib(&[7; 8 * 8 * 3 - 1])), None);
        assert_eq!(seen.draw(part(1, 8), &zlib(&[7; 8 * 8 * 3])), None);
        assert_eq!(seen.draw(part(0, 8), &zlib(&[7; 8 * 8 * 3])), Some(()));
        assert_eq!(seen.shown().unwrap().rgb, [7; 8 * 8 * 3]);
    }

    #[test]
    fn a_large_picture_goes_in_frames_that_fit() {
        let mut picture = Picture::new(8192, 40);
        picture.rgb.iter_mut().for_each(|byte| *byte = fastrand::u8(..));
        let (latest, mut seen) = (Latest::default(), Seen::default());
        latest.whole(&Arc::new(picture.clone()));
        let longest = latest.take().frames().map(|frame| frame.len()).max();
        assert!(longest.is_some_and(|n| n <= super::super::wire::MAX_FRAME), "{longest:?}");
        latest.whole(&Arc::new(picture.clone()));
        take(&latest, &mut seen);
        assert!(*seen.picture == picture);
    }
}
