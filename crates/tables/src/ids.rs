//! Dense `u32` ids, one newtype for each kind of thing.

use bytemuck::{Pod, Zeroable};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Pod, Zeroable)]
        #[repr(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// The id as a slice index.
            #[inline]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }
    };
}

id!(
    /// An entry of the model's vocabulary.
    TokenId, "t"
);
id!(
    /// A state of the automaton that reads lexemes byte by byte. [`LexState::DEAD`] is no state.
    LexState, "q"
);
id!(
    /// An entry of the pushdown stack: an LR state, or the state of one open bracket's frame.
    Symbol, "s"
);
id!(
    /// An interned set of labels: the terminals that the lexeme read so far matches.
    /// [`LabelSet::NONE`] means that no terminal matches.
    LabelSet, "l"
);

impl TokenId {
    /// Ids as plain numbers: comparing and hashing these takes many at a time. O(1).
    ///
    /// ```
    /// use maskwright_tables::TokenId;
    /// assert_eq!(TokenId::numbers(&[TokenId(3), TokenId(5)]), [3, 5]);
    /// ```
    pub fn numbers(ids: &[TokenId]) -> &[u32] {
        bytemuck::cast_slice(ids)
    }
}

impl LexState {
    /// The lexical state from which no lexeme can be completed.
    pub const DEAD: LexState = LexState(0);
}

impl LabelSet {
    /// No terminal matches: the lexeme is not complete here.
    pub const NONE: LabelSet = LabelSet(0);
}
