//! What can be spelled when some bytes occur only inside longer pieces of text.
//!
//! Text is written piece by piece (the tokens of a vocabulary), and most vocabularies have every
//! byte as a piece: then whatever consists of their bytes can be spelled. Where a byte occurs only
//! inside longer pieces, it cannot: with `ab` and `c` no text ends in `a`. What an expression can
//! still match then depends on where the pieces end, and has to be asked afresh behind each of
//! them: with `a` and `ab` the word `ab` can be spelled, but not any more once `a` is written.
//!
//! The question is answered by a search over pairs of an expression and a set of *positions* in
//! the prefix tree of the pieces; its root is a place between two pieces. Pieces that others spell
//! add nothing to what can be spelled, and are left out of the tree.
//!
//! Of a lexeme alone it can be said whether pieces spell it to its end ([`Spelling::Whole`]), or
//! only together with some text behind it ([`Spelling::Cut`]): whether that text may come there is
//! not the lexeme's to say.

use super::ByteSet;
use super::expr::{ExprId, Store};
use maskwright_tables::{LimitError, heap};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// Whether the rest of a lexeme can be spelled from a place between two pieces on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spelling {
    /// By whole pieces.
    Whole,
    /// Only by a piece that goes on behind the lexeme.
    Cut,
    /// Not at all.
    Never,
}

#[derive(Debug, Default)]
struct Node {
    /// Sorted by byte.
    children: Vec<(u8, u32)>,
    /// Whether a piece ends here.
    ends: bool,
}

/// Bytes that lead on, sorted, and the sets of nodes that they lead to.
type Moves = Arc<[(u8, u32)]>;

/// The prefix tree of the pieces, and what was found out with it.
#[derive(Debug)]
pub(super) struct Pieces {
    nodes: Vec<Node>,
    /// Bytes that are pieces by themselves.
    single: ByteSet,
    /// Sets of nodes, sorted; [`Self::ROOT`] and [`Self::ANYWHERE`] first.
    sets: Vec<Arc<[u32]>>,
    set_ids: FxHashMap<Arc<[u32]>, u32>,
    /// By set: the bytes that lead on, and where.
    moves: Vec<Option<Moves>>,
    /// By expression, set, and whether the last piece has to end with the match.
    known: FxHashMap<(ExprId, u32, bool), bool>,
}

impl Pieces {
    /// Between two pieces.
    const ROOT: u32 = 0;
    /// Between two pieces or inside one.
    const ANYWHERE: u32 = 1;

    /// Bytes held, about. O(1).
    pub fn heap_bytes(&self) -> usize {
        let tree = heap::list::<Node>(self.nodes.capacity())
            + self.nodes.len() * heap::list::<(u8, u32)>(4);
        let sets = heap::list::<Arc<[u32]>>(self.sets.capacity())
            + self.sets.len() * heap::list::<u32>(12)
            + heap::table::<Arc<[u32]>, u32>(self.set_ids.len())
            + heap::list::<Option<Moves>>(self.moves.capacity())
            + self.moves.len() * heap::list::<(u8, u32)>(8);
        tree + sets + heap::table::<(ExprId, u32, bool), bool>(self.known.len())
    }

    pub fn new(pieces: &[&[u8]]) -> Pieces {
        let mut single = ByteSet::default();
        for piece in pieces {
            if let [byte] = piece {
                single.insert(*byte);
            }
        }
        let mut tree = Pieces {
            nodes: vec![Node::default()],
            single,
            sets: Vec::new(),
            set_ids: FxHashMap::default(),
            moves: Vec::new(),
            known: FxHashMap::default(),
        };
        let mut sorted: Vec<&[u8]> = pieces.iter().copied().filter(|p| !p.is_empty()).collect();
        sorted.sort_unstable_by_key(|p| (p.len(), *p));
        sorted.dedup();
        for piece in sorted {
            if !tree.spells(piece) {
                tree.insert(piece);
            }
        }
        tree.intern(vec![0]);
        tree.intern((0..tree.nodes.len() as u32).collect());
        tree
    }

