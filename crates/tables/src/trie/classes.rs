//! Classes of bytes.

/// Classes of bytes, one bit each.
pub type Classes = u128;

/// The class of a byte, below 128: printable ASCII and the usual white space apart, other control characters
/// together, and the bytes of UTF-8 by their role.
pub const fn byte_class(byte: u8) -> u32 {
    match byte {
        b'\t' | b'\n' | b'\r' | b' '..=b'~' => byte as u32,
        0..=0x1f | 0x7f => 0,
        0x80..=0xbf => 1,
        0xc0..=0xc1 | 0xf5..=0xff => 2,
        0xc2..=0xdf => 3,
        0xe0..=0xef => 4,
        0xf0..=0xf4 => 5,
    }
}

/// The [classes](byte_class) of the bytes from one to another, one bit each.
pub const fn classes_of(first: u8, last: u8) -> Classes {
    // Those that have a class of their own follow each other.
    let (from, to) = (
        if first > b' ' { first } else { b' ' },
        if last < b'~' { last } else { b'~' },
    );
    let mut classes: Classes = 0;
    if from <= to {
        classes |= (Classes::MAX >> (127 - (to - from) as u32)) << from;
    }
    let mut byte = first as u32;
    while byte < b' ' as u32 && byte <= last as u32 {
        classes |= 1 << byte_class(byte as u8);
        byte += 1;
    }
    if first <= 0x7f && 0x7f <= last {
        classes |= 1 << byte_class(0x7f);
    }
    // Where the bytes of a class begin and end.
    let ranges = [
        (0x80, 0xbf),
        (0xc0, 0xc1),
        (0xc2, 0xdf),
        (0xe0, 0xef),
        (0xf0, 0xf4),
        (0xf5, 0xff),
    ];
    let mut i = 0;
    while i < ranges.len() {
        let (low, high) = ranges[i];
        if first <= high && low <= last {
            classes |= 1 << byte_class(low);
        }
        i += 1;
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_ranges_are_those_of_their_bytes() {
        for first in 0..=255u8 {
            let mut all = 0;
            for last in first..=255 {
                all |= 1 << byte_class(last);
                assert_eq!(classes_of(first, last), all, "{first}..={last}");
            }
        }
    }
}
