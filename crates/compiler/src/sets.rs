//! Token sets, stored once each.
//!
//! Rows repeat a great deal: fifty string members of one object, and the strings of fifty schemas,
//! allow the same tokens. So every set of tokens is interned by content ([`SetId`]), and so is
//! every union of sets, which is what a matcher reads.
//!
//! A set that differs little from a bitset is kept as that bitset and its exceptions: it costs some
//! bytes instead of 12 to 25 KB, and no hash of them.

use crate::row_walk::Places;
use hashbrown::HashTable;
use maskwright_kernels::bits;
use maskwright_tables::{TokenId, Tokens, heap};
use rustc_hash::{FxBuildHasher, FxHashMap};
use smallvec::SmallVec;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// An interned set of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SetId(pub u32);

/// A set of tokens in the cheapest of three forms.
#[derive(Clone, Debug)]
pub(crate) enum Set {
    /// Ids, strictly increasing.
    Few(Box<[TokenId]>),
    /// A bitset of `mask_words` words.
    Dense(Arc<[u32]>),
    /// A dense set, ids added to it and ids of it taken out, strictly increasing.
    Near(SetId, Box<[TokenId]>, Box<[TokenId]>),
}

/// Sets are compared and hashed as plain numbers, many at a time.
impl PartialEq for Set {
    fn eq(&self, other: &Set) -> bool {
        let same = |a: &[TokenId], b: &[TokenId]| TokenId::numbers(a) == TokenId::numbers(b);
        match (self, other) {
            (Set::Few(a), Set::Few(b)) => same(a, b),
            (Set::Dense(a), Set::Dense(b)) => a == b,
            (Set::Near(base, added, removed), Set::Near(other, more, less)) => {
                base == other && same(added, more) && same(removed, less)
            }
            _ => false,
        }
    }
}

impl Eq for Set {}

impl Hash for Set {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        match self {
            Set::Few(ids) => (0u8, TokenId::numbers(ids)).hash(hasher),
            Set::Dense(words) => (1u8, &**words).hash(hasher),
            Set::Near(base, added, removed) => {
                let lists = [added, removed].map(|ids| TokenId::numbers(ids));
                (2u8, base.0, lists).hash(hasher);
            }
        }
    }
}

impl Set {
    /// Bytes of its tokens.
    pub fn bytes(&self) -> usize {
        match self {
            Set::Few(ids) => 4 * ids.len(),
            Set::Dense(words) => 4 * words.len(),
            Set::Near(_, added, removed) => 4 * (added.len() + removed.len()),
        }
    }
}

/// A bitset, ids added to it and ids taken out of it.
type Near<'a> = (&'a Arc<[u32]>, &'a [TokenId], &'a [TokenId]);

/// A set as it is kept.
#[derive(Debug)]
struct Kept {
    set: Set,
    /// How often a matcher has read a long list.
    uses: AtomicU32,
    /// A long list that was read often, as a bitset.
    words: OnceLock<Box<[u32]>>,
}

#[derive(Debug, Default)]
struct Index {
    /// Finds a set by its tokens.
    sets: HashTable<(u64, SetId)>,
    wholes: FxHashMap<SetId, SetId>,
    unions: FxHashMap<Box<[SetId]>, SetId>,
    bytes: usize,
    /// What the sets and the keys of the tables own, as it is held.
    owned: usize,
}

/// A bitset over all ids with a bit for each of its words that is not zero, all zero between two uses: it
/// puts a list in order in one step for each id.
#[derive(Debug)]
struct Sorter {
    words: Box<[u64]>,
    used: Box<[u64]>,
}

impl Sorter {
    fn new(mask_words: usize) -> Self {
        let words = mask_words.div_ceil(2);
        Sorter {
            words: vec![0; words].into(),
            used: vec![0; words.div_ceil(64)].into(),
        }
    }

    /// Sorts ids, and makes equal ones one.
    fn sort(&mut self, tokens: &mut Vec<TokenId>) {
        for t in tokens.iter() {
            let word = t.index() / 64;
            self.words[word] |= 1 << (t.index() % 64);
            self.used[word / 64] |= 1 << (word % 64);
        }
        tokens.clear();
        for (i, used) in self.used.iter_mut().enumerate() {
            let mut used = std::mem::take(used);
            while used != 0 {
                let word = 64 * i + used.trailing_zeros() as usize;
                used &= used - 1;
                let mut bits = std::mem::take(&mut self.words[word]);
                while bits != 0 {
                    let bit = bits.trailing_zeros();
                    bits &= bits - 1;
                    tokens.push(TokenId(64 * word as u32 + bit));
                }
            }
        }
    }
}