    /// The pieces that no others spell.
    pub fn list(&self) -> Vec<Vec<u8>> {
        let mut list = Vec::new();
        let mut open = vec![(0u32, Vec::new())];
        while let Some((node, text)) = open.pop() {
            let node = &self.nodes[node as usize];
            for &(byte, child) in &node.children {
                open.push((child, [&text[..], &[byte]].concat()));
            }
            if node.ends {
                list.push(text);
            }
        }
        list.sort_unstable();
        list
    }

    fn child(&self, node: u32, byte: u8) -> Option<u32> {
        let children = &self.nodes[node as usize].children;
        let found = children.binary_search_by_key(&byte, |c| c.0);
        found.ok().map(|i| children[i].1)
    }

    fn insert(&mut self, piece: &[u8]) {
        let mut at = 0;
        for &byte in piece {
            at = match self.child(at, byte) {
                Some(child) => child,
                None => {
                    let child = self.nodes.len() as u32;
                    self.nodes.push(Node::default());
                    let children = &mut self.nodes[at as usize].children;
                    let place = children.partition_point(|c| c.0 < byte);
                    children.insert(place, (byte, child));
                    child
                }
            };
        }
        self.nodes[at as usize].ends = true;
    }

    /// Whether the pieces of the tree spell a text.
    fn spells(&self, text: &[u8]) -> bool {
        let mut reached = vec![false; text.len() + 1];
        reached[0] = true;
        for from in 0..text.len() {
            let mut at = 0;
            for to in from..text.len() {
                if !reached[from] {
                    break;
                }
                let Some(child) = self.child(at, text[to]) else {
                    break;
                };
                at = child;
                reached[to + 1] |= self.nodes[at as usize].ends;
            }
        }
        reached[text.len()]
    }

    fn intern(&mut self, set: Vec<u32>) -> u32 {
        let set: Arc<[u32]> = set.into();
        if let Some(&id) = self.set_ids.get(&set) {
            return id;
        }
        let id = self.sets.len() as u32;
        self.sets.push(Arc::clone(&set));
        self.set_ids.insert(set, id);
        self.moves.push(None);
        id
    }

    /// Whether a piece may have ended at a set.
    fn is_between(&self, set: u32) -> bool {
        self.sets[set as usize].first() == Some(&0)
    }

    /// The bytes that lead on from a set, sorted, and where.
    fn moves(&mut self, set: u32) -> Moves {
        if let Some(moves) = &self.moves[set as usize] {
            return Arc::clone(moves);
        }
        let mut by_byte: Vec<(u8, u32)> = Vec::new();
        for &node in &*self.sets[set as usize] {
            by_byte.extend_from_slice(&self.nodes[node as usize].children);
        }
        by_byte.sort_unstable();
        let mut moves = Vec::new();
        for group in by_byte.chunk_by(|a, b| a.0 == b.0) {
            let mut targets = Vec::with_capacity(group.len() + 1);
            if group.iter().any(|g| self.nodes[g.1 as usize].ends) {
                targets.push(0);
            }
            // A node without children is left by ending its piece only.
            let open = group.iter().map(|g| g.1);
            targets.extend(open.filter(|n| !self.nodes[*n as usize].children.is_empty()));
            moves.push((group[0].0, self.intern(targets)));
        }
        let moves: Moves = moves.into();
        self.moves[set as usize] = Some(Arc::clone(&moves));
        moves
    }
}

impl Store {
    /// Whether some match of `e` can be spelled from a place in `set` on: to its end (`whole`), or to
    /// the middle of a piece.
    fn can_spell(
        &mut self,
        e: ExprId,
        set: u32,
        whole: bool,
        steps: &mut u64,
    ) -> Result<bool, LimitError> {
        // Taken out for the time of the search, which derives expressions.
        let Some(mut pieces) = self.pieces.take() else {
            return Ok(!self.is_empty_within(e, steps)?);
        };
        let answer = self.search_pieces(&mut pieces, (e, set), whole, steps);
        self.pieces = Some(pieces);
        self.forget();
        answer
    }

