//! Dates, times and durations by RFC 3339.

use super::{Texts, whole};
use crate::{RegexId, RegexPool};

/// The calendar's own rules: 31, 30, 28 and, in leap years, 29 days.
const DATE: &str = "\
    [0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)\
    |02-(?:0[1-9]|1[0-9]|2[0-8]))\
    |(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29";

const TIME: &str = "\
    (?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]+)?(?:[Zz]|[+\\-](?:[01][0-9]|2[0-3]):[0-5][0-9])";

pub(super) fn date(pool: &mut RegexPool) -> Option<RegexId> {
    whole(pool, DATE)
}

/// Some second 60 that might be a leap second.
const LEAP: &str = "\
    (?:[01][0-9]|2[0-3]):[0-5][0-9]:60(?:\\.[0-9]+)?(?:[Zz]|[+\\-](?:[01][0-9]|2[0-3]):[0-5][0-9])";

pub(super) fn time(pool: &mut RegexPool) -> Option<Texts> {
    let time = whole(pool, TIME)?;
    let leap = leap_second(pool)?;
    let any_leap = whole(pool, LEAP)?;
    Some(Texts::between(
        pool.alt([time, leap]),
        pool.alt([time, any_leap]),
    ))
}

pub(super) fn date_time(pool: &mut RegexPool) -> Option<Texts> {
    let date = date(pool)?;
    let t = whole(pool, "[Tt]")?;
    let time = time(pool)?;
    let mut join = |time| pool.concat([date, t, time]);
    Some(Texts {
        certain: join(time.certain),
        possible: time.possible.map(join),
    })
}

/// Sign, minutes of the offset, minutes of the local time, and the hours from offset to local.
type Offset = (&'static str, &'static str, &'static str, fn(u32) -> u32);

/// A leap second is 23:59:60 in UTC, so the local time is decided by the offset.
fn leap_second(pool: &mut RegexPool) -> Option<RegexId> {
    let utc = whole(pool, "23:59:60(?:\\.[0-9]+)?[Zz]")?;
    let fraction = whole(pool, ":60(?:\\.[0-9]+)?")?;
    let mut all = vec![utc];
    let offsets: [Offset; 6] = [
        ("+", "00", "59", |h| (h + 23) % 24),
        ("+", "30", "29", |h| h),
        ("+", "45", "44", |h| h),
        ("-", "00", "59", |h| 23 - h),
        ("-", "30", "29", |h| 23 - h),
        ("-", "45", "14", |h| 23 - h),
    ];
    for (sign, offset_minutes, minutes, local) in offsets {
        let minutes = pool.bytes(format!(":{minutes}").into_bytes());
        let middle = pool.concat([minutes, fraction]);
        let end = pool.bytes(format!(":{offset_minutes}").into_bytes());
        let hours: Vec<RegexId> = (0..24)
            .map(|h| {
                let local = pool.bytes(format!("{:02}", local(h)).into_bytes());
                let offset = pool.bytes(format!("{sign}{h:02}").into_bytes());
                pool.concat([local, middle, offset])
            })
            .collect();
        let hours = pool.alt(hours);
        all.push(pool.concat([hours, end]));
    }
    Some(pool.alt(all))
}

/// The grammar of appendix A.
pub(super) fn duration(pool: &mut RegexPool) -> Option<RegexId> {
    let time = "T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)";
    let day = "[0-9]+D";
    let month = format!("[0-9]+M(?:{day})?");
    let date = format!("(?:{day}|{month}|[0-9]+Y(?:{month})?)(?:{time})?");
    whole(pool, &format!("P(?:{date}|{time}|[0-9]+W)"))
}