/// Lists of `all` ids together, one after another.
fn joined<'a>(all: usize, lists: impl Iterator<Item = &'a [TokenId]>) -> Vec<TokenId> {
    let mut out = Vec::with_capacity(all);
    lists.for_each(|list| out.extend_from_slice(list));
    out
}

/// All token sets of one vocabulary.
#[derive(Debug)]
pub(crate) struct Sets {
    words: usize,
    sets: boxcar::Vec<Kept>,
    /// How many lists have bitsets too.
    doubled: AtomicU32,
    index: Mutex<Index>,
    sorter: Mutex<Sorter>,
}

impl Sets {
    pub const EMPTY: SetId = SetId(0);

    /// Lists of so many ids in all are put together sooner than their union is looked up.
    const SHORT: usize = 160;

    /// A list of more ids takes longer to write than two bitsets. One that was read so often is kept as
    /// a bitset too; so many lists are.
    const LONG: usize = 768;
    const OFTEN: u32 = 8;
    const DOUBLED: u32 = 128;

    /// So many ids are compared with each other sooner than they are marked in any bitset.
    const FEW: usize = 24;

    pub fn new(mask_words: usize) -> Self {
        let sets = Sets {
            words: mask_words,
            sets: boxcar::Vec::new(),
            doubled: AtomicU32::new(0),
            index: Mutex::default(),
            sorter: Mutex::new(Sorter::new(mask_words)),
        };
        sets.intern(Vec::new());
        sets
    }

    /// Lists are no longer than this: a mask of so many ids takes three times as long as a copy, which
    /// is what a flat tail allows, and half the memory of a bitset has been reached about.
    pub fn many(&self) -> usize {
        Self::many_of(self.words)
    }

    /// The same for masks of so many words.
    pub fn many_of(mask_words: usize) -> usize {
        mask_words * 3 / 8
    }

    /// Interns a set given as a list in any order, duplicates allowed.
    pub fn intern(&self, mut tokens: Vec<TokenId>) -> SetId {
        if tokens.len() > self.many() {
            return self.intern_runs(tokens.len(), std::iter::once(&tokens[..]));
        }
        self.sort(&mut tokens);
        self.intern_set(Set::Few(tokens.into()))
    }

    /// Sorts ids, and makes equal ones one.
    fn sort(&self, tokens: &mut Vec<TokenId>) {
        if tokens.len() > Self::FEW
            && let Ok(mut sorter) = self.sorter.try_lock()
        {
            sorter.sort(tokens);
            return;
        }
        tokens.sort_unstable();
        tokens.dedup();
    }

    /// Interns the set of the tokens at some places of a list.
    pub fn intern_places(&self, tokens: &[TokenId], places: &Places) -> SetId {
        self.intern_runs(places.len(), places.of(tokens))
    }

