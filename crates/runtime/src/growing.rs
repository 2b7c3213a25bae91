//! Numbers that have infinitely many values before them.

use maskwright_tables::{LexState, Machine, RunError};
use rustc_hash::FxHashMap;
use smallvec::{SmallVec, smallvec};

/// In which lexical states numbers grow, as far as it was asked.
///
/// A number *grows* where infinitely many values follow it, and whatever digits are added to it. Finitely many
/// were read before, so it can be completed to a new one, and nothing has to be searched. Here that is known
/// where a one leads on from each of the states to which digits lead: as many ones as one likes may follow, and
/// each makes other values, by its digits or by its exponent, if it is not zero. "No" may only be unknown.
#[derive(Default)]
pub(crate) struct Growing(FxHashMap<LexState, bool>);

impl Growing {
    /// More states than this are not looked at.
    const MOST: usize = 32;

    /// Whether the beginning of a number that is in `state` grows.
    ///
    /// # Errors
    /// Those of the machine.
    pub fn grows(
        &mut self,
        machine: &dyn Machine,
        state: LexState,
        number: &[u8],
    ) -> Result<bool, RunError> {
        if let Some(exponent) = number.iter().position(|b| b"eE".contains(b))
            && !number[..exponent].iter().any(|b| (b'1'..=b'9').contains(b))
        {
            return Ok(false);
        }
        if let Some(&known) = self.0.get(&state) {
            return Ok(known);
        }
        let grows = Self::find(machine, state)?;
        self.0.insert(state, grows);
        Ok(grows)
    }

    fn find(machine: &dyn Machine, state: LexState) -> Result<bool, RunError> {
        // Where digits lead.
        let mut states: SmallVec<[LexState; Self::MOST]> = smallvec![state];
        let mut at = 0;
        while let Some(&from) = states.get(at) {
            at += 1;
            if machine.lex_next(from, b'1')? == LexState::DEAD {
                return Ok(false);
            }
            for digit in b'0'..=b'9' {
                let next = machine.lex_next(from, digit)?;
                if next != LexState::DEAD && !states.contains(&next) {
                    states.push(next);
                }
            }
            if states.len() > Self::MOST {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
