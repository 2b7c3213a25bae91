//! Random numbers that are the same on every machine and in every version.

use rand_core::RngCore;

/// The generator Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3").
///
/// Its numbers are a function of (seed, stream, position) and nothing else, so each particle of a
/// search may have a stream of its own, and a position can be returned to. Not for cryptography.
///
/// ```
/// use maskwright_runtime::sampling::CounterRng;
///
/// let mut a = CounterRng::new(7, 0);
/// let mut b = a.clone();
/// assert_eq!(a.unit(), b.unit());
/// assert_ne!(a.unit(), CounterRng::new(7, 1).unit());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterRng {
    key: [u32; 2],
    stream: u64,
    /// The number of the next block of four words.
    block: u64,
    words: [u32; 4],
    /// How many of `words` are used up.
    used: u8,
}

impl CounterRng {
    /// The generator at the start of a stream. O(1).
    pub fn new(seed: u64, stream: u64) -> Self {
        let key = [seed as u32, (seed >> 32) as u32];
        CounterRng {
            key,
            stream,
            block: 0,
            words: [0; 4],
            used: 4,
        }
    }

    /// A number in [0, 1), a multiple of 2^-53.
    pub fn unit(&mut self) -> f64 {
        unit(self)
    }
}

/// A number in [0, 1), a multiple of 2^-53. Takes one `u64`.
pub(crate) fn unit(rng: &mut impl RngCore) -> f64 {
    (rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// Ten rounds; all constants are the paper's.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let a = u64::from(counter[0]) * 0xd251_1f53;
        let b = u64::from(counter[2]) * 0xcd9e_8d57;
        counter = [
            (b >> 32) as u32 ^ counter[1] ^ key[0],
            b as u32,
            (a >> 32) as u32 ^ counter[3] ^ key[1],
            a as u32,
        ];
        key = [
            key[0].wrapping_add(0x9e37_79b9),
            key[1].wrapping_add(0xbb67_ae85),
        ];
    }
    counter
}

impl RngCore for CounterRng {
    fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            let (block, stream) = (self.block, self.stream);
            let counter = [
                block as u32,
                (block >> 32) as u32,
                stream as u32,
                (stream >> 32) as u32,
            ];
            self.words = philox(counter, self.key);
            self.block = block.wrapping_add(1);
            self.used = 0;
        }
        let word = self.words[usize::from(self.used)];
        self.used += 1;
        word
    }

    fn next_u64(&mut self) -> u64 {
        let low = u64::from(self.next_u32());
        low | u64::from(self.next_u32()) << 32
    }

    fn fill_bytes(&mut self, dst: &mut [u8]) {
        for chunk in dst.chunks_mut(4) {
            chunk.copy_from_slice(&self.next_u32().to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers_of_the_reference_implementation() {
        assert_eq!(
            philox([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn units_are_even_and_below_one() {
        let mut rng = CounterRng::new(1, 2);
        let mut counts = [0u32; 16];
        for _ in 0..16_000 {
            let u = rng.unit();
            assert!((0.0..1.0).contains(&u));
            counts[(u * 16.0) as usize] += 1;
        }
        let chi2: f64 = counts
            .iter()
            .map(|&c| (f64::from(c) - 1000.0).powi(2) / 1000.0)
            .sum();
        // 15 degrees of freedom, alpha = 1e-5.
        assert!(chi2 < 50.5, "chi square {chi2}");
    }
}