    /// What is known of a pair without a search.
    fn known_spelling(
        &self,
        pieces: &Pieces,
        (e, set): (ExprId, u32),
        whole: bool,
    ) -> Option<bool> {
        if e == Self::NEVER {
            Some(false)
        } else if self.nullable(e) && (!whole || pieces.is_between(set)) {
            Some(true)
        } else {
            pieces.known.get(&(e, set, whole)).copied()
        }
    }

    fn search_pieces(
        &mut self,
        pieces: &mut Pieces,
        root: (ExprId, u32),
        whole: bool,
        steps: &mut u64,
    ) -> Result<bool, LimitError> {
        if let Some(known) = self.known_spelling(pieces, root, whole) {
            return Ok(known);
        }
        // The stack holds (pair, pairs still to try); it is the path from the root.
        let mut visited = FxHashSet::from_iter([root]);
        let mut path = vec![(root, self.next_pairs(pieces, root, steps)?)];
        while let Some((_, open)) = path.last_mut() {
            let Some(next) = open.pop() else {
                path.pop();
                continue;
            };
            match self.known_spelling(pieces, next, whole) {
                Some(false) => {}
                Some(true) => {
                    for ((e, set), _) in path {
                        pieces.known.insert((e, set, whole), true);
                    }
                    return Ok(true);
                }
                None => {
                    if visited.insert(next) {
                        let open = self.next_pairs(pieces, next, steps)?;
                        path.push((next, open));
                    }
                }
            }
        }
        for (e, set) in visited {
            pieces.known.insert((e, set, whole), false);
        }
        Ok(false)
    }

    /// Where one byte leads, what seems nearest to a match last.
    fn next_pairs(
        &mut self,
        pieces: &mut Pieces,
        (e, set): (ExprId, u32),
        steps: &mut u64,
    ) -> Result<Vec<(ExprId, u32)>, LimitError> {
        let runs = self.runs_of(e, steps)?;
        let moves = pieces.moves(set);
        let mut all = Vec::new();
        let mut seen = FxHashSet::default();
        let mut run = 0;
        for &(byte, target) in &*moves {
            while runs[run].0 < byte {
                run += 1;
            }
            let pair = (runs[run].1, target);
            if pair.0 != Self::NEVER && seen.insert(pair) {
                all.push(pair);
            }
        }
        *steps = steps
            .checked_sub(1 + moves.len() as u64 / 8)
            .ok_or(LimitError::new("steps of a search for a spelling", 1, 0))?;
        all.reverse();
        all.sort_by_key(|(d, _)| std::cmp::Reverse(self.fact(*d).distance));
        Ok(all)
    }

    /// How the rest `e` of a lexeme can be spelled.
    pub fn spelling(&mut self, e: ExprId, steps: &mut u64) -> Result<Spelling, LimitError> {
        Ok(if self.can_spell(e, Pieces::ROOT, true, steps)? {
            Spelling::Whole
        } else if self.pieces.is_some() && self.can_spell(e, Pieces::ROOT, false, steps)? {
            Spelling::Cut
        } else {
            Spelling::Never
        })
    }

    /// Whether no match of `e` occurs in any text that can be spelled, wherever pieces end in it.
    pub fn is_unspelled(&mut self, e: ExprId, steps: &mut u64) -> Result<bool, LimitError> {
        if self.pieces.is_none() {
            return self.is_empty_within(e, steps);
        }
        Ok(!self.can_spell(e, Pieces::ROOT, true, steps)?
            && !self.can_spell(e, Pieces::ANYWHERE, false, steps)?)
    }

    /// Whether each of these bytes can be spelled by itself.
    pub fn spells_each(&self, bytes: &[u8]) -> bool {
        let single = match &self.pieces {
            Some(pieces) => Some(pieces.single),
            None => self.alphabet,
        };
        single.is_none_or(|single| bytes.iter().all(|b| single.contains(*b)))
    }
}
