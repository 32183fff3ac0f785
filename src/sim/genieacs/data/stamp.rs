//! Dates as the ACS writes and reads them.

use chrono::{DateTime, NaiveDate, NaiveDateTime};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Appends `2026-11-20T14:25:11.686Z`, with quotes. By hand: a region's list holds half a million.
pub(crate) fn write(out: &mut Vec<u8>, ms: i64) {
    let (days, of_day) = (ms.div_euclid(DAY), ms.rem_euclid(DAY));
    // Civil date from days since 1970, counted from the first of March of year 0.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    out.push(b'"');
    digits(out, year, 4);
    out.push(b'-');
    digits(out, month, 2);
    out.push(b'-');
    digits(out, day, 2);
    out.push(b'T');
    digits(out, of_day / 3_600_000, 2);
    out.push(b':');
    digits(out, of_day / 60_000 % 60, 2);
    out.push(b':');
    digits(out, of_day / 1_000 % 60, 2);
    out.push(b'.');
    digits(out, of_day % 1_000, 3);
    out.extend_from_slice(b"Z\"");
}

fn digits(out: &mut Vec<u8>, mut number: i64, width: usize) {
    let from = out.len();
    out.resize(from + width, b'0');
    if let Some(room) = out.get_mut(from..) {
        for place in room.iter_mut().rev() {
            *place = b'0' + (number % 10) as u8;
            number /= 10;
        }
    }
}

/// What `new Date(text)` reads of the forms that occur: ISO dates and times, with or without a zone.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(with_zone) = DateTime::parse_from_rfc3339(text) {
        return Some(with_zone.timestamp_millis());
    }
    for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"] {
        if let Ok(plain) = NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), form) {
            return Some(plain.and_utc().timestamp_millis());
        }
    }
    let day = ["%Y-%m-%d", "%Y/%m/%d"].iter().find_map(|form| NaiveDate::parse_from_str(text, form).ok())?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for ms in [0, 1_763_649_249_530, 951_782_400_000, 4_102_444_799_999, 1_709_164_800_001] {
            let mut out = Vec::new();
            write(&mut out, ms);
            let text = String::from_utf8(out).unwrap();
            let bare = text.trim_matches('"');
            assert_eq!(parse(bare), Some(ms), "{bare}");
            let chrono = DateTime::from_timestamp_millis(ms).unwrap().format("%Y-%m-%dT%H:%M:%S%.3fZ");
            assert_eq!(bare, chrono.to_string());
        }
    }

    #[test]
    fn words_are_no_dates() {
        assert_eq!(parse("tomorrow at noon"), None);
        assert_eq!(parse("2026-11-20"), Some(1_795_132_800_000));
    }
}
