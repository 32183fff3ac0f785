//! The colours of a picture for sixel, which has a palette. Most screens have few colours, and keep them
//! as they are; others are brought down by cutting the space of colours where many pixels differ most.

use std::collections::HashMap;

type Rgb = [u8; 3];

/// A picture as numbers of a palette.
#[derive(Debug)]
pub(super) struct Paletted {
    pub(super) colours: Vec<Rgb>,
    /// A pixel a byte, row by row.
    pub(super) pixels: Vec<u8>,
}

/// Brings a picture down to so many colours: 2 to 256.
pub(super) fn paletted(rgb: &[u8], most: u16) -> Paletted {
    let most = usize::from(most.clamp(2, 256));
    exact(rgb, most).unwrap_or_else(|| cut(rgb, most))
}

fn pixels(rgb: &[u8]) -> impl Iterator<Item = Rgb> {
    rgb.chunks_exact(3).filter_map(|pixel| pixel.try_into().ok())
}

/// All colours as they are; `None` where there are too many.
fn exact(rgb: &[u8], most: usize) -> Option<Paletted> {
    let mut numbers: HashMap<Rgb, u8> = HashMap::new();
    let mut out = Paletted { colours: Vec::new(), pixels: Vec::with_capacity(rgb.len() / 3) };
    // Neighbours mostly look the same.
    let mut last: Option<(Rgb, u8)> = None;
    for pixel in pixels(rgb) {
        let number = match last.filter(|(colour, _)| *colour == pixel) {
            Some((_, number)) => number,
            None => {
                if let Some(number) = numbers.get(&pixel) {
                    *number
                } else {
                    let number = u8::try_from(out.colours.len()).ok().filter(|n| usize::from(*n) < most)?;
                    out.colours.push(pixel);
                    numbers.insert(pixel, number);
                    number
                }
            }
        };
        last = Some((pixel, number));
        out.pixels.push(number);
    }
    Some(out)
}

/// Colours that look alike: five bits of each part.
#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    key: u16,
    count: u64,
    sums: [u64; 3],
}

impl Bin {
    fn key([r, g, b]: Rgb) -> u16 {
        u16::from(r >> 3) << 10 | u16::from(g >> 3) << 5 | u16::from(b >> 3)
    }

    const fn part(&self, part: usize) -> u16 {
        self.key >> (10 - 5 * part) & 31
    }
}

/// Some bins, and where they differ most.
#[derive(Debug)]
struct Cluster {
    bins: Vec<Bin>,
    /// The part, and the middle of it.
    widest: (usize, u16),
    /// What there is to gain by cutting it there; nothing where all are the same.
    weight: u64,
}

impl Cluster {
    fn of(bins: Vec<Bin>) -> Self {
        let span = |part: usize| {
            let parts = || bins.iter().map(|bin| bin.part(part));
            (parts().min().unwrap_or(0), parts().max().unwrap_or(0))
        };
        let spans = (0..3).map(|part| (part, span(part)));
        let (part, (least, most)) = spans.max_by_key(|(_, (least, most))| most - least).unwrap_or_default();
        let count: u64 = bins.iter().map(|bin| bin.count).sum();
        let wide = u64::from(most - least);
        Self { widest: (part, least.midpoint(most)), weight: wide * wide * count.isqrt(), bins }
    }

    /// Cuts it in two in the middle, not where half of its pixels are: a small patch of a colour of its
    /// own is seen.
    fn cut(self) -> (Self, Self) {
        let (part, middle) = self.widest;
        let (one, two) = self.bins.into_iter().partition(|bin| bin.part(part) <= middle);
        (Self::of(one), Self::of(two))
    }

    fn mean(&self) -> Rgb {
        let count = self.bins.iter().map(|bin| bin.count).sum::<u64>().max(1);
        let sum = |part: fn(&[u64; 3]) -> u64| self.bins.iter().map(|bin| part(&bin.sums)).sum::<u64>();
        [sum(|s| s[0]), sum(|s| s[1]), sum(|s| s[2])].map(|sum| (sum / count) as u8)
    }
}

fn cut(rgb: &[u8], most: usize) -> Paletted {
    let mut bins = vec![Bin::default(); 1 << 15];
    for pixel in pixels(rgb) {
        let key = Bin::key(pixel);
        if let Some(bin) = bins.get_mut(usize::from(key)) {
            bin.key = key;
            bin.count += 1;
            for (sum, part) in bin.sums.iter_mut().zip(pixel) {
                *sum += u64::from(part);
            }
        }
    }
    bins.retain(|bin| bin.count > 0);
    let mut boxes = vec![Cluster::of(bins)];
    while boxes.len() < most {
        let best = boxes.iter().enumerate().max_by_key(|(_, of)| of.weight);
        let Some((at, _)) = best.filter(|(_, of)| of.weight > 0) else { break };
        let (one, two) = boxes.swap_remove(at).cut();
        boxes.push(one);
        boxes.push(two);
    }
    let mut numbers = vec![0_u8; 1 << 15];
    for (number, of) in boxes.iter().enumerate() {
        for bin in &of.bins {
            if let Some(slot) = numbers.get_mut(usize::from(bin.key)) {
                *slot = number as u8;
            }
        }
    }
    let number = |pixel| numbers.get(usize::from(Bin::key(pixel))).copied().unwrap_or(0);
    Paletted { colours: boxes.iter().map(Cluster::mean).collect(), pixels: pixels(rgb).map(number).collect() }
}
