//! Weights from which leaves are drawn and removed, each in O(log n).
//!
//! The tree is 64-ary: level 0 has the sum of each 64 leaves, the next level the sum of each 64 of
//! those, until a level has at most 64 entries. Removing a leaf adds up its block again on each
//! level, so the sums are always sums of what is left: nothing is ever subtracted, and a remainder
//! of 5e-6 is exact to the last bits after a leaf of 0.5 has gone.

use maskwright_kernels::logits::sums_of_64;

const FAN: usize = 64;

/// Non-negative weights and their sums.
#[derive(Clone, Debug, Default)]
pub(crate) struct SumTree {
    leaves: Vec<f32>,
    levels: Vec<Vec<f64>>,
}

/// The entry in which `target` falls when the entries are laid end to end, and how far into it.
/// Rounding may leave `target` at the far end: then it is the last entry that is not 0.
fn pick(entries: impl Iterator<Item = f64>, mut target: f64) -> Option<(usize, f64)> {
    let mut last = None;
    for (i, entry) in entries.enumerate() {
        if entry > 0.0 {
            if target < entry {
                return Some((i, target));
            }
            last = Some((i, target));
            target -= entry;
        }
    }
    last
}

fn block<T>(entries: &[T], i: usize) -> &[T] {
    let from = (i * FAN).min(entries.len());
    &entries[from..(from + FAN).min(entries.len())]
}

impl SumTree {
    /// Lets `write` fill `len` leaves (finite, not negative), then adds them up. O(n).
    pub(crate) fn rebuild<R>(&mut self, len: usize, write: impl FnOnce(&mut [f32]) -> R) -> R {
        self.leaves.resize(len, 0.0);
        let result = write(&mut self.leaves);
        let mut len = len;
        let mut depth = 0;
        loop {
            len = len.div_ceil(FAN);
            if self.levels.len() == depth {
                self.levels.push(Vec::new());
            }
            let (below, here) = self.levels.split_at_mut(depth);
            let sums = &mut here[0];
            sums.resize(len, 0.0);
            match below.last() {
                None => sums_of_64(&self.leaves, sums),
                Some(below) => {
                    for (i, sum) in sums.iter_mut().enumerate() {
                        *sum = block(below, i).iter().sum();
                    }
                }
            }
            depth += 1;
            if len <= FAN {
                break;
            }
        }
        self.levels.truncate(depth);
        result
    }

    /// The sum of all leaves that are left.
    pub(crate) fn total(&self) -> f64 {
        self.levels.last().map_or(0.0, |top| top.iter().sum())
    }

    /// The weight of leaf `i`; 0 when removed.
    pub(crate) fn weight(&self, i: usize) -> f32 {
        self.leaves[i]
    }

    /// The leaf at share `u` of the total, for `u` in [0, 1): leaf `i` with probability
    /// weight / total when `u` is uniform. `None` when nothing is left. Never a leaf of weight 0.
    pub(crate) fn at(&self, u: f64) -> Option<usize> {
        let (top, below) = self.levels.split_last()?;
        let (mut i, mut target) = pick(top.iter().copied(), u * self.total())?;
        for level in below.iter().rev() {
            let (within, rest) = pick(block(level, i).iter().copied(), target)?;
            (i, target) = (i * FAN + within, rest);
        }
        let leaves = block(&self.leaves, i).iter().map(|w| f64::from(*w));
        pick(leaves, target).map(|(within, _)| i * FAN + within)
    }

    /// Takes leaf `i` away.
    pub(crate) fn remove(&mut self, i: usize) {
        self.leaves[i] = 0.0;
        let mut i = i / FAN;
        if let Some((first, rest)) = self.levels.split_first_mut() {
            sums_of_64(block(&self.leaves, i), &mut first[i..=i]);
            let mut below = &*first;
            for level in rest {
                i /= FAN;
                level[i] = block(below, i).iter().sum();
                below = level;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::CounterRng;

    fn tree(weights: &[f32]) -> SumTree {
        let mut tree = SumTree::default();
        // A tree is used again and again: the old contents must not show.
        tree.rebuild(300_000, |leaves| leaves.fill(1.0));
        tree.rebuild(weights.len(), |leaves| leaves.copy_from_slice(weights));
        tree
    }

    #[test]
    fn shares_agree_with_a_running_sum() {
        let mut rng = CounterRng::new(3, 0);
        for len in [1, 2, 63, 64, 65, 4095, 4096, 4097, 5000, 262_145] {
            // Dyadic weights, so that all sums are exact.
            let weights: Vec<f32> = (0..len)
                .map(|_| ((rng.unit() * 8.0) as u32) as f32)
                .collect();
            let tree = tree(&weights);
            let total: f64 = weights.iter().map(|w| f64::from(*w)).sum();
            assert_eq!(tree.total(), total);
            for step in 0..50 {
                let u = f64::from(step) / 50.0;
                let mut sum = 0.0;
                let want = weights.iter().position(|w| {
                    sum += f64::from(*w);
                    u * total < sum
                });
                assert_eq!(tree.at(u), want, "{len} {u}");
            }
        }
    }

    #[test]
    fn leaves_are_drawn_once_each_until_nothing_is_left() {
        let mut rng = CounterRng::new(4, 0);
        for len in [1usize, 64, 65, 130, 5000] {
            let weights: Vec<f32> = (0..len)
                .map(|i| {
                    if i % 3 == 1 {
                        0.0
                    } else {
                        0.1 + rng.unit() as f32
                    }
                })
                .collect();
            let mut tree = tree(&weights);
            let mut seen = vec![false; len];
            while let Some(i) = tree.at(rng.unit()) {
                assert!(tree.weight(i) > 0.0 && !seen[i]);
                seen[i] = true;
                tree.remove(i);
                assert_eq!(tree.weight(i), 0.0);
            }
            assert_eq!(tree.total(), 0.0);
            assert!(seen.iter().zip(&weights).all(|(s, w)| *s == (*w > 0.0)));
        }
    }

    #[test]
    fn what_is_left_is_never_a_difference() {
        let mut tree = tree(&[0.5, 0.499_995, 5e-6]);
        tree.remove(0);
        tree.remove(1);
        assert_eq!(tree.total(), f64::from(5e-6f32));
        assert_eq!(tree.at(0.999_999_999), Some(2));
        assert_eq!(self::tree(&[]).at(0.5), None);
        assert_eq!(self::tree(&[0.0; 70]).at(0.0), None);
    }

    #[test]
    fn a_share_at_the_far_end_is_a_leaf_with_weight() {
        let mut weights = vec![0.1f32; 1000];
        weights[900..].fill(0.0);
        assert_eq!(tree(&weights).at(1.0 - f64::EPSILON / 2.0), Some(899));
        assert_eq!(
            tree(&weights).at(1.0),
            Some(899),
            "even where rounding reaches the end"
        );
    }
}
