//! Sets of bytes.

/// A set of bytes, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct ByteSet(pub [u64; 4]);

impl ByteSet {
    /// Every byte.
    pub const ALL: ByteSet = ByteSet([u64::MAX; 4]);

    /// The set of the given inclusive ranges.
    pub fn from_ranges(ranges: &[(u8, u8)]) -> Self {
        let mut set = ByteSet::default();
        for &(a, b) in ranges {
            set.insert_range(a, b);
        }
        set
    }

    /// Adds a byte.
    #[inline]
    pub fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] |= 1 << (byte & 63);
    }

    /// Adds the bytes from `first` to `last`.
    pub fn insert_range(&mut self, first: u8, last: u8) {
        for (i, word) in self.0.iter_mut().enumerate() {
            let start = 64 * i as u32;
            let (from, to) = (u32::from(first).max(start), u32::from(last).min(start + 63));
            if from <= to {
                *word |= (u64::MAX >> (63 - (to - from))) << (from - start);
            }
        }
    }

    /// Takes a byte out.
    #[inline]
    pub fn remove(&mut self, byte: u8) {
        self.0[usize::from(byte >> 6)] &= !(1 << (byte & 63));
    }

    /// Takes the least byte out.
    #[inline]
    pub fn pop_first(&mut self) -> Option<u8> {
        let word = self.0.iter().position(|w| *w != 0)?;
        let bit = self.0[word].trailing_zeros();
        self.0[word] &= self.0[word] - 1;
        Some((64 * word as u32 + bit) as u8)
    }

    /// Whether the byte is in the set.
    #[inline]
    pub fn contains(&self, byte: u8) -> bool {
        self.0[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1
    }

    /// Whether no byte is in the set.
    pub fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    /// How many bytes of the set are less than this one.
    #[inline]
    pub fn rank(&self, byte: u8) -> usize {
        let (word, bit) = (usize::from(byte >> 6), byte & 63);
        let below = self.0[word] & ((1 << bit) - 1);
        let before = self.0[..word].iter().map(|w| w.count_ones());
        (before.sum::<u32>() + below.count_ones()) as usize
    }

    /// Whether all of its bytes are ASCII.
    #[inline]
    pub fn is_ascii(&self) -> bool {
        self.0[2..] == [0, 0]
    }

    /// Bytes in either set.
    #[must_use]
    pub fn union(&self, other: &ByteSet) -> ByteSet {
        ByteSet(std::array::from_fn(|i| self.0[i] | other.0[i]))
    }

    /// Bytes in both sets.
    #[must_use]
    pub fn intersect(&self, other: &ByteSet) -> ByteSet {
        ByteSet(std::array::from_fn(|i| self.0[i] & other.0[i]))
    }

    /// Bit `b` is set iff `b` is the first byte of a maximal run of bytes that are all in or all
    /// out of the set.
    #[must_use]
    pub fn cuts(&self) -> ByteSet {
        let mut carry = 0;
        let mut cuts = ByteSet(std::array::from_fn(|i| {
            let word = self.0[i];
            let shifted = word << 1 | carry;
            carry = word >> 63;
            word ^ shifted
        }));
        cuts.insert(0);
        cuts
    }

    /// The bytes, in increasing order.
    pub fn iter(&self) -> impl Iterator<Item = u8> + 'static {
        let mut left = *self;
        std::iter::from_fn(move || left.pop_first())
    }
}

impl FromIterator<u8> for ByteSet {
    fn from_iter<I: IntoIterator<Item = u8>>(bytes: I) -> Self {
        let mut set = ByteSet::default();
        bytes.into_iter().for_each(|byte| set.insert(byte));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_those_of_their_bytes() {
        let bytes: Vec<u8> = (0..=255).filter(|b| b % 7 == 3 || *b >= 250).collect();
        let mut set = ByteSet::default();
        bytes.iter().for_each(|b| set.insert(*b));
        assert!(set.iter().eq(bytes.iter().copied()));
        for byte in 0..=255 {
            assert_eq!(set.contains(byte), bytes.contains(&byte));
            assert_eq!(set.rank(byte), bytes.iter().filter(|b| **b < byte).count());
        }
        set.remove(3);
        assert_eq!(set.pop_first(), Some(10));
        assert_eq!(ByteSet::from_ranges(&[(0, 255)]), ByteSet::ALL);
        assert_eq!(ByteSet::default().pop_first(), None);
    }
}
