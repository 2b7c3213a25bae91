//! Bitsets in slices of `u32` words, bit `t % 32` of word `t / 32`.
//!
//! Slices of different lengths are taken as sets with zeros behind their end: what the longer one
//! has more is combined with zeros, and nothing is written outside `dst`.

use crate::Isa;

/// `dst = src`.
#[inline]
pub fn copy(dst: &mut [u32], src: &[u32]) {
    Isa::best().copy(dst, src);
}

/// `dst |= src`.
#[inline]
pub fn or_assign(dst: &mut [u32], src: &[u32]) {
    Isa::best().or_assign(dst, src);
}

/// `dst |= source` for each of the sources, piece by piece so that `dst` passes the cache once.
#[inline]
pub fn or_assign_all(dst: &mut [u32], sources: &[&[u32]]) {
    Isa::best().or_assign_all(dst, sources);
}

/// `dst &= src`.
#[inline]
pub fn and_assign(dst: &mut [u32], src: &[u32]) {
    Isa::best().and_assign(dst, src);
}

/// `dst &= !src`.
#[inline]
pub fn and_not_assign(dst: &mut [u32], src: &[u32]) {
    Isa::best().and_not_assign(dst, src);
}

/// The number of bits that are 1.
#[inline]
pub fn count(words: &[u32]) -> usize {
    Isa::best().count(words)
}

/// Whether a bit is 1.
#[inline]
pub fn any(words: &[u32]) -> bool {
    Isa::best().any(words)
}

/// Whether bit `id` is 1.
#[inline]
pub fn contains(words: &[u32], id: u32) -> bool {
    words
        .get(id as usize / 32)
        .is_some_and(|w| w >> (id % 32) & 1 == 1)
}

/// Makes the bits of `ids` 1. Ids behind the end are left out.
///
/// Any order is right; increasing ids are faster, since they stay in a word.
#[inline]
pub fn set(words: &mut [u32], ids: impl IntoIterator<Item = u32>) {
    for id in ids {
        if let Some(word) = words.get_mut(id as usize / 32) {
            *word |= 1 << (id % 32);
        }
    }
}

/// Makes the bits of `ids` 0. Ids behind the end are left out.
#[inline]
pub fn clear(words: &mut [u32], ids: impl IntoIterator<Item = u32>) {
    for id in ids {
        if let Some(word) = words.get_mut(id as usize / 32) {
            *word &= !(1 << (id % 32));
        }
    }
}

/// Makes the bits `from..to` 1, as far as the words reach.
pub fn set_range(words: &mut [u32], from: usize, to: usize) {
    let to = to.min(words.len().saturating_mul(32));
    if from >= to {
        return;
    }
    let (first, last) = (from / 32, (to - 1) / 32);
    let head = u32::MAX << (from % 32);
    let tail = u32::MAX >> (31 - (to - 1) % 32);
    if first == last {
        words[first] |= head & tail;
    } else {
        words[first] |= head;
        words[first + 1..last].fill(u32::MAX);
        words[last] |= tail;
    }
}

/// Makes the bits from `width` on 0: the tail of a mask.
pub fn clear_from(words: &mut [u32], width: usize) {
    if let Some((edge, beyond)) = words
        .get_mut(width / 32..)
        .and_then(|w| w.split_first_mut())
    {
        *edge &= !(u32::MAX << (width % 32));
        beyond.fill(0);
    }
}

/// The ids whose bit is 1, increasing.
#[inline]
pub fn ones(words: &[u32]) -> Ones<'_> {
    Ones {
        words,
        base: 0,
        left: 0,
        next: 0,
    }
}

/// Iterator of [`ones`].
#[derive(Clone, Debug)]
pub struct Ones<'a> {
    words: &'a [u32],
    /// The id of the lowest bit of the word that `left` came from.
    base: u32,
    /// What is left of that word.
    left: u32,
    /// The index of the word after it.
    next: usize,
}

impl Iterator for Ones<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        while self.left == 0 {
            self.left = *self.words.get(self.next)?;
            self.base = self.next as u32 * 32;
            self.next += 1;
        }
        let id = self.base + self.left.trailing_zeros();
        self.left &= self.left - 1;
        Some(id)
    }

    // A loop over words is about twice as fast as one `next` for each bit.
    #[inline]
    fn fold<B, F: FnMut(B, u32) -> B>(self, init: B, mut f: F) -> B {
        let mut all = init;
        let (mut left, mut base) = (self.left, self.base);
        let mut rest = self
            .words
            .get(self.next..)
            .unwrap_or(&[])
            .iter()
            .zip(self.next as u32..);
        loop {
            while left != 0 {
                all = f(all, base + left.trailing_zeros());
                left &= left - 1;
            }
            match rest.next() {
                Some((word, i)) => (left, base) = (*word, i * 32),
                None => return all,
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let rest = self.words.len().saturating_sub(self.next);
        let known = self.left.count_ones() as usize;
        (
            known,
            rest.checked_mul(32).and_then(|n| n.checked_add(known)),
        )
    }
}