    /// Interns the set of the tokens of lists, which have so many in all.
    pub fn intern_runs<'a>(
        &self,
        count: usize,
        runs: impl Iterator<Item = &'a [TokenId]>,
    ) -> SetId {
        if count <= self.many() {
            return self.intern(joined(count, runs));
        }
        let mut words = vec![0u32; self.words];
        runs.for_each(|run| bits::set(&mut words, run.iter().map(|t| t.0)));
        self.intern_words(words)
    }

    /// Interns a bitset.
    pub fn intern_words(&self, words: Vec<u32>) -> SetId {
        self.intern_set(match bits::count(&words) > self.many() {
            true => Set::Dense(words.into()),
            false => Set::Few(bits::ones(&words).map(TokenId).collect()),
        })
    }

    /// Interns what a set becomes when ids are added to it and taken out of it; the lists may be in
    /// any order, and must have no id in common.
    pub fn near(&self, base: SetId, mut added: Vec<TokenId>, mut removed: Vec<TokenId>) -> SetId {
        let words = match self.get(base) {
            Set::Dense(words) => words,
            other => {
                removed.sort_unstable();
                let mut tokens: Vec<TokenId> = match other {
                    Set::Few(ids) => ids.to_vec(),
                    _ => bits::ones(&self.bitset(base)).map(TokenId).collect(),
                };
                tokens.retain(|t| removed.binary_search(t).is_err());
                tokens.append(&mut added);
                return self.intern(tokens);
            }
        };
        added.retain(|t| !bits::contains(words, t.0));
        removed.retain(|t| bits::contains(words, t.0));
        if added.is_empty() && removed.is_empty() {
            return base;
        }
        if added.len() + removed.len() > self.many() / 2 {
            let mut words = words.to_vec();
            bits::clear(&mut words, removed.iter().map(|t| t.0));
            bits::set(&mut words, added.iter().map(|t| t.0));
            return self.intern_words(words);
        }
        for list in [&mut added, &mut removed] {
            self.sort(list);
        }
        self.intern_set(Set::Near(base, added.into(), removed.into()))
    }

    /// Interns what a set has in common with a bitset.
    pub fn meet(&self, id: SetId, words: &[u32]) -> SetId {
        if let Set::Few(ids) = self.get(id) {
            let common = ids.iter().filter(|t| bits::contains(words, t.0));
            return self.intern_set(Set::Few(common.copied().collect()));
        }
        let mut common = self.bitset(id);
        bits::and_assign(&mut common, words);
        self.intern_words(common)
    }

    fn intern_set(&self, set: Set) -> SetId {
        let hash = FxBuildHasher.hash_one(&set);
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |e: &(u64, SetId)| e.0 == hash && *self.get(e.1) == set;
        if let Some(&(_, id)) = index.sets.find(hash, same) {
            return id;
        }
        index.bytes += set.bytes() + 64;
        index.owned += match &set {
            Set::Few(ids) => heap::list::<TokenId>(ids.len()),
            Set::Dense(words) => heap::allocation(4 * words.len() + 16),
            Set::Near(_, added, removed) => {
                heap::list::<TokenId>(added.len()) + heap::list::<TokenId>(removed.len())
            }
        };
        let kept = Kept {
            set,
            uses: AtomicU32::new(0),
            words: OnceLock::new(),
        };
        let id = SetId(self.sets.push(kept) as u32);
        index.sets.insert_unique(hash, (hash, id), |e| e.0);
        id
    }

    pub fn get(&self, id: SetId) -> &Set {
        &self.sets[id.0 as usize].set
    }

    /// The tokens of a set, in no particular order.
    pub fn iter(&self, id: SetId) -> impl Iterator<Item = TokenId> + '_ {
        let (few, (words, removed)): (&[TokenId], (&[u32], &[TokenId])) = match self.get(id) {
            Set::Few(ids) => (ids, (&[], &[])),
            Set::Dense(words) => (&[], (words, &[])),
            Set::Near(_, added, removed) => {
                let words = self.parts(id).map_or(&[][..], |p| &**p.0);
                (added, (words, removed))
            }
        };
        let dense = bits::ones(words).map(TokenId);
        let kept = dense.filter(|t| removed.binary_search(t).is_err());
        few.iter().copied().chain(kept)
    }

    /// Whether a set has a token. O(log n) for a list.
    pub fn contains(&self, id: SetId, token: TokenId) -> bool {
        let has = |ids: &[TokenId]| ids.binary_search(&token).is_ok();
        match self.get(id) {
            Set::Few(ids) => has(ids),
            Set::Dense(words) => bits::contains(words, token.0),
            Set::Near(base, added, removed) => {
                has(added) || !has(removed) && self.contains(*base, token)
            }
        }
    }

    /// A set as a bitset.
    pub fn bitset(&self, id: SetId) -> Vec<u32> {
        let mut words = vec![0u32; self.words];
        match self.get(id) {
            Set::Few(ids) => bits::set(&mut words, ids.iter().map(|t| t.0)),
            Set::Dense(all) => words.copy_from_slice(all),
            Set::Near(base, added, removed) => {
                words = self.bitset(*base);
                bits::clear(&mut words, removed.iter().map(|t| t.0));
                bits::set(&mut words, added.iter().map(|t| t.0));
            }
        }
        words
    }

    /// The same set as it is when nothing is known of other sets: equal sets have equal numbers.
    pub fn whole(&self, id: SetId) -> SetId {
        let lock = || self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(self.get(id), Set::Near(..)) {
            return id;
        }
        if let Some(&whole) = lock().wholes.get(&id) {
            return whole;
        }
        let whole = self.intern_words(self.bitset(id));
        lock().wholes.insert(id, whole);
        whole
    }

    /// A set that is not a list: its bitset, and its exceptions.
    fn parts(&self, id: SetId) -> Option<Near<'_>> {
        match self.get(id) {
            Set::Few(_) => None,
            Set::Dense(words) => Some((words, &[], &[])),
            Set::Near(base, added, removed) => match self.get(*base) {
                Set::Dense(words) => Some((words, &**added, &**removed)),
                // A set is near dense ones only.
                Set::Few(_) | Set::Near(..) => None,
            },
        }
    }

    /// The union of sets, remembered by its parts.
    pub fn union(&self, parts: &[SetId]) -> SetId {
        let parts = parts.iter().copied().filter(|p| *p != Self::EMPTY);
        let mut parts: SmallVec<[SetId; 32]> = parts.collect();
        parts.sort_unstable();
        parts.dedup();
        match parts[..] {
            [] => return Self::EMPTY,
            [only] => return only,
            _ => {}
        }
        let short = parts.iter().try_fold(0, |all, p| match self.get(*p) {
            Set::Few(ids) => Some(all + ids.len()),
            _ => None,
        });
        if short.is_some_and(|all| all <= Self::SHORT) {
            return self.unite(&parts);
        }
        let lock = || self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = lock().unions.get(&parts[..]) {
            return id;
        }
        let id = self.unite(&parts);
        let mut index = lock();
        index.bytes += 4 * parts.len() + 64;
        index.owned += heap::list::<SetId>(parts.len());
        index.unions.insert(parts[..].into(), id);
        id
    }

    fn unite(&self, parts: &[SetId]) -> SetId {
        let lists = parts.iter().filter_map(|p| match self.get(*p) {
            Set::Few(ids) => Some(&**ids),
            _ => None,
        });
        let mut dense = parts.iter().filter_map(|p| match self.get(*p) {
            Set::Few(_) => None,
            Set::Dense(words) => Some((*p, (words, &[][..], &[][..]))),
            Set::Near(base, ..) => Some((*base, self.parts(*p)?)),
        });
        let Some((base, (under, added, removed))) = dense.next() else {
            let all = lists.clone().map(<[_]>::len).sum::<usize>();
            return self.intern_runs(all, lists);
        };
        let many = lists.clone().map(<[_]>::len).sum::<usize>() + added.len() + removed.len();
        if dense.clone().next().is_none() && many <= self.many() / 8 {
            // Lists beside one bitset are exceptions.
            let mut removed = removed.to_vec();
            let mut added = added.to_vec();
            for ids in lists {
                added.extend(ids.iter().filter(|t| !bits::contains(under, t.0)));
                removed.retain(|t| ids.binary_search(t).is_err());
            }
            if added.is_empty() && removed.is_empty() {
                return base;
            }
            self.sort(&mut added);
            return self.intern_set(Set::Near(base, added.into(), removed.into()));
        }
        let mut words = under.to_vec();
        bits::clear(&mut words, removed.iter().map(|t| t.0));
        bits::set(&mut words, added.iter().map(|t| t.0));
        // Further bitsets are laid over the first one; what a set leaves out stays as it was.
        let mut alike = true;
        for (_, (own, added, removed)) in dense {
            alike &= Arc::ptr_eq(own, under);
            let gone = removed.iter().filter(|t| !bits::contains(&words, t.0));
            let gone: Vec<u32> = gone.map(|t| t.0).collect();
            bits::or_assign(&mut words, own);
            bits::clear(&mut words, gone);
            bits::set(&mut words, added.iter().map(|t| t.0));
        }
        lists.for_each(|ids| bits::set(&mut words, ids.iter().map(|t| t.0)));
        if alike {
            let (mut added, mut removed) = (Vec::new(), Vec::new());
            for (i, (new, old)) in words.iter().zip(under.iter()).enumerate() {
                let mut differ = new ^ old;
                while differ != 0 {
                    let bit = differ.trailing_zeros();
                    differ &= differ - 1;
                    let list = if new >> bit & 1 == 1 {
                        &mut added
                    } else {
                        &mut removed
                    };
                    list.push(TokenId(32 * i as u32 + bit));
                }
                if added.len() + removed.len() > self.many() / 8 {
                    return self.intern_set(Set::Dense(words.into()));
                }
            }
            if added.is_empty() && removed.is_empty() {
                return base;
            }
            return self.intern_set(Set::Near(base, added.into(), removed.into()));
        }
        self.intern_set(Set::Dense(words.into()))
    }

    /// A set as a matcher reads it.
    pub fn tokens(&self, id: SetId) -> Tokens<'_> {
        let kept = &self.sets[id.0 as usize];
        match &kept.set {
            Set::Few(ids) if ids.len() > Self::LONG => match kept.words.get() {
                Some(words) => Tokens::Dense(words),
                None => self.long(kept, ids),
            },
            Set::Few(ids) => Tokens::Few(ids),
            Set::Dense(words) => Tokens::Dense(words),
            Set::Near(base, added, removed) => match self.get(*base) {
                Set::Dense(base) => Tokens::Exceptions {
                    base,
                    added,
                    removed,
                },
                // A set is near dense ones only.
                Set::Few(_) | Set::Near(..) => Tokens::Few(&[]),
            },
        }
    }

    /// A long list; makes its bitset when it has been read often.
    fn long<'a>(&self, kept: &'a Kept, ids: &'a [TokenId]) -> Tokens<'a> {
        if kept.uses.fetch_add(1, Ordering::Relaxed) != Self::OFTEN
            || self.doubled.fetch_add(1, Ordering::Relaxed) >= Self::DOUBLED
        {
            return Tokens::Few(ids);
        }
        Tokens::Dense(kept.words.get_or_init(|| {
            let mut words = vec![0u32; self.words];
            bits::set(&mut words, ids.iter().map(|t| t.0));
            words.into()
        }))
    }

    /// Bytes held, about, with the tables by which sets are found.
    pub fn heap_bytes(&self) -> usize {
        let index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let doubled = self.doubled.load(Ordering::Relaxed).min(Self::DOUBLED) as usize;
        heap::pieces::<Kept>(self.sets.count())
            + doubled * heap::list::<u32>(self.words)
            + heap::list::<u32>(self.words)
            + heap::table::<(u64, SetId), ()>(index.sets.len())
            + heap::table::<SetId, SetId>(index.wholes.len())
            + heap::table::<Box<[SetId]>, SetId>(index.unions.len())
            + index.owned
    }

    /// Bytes of the tokens of the sets, and a little for each set.
    pub fn bytes(&self) -> usize {
        self.index
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_in_either_way_and_stored_once() {
        let sets = Sets::new(100_000 / 32);
        let scattered = |n: u32| (0..n).map(|i| TokenId(i * 7_919 % 99_999));
        for n in [1, 3, 24, 25, 200, 1_100] {
            let mut sorted: Vec<TokenId> = scattered(n).collect();
            sorted.sort_unstable();
            let id = sets.intern(scattered(n).chain(scattered(n / 2)).collect());
            assert!(
                matches!(sets.get(id), Set::Few(ids) if **ids == *sorted),
                "{n} ids"
            );
            assert_eq!(sets.intern(sorted.iter().rev().copied().collect()), id);
            // Nothing is left behind for the next list.
            let one = sets.intern(vec![TokenId(5); 40]);
            assert!(matches!(sets.get(one), Set::Few(ids) if **ids == [TokenId(5)]));
            assert_eq!(sets.union(&[id, one]), sets.union(&[one, id]));
        }
        // A long list that is read often is read as a bitset in the end.
        let id = sets.intern(scattered(1_100).collect());
        let reads = (0..20).map(|_| sets.tokens(id));
        let forms: Vec<bool> = reads.map(|t| matches!(t, Tokens::Dense(_))).collect();
        assert!(forms.is_sorted() && !forms[0] && forms[19]);
        let Tokens::Dense(words) = sets.tokens(id) else {
            panic!("a bitset");
        };
        assert!(bits::ones(words).map(TokenId).eq(sets.iter(id)));
        let all = sets.intern(scattered(9_000).collect());
        assert!(matches!(sets.get(all), Set::Dense(_)));
        assert_eq!(sets.iter(all).count(), 9_000);
    }
}
