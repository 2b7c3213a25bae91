//! Numbers to bytes and back: little-endian in files and digests, whatever the machine.

use std::borrow::Cow;

/// The little-endian bytes of `words`: borrowed on little-endian machines, copied on others.
pub(crate) fn little_endian(words: &[u32]) -> Cow<'_, [u8]> {
    if cfg!(target_endian = "little") {
        Cow::Borrowed(bytemuck::cast_slice(words))
    } else {
        Cow::Owned(words.iter().flat_map(|w| w.to_le_bytes()).collect())
    }
}

/// The words in little-endian `bytes`; a rest of less than four bytes is left out. Borrowed when
/// the machine is little-endian and `bytes` is aligned to four, copied otherwise.
pub(crate) fn words(bytes: &[u8]) -> Cow<'_, [u32]> {
    let whole = &bytes[..bytes.len() & !3];
    match bytemuck::try_cast_slice(whole) {
        Ok(words) if cfg!(target_endian = "little") => Cow::Borrowed(words),
        _ => Cow::Owned(
            whole
                .as_chunks()
                .0
                .iter()
                .map(|w| u32::from_le_bytes(*w))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip_at_every_alignment() {
        let given = [1u32, 0x0102_0304, u32::MAX];
        let bytes = little_endian(&given).into_owned();
        for shift in 0..8 {
            let mut moved = vec![0; shift];
            moved.extend_from_slice(&bytes);
            assert_eq!(*words(&moved[shift..]), given);
        }
        assert_eq!(words(&bytes[..11]).len(), 2);
        assert_eq!(bytes[4..8], [4, 3, 2, 1]);
    }
}
