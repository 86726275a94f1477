//! Numbers that look drawn at random and are the same for the same seed, on every machine and in every version of this
//! program: what was generated can be generated again.

/// `SplitMix64`: small, and good enough for test data. Never for secrets.
#[derive(Debug, Clone)]
pub struct Draw {
    state: u64,
}

/// The step of `SplitMix64`: the golden ratio in 64 bits.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Draw {
    /// The stream number `stream` of a seed: streams of one seed have nothing to do with each other.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut of_stream = Self { state: stream };
        let state = seed ^ of_stream.number();
        Self { state }
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // The bias is below one in 2^32 for the bounds used here.
        self.number().checked_rem(bound).unwrap_or(0)
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these.
    pub fn one_of<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let at = usize::try_from(self.below(u64::try_from(items.len()).unwrap_or(0))).unwrap_or(0);
        items.get(at)
    }

    /// A number up to `most`, every order of magnitude equally likely.
    pub fn magnitude(&mut self, most: u64) -> u64 {
        let bits = u64::from(most.checked_ilog2().unwrap_or(0)).saturating_add(1);
        let shift = u32::try_from(self.below(bits)).unwrap_or(0);
        let upper = (2_u64 << shift).min(most.saturating_add(1));
        self.below(upper)
    }
}

#[cfg(test)]
mod tests {
    use super::Draw;

    #[test]
    fn the_same_seed_draws_the_same_numbers_for_ever() {
        let mut draw = Draw::new(7, 0);
        let first: Vec<u64> = (0..3).map(|_| draw.number()).collect();
        assert_eq!(first, FIRST);
        assert_ne!(Draw::new(7, 1).number(), first[0]);
        assert_ne!(Draw::new(8, 0).number(), first[0]);
    }

    const FIRST: [u64; 3] = [7_259_628_554_680_249_319, 3_917_394_108_059_543_503, 971_780_051_184_818_185];

    #[test]
    fn magnitudes_stay_within_their_bound_and_reach_both_ends() {
        let mut draw = Draw::new(1, 1);
        let drawn: Vec<u64> = (0..10_000).map(|_| draw.magnitude(1_000)).collect();
        assert!(drawn.iter().all(|n| *n <= 1_000));
        assert!(drawn.iter().any(|n| *n < 2) && drawn.iter().any(|n| *n > 900));
    }
}
