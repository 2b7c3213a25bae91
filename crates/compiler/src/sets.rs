//! Token sets, stored once each.
//!
//! Rows repeat a great deal: fifty string members of one object, and the strings of fifty schemas,
//! allow the same tokens. So every set of tokens is interned by content ([`SetId`]), and so is
//! every union of sets ([`FinalId`]), which is what a matcher reads.

use maskwright_tables::{TokenId, Tokens};
use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// An interned set of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SetId(pub u32);

/// An interned union of sets, in the form that a matcher reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FinalId(pub u32);

/// A set of tokens in the cheaper of two forms.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Set {
    /// Ids, strictly increasing.
    Few(Box<[TokenId]>),
    /// A bitset of `mask_words` words.
    Dense(Arc<[u32]>),
}

impl Set {
    /// Bytes of its tokens.
    pub fn bytes(&self) -> usize {
        match self {
            Set::Few(ids) => 4 * ids.len(),
            Set::Dense(words) => 4 * words.len(),
        }
    }
}

#[derive(Debug)]
enum Final {
    Few(Box<[TokenId]>),
    Dense(Arc<[u32]>),
    Union(Arc<[u32]>, Box<[TokenId]>),
}

#[derive(Debug, Default)]
struct Index {
    sets: FxHashMap<Set, SetId>,
    unions: FxHashMap<Box<[SetId]>, FinalId>,
    bytes: usize,
}

/// All token sets of one vocabulary.
#[derive(Debug)]
pub(crate) struct Sets {
    words: usize,
    sets: boxcar::Vec<Set>,
    finals: boxcar::Vec<Final>,
    index: Mutex<Index>,
}

impl Sets {
    pub const EMPTY: SetId = SetId(0);

    pub fn new(mask_words: usize) -> Self {
        let sets = Sets {
            words: mask_words,
            sets: boxcar::Vec::new(),
            finals: boxcar::Vec::new(),
            index: Mutex::default(),
        };
        sets.intern(Vec::new());
        sets
    }

    /// Interns a set given as a list in any order, duplicates allowed.
    pub fn intern(&self, mut tokens: Vec<TokenId>) -> SetId {
        let set = if tokens.len() > self.words / 2 {
            let mut words = vec![0u32; self.words];
            maskwright_kernels::bits::set(&mut words, tokens.iter().map(|t| t.0));
            Set::Dense(words.into())
        } else {
            tokens.sort_unstable();
            tokens.dedup();
            Set::Few(tokens.into())
        };
        self.intern_set(set)
    }

    /// Interns a set given as a bitset of `mask_words` words.
    pub fn intern_words(&self, words: Vec<u32>) -> SetId {
        let count = maskwright_kernels::bits::count(&words);
        if count > self.words / 2 {
            return self.intern_set(Set::Dense(words.into()));
        }
        let mut tokens = Vec::with_capacity(count);
        for (i, &word) in words.iter().enumerate() {
            let mut word = word;
            while word != 0 {
                tokens.push(TokenId(32 * i as u32 + word.trailing_zeros()));
                word &= word - 1;
            }
        }
        self.intern_set(Set::Few(tokens.into()))
    }

    pub fn intern_set(&self, set: Set) -> SetId {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = index.sets.get(&set) {
            return id;
        }
        index.bytes += match &set {
            Set::Few(ids) => 4 * ids.len() + 48,
            Set::Dense(words) => 4 * words.len() + 64,
        };
        let id = SetId(self.sets.push(set.clone()) as u32);
        index.sets.insert(set, id);
        id
    }

    pub fn get(&self, id: SetId) -> &Set {
        &self.sets[id.0 as usize]
    }

    /// The tokens of a set, in increasing order.
    pub fn iter(&self, id: SetId) -> impl Iterator<Item = TokenId> + '_ {
        let (few, words): (&[TokenId], &[u32]) = match self.get(id) {
            Set::Few(ids) => (ids, &[]),
            Set::Dense(words) => (&[], words),
        };
        let dense = maskwright_kernels::bits::ones(words).map(TokenId);
        few.iter().copied().chain(dense)
    }

    /// The union of sets, interned by its parts.
    pub fn union(&self, mut parts: Vec<SetId>) -> FinalId {
        parts.sort_unstable();
        parts.dedup();
        if parts.len() > 1 {
            parts.retain(|p| *p != Self::EMPTY);
        }
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = index.unions.get(&parts[..]) {
            return id;
        }
        let dense: Vec<&Arc<[u32]>> = parts
            .iter()
            .filter_map(|p| match self.get(*p) {
                Set::Dense(words) => Some(words),
                Set::Few(_) => None,
            })
            .collect();
        let mut few: Vec<TokenId> = Vec::new();
        for p in &parts {
            if let Set::Few(ids) = self.get(*p) {
                few.extend_from_slice(ids);
            }
        }
        let base: Option<Arc<[u32]>> = match dense[..] {
            [] => None,
            [one] => Some(Arc::clone(one)),
            _ => {
                let mut words = vec![0u32; self.words];
                for d in dense {
                    maskwright_kernels::bits::or_assign(&mut words, d);
                }
                index.bytes += 4 * words.len();
                Some(words.into())
            }
        };
        let row = match base {
            Some(base) => {
                few.retain(|t| base[t.index() / 32] >> (t.0 % 32) & 1 == 0);
                few.sort_unstable();
                few.dedup();
                if few.is_empty() {
                    Final::Dense(base)
                } else {
                    Final::Union(base, few.into())
                }
            }
            None if few.len() > self.words / 2 => {
                let mut words = vec![0u32; self.words];
                maskwright_kernels::bits::set(&mut words, few.iter().map(|t| t.0));
                index.bytes += 4 * words.len();
                Final::Dense(words.into())
            }
            None => {
                few.sort_unstable();
                few.dedup();
                Final::Few(few.into())
            }
        };
        index.bytes += 4 * parts.len() + 64;
        if let Final::Few(ids) | Final::Union(_, ids) = &row {
            index.bytes += 4 * ids.len();
        }
        let id = FinalId(self.finals.push(row) as u32);
        index.unions.insert(parts.into(), id);
        id
    }

    /// A union as a matcher reads it.
    pub fn tokens(&self, id: FinalId) -> Tokens<'_> {
        match &self.finals[id.0 as usize] {
            Final::Few(ids) => Tokens::Few(ids),
            Final::Dense(words) => Tokens::Dense(words),
            Final::Union(words, ids) => Tokens::Union(words, ids),
        }
    }

    /// Bytes held by the sets.
    pub fn bytes(&self) -> usize {
        self.index
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .bytes
    }
}
