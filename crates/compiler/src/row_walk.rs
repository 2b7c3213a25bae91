//! Walks of a token trie along the transitions of a lexical state.
//!
//! [`plain`] looks at every node that lives. Most states are near another one, though: a string
//! that must not be one of some names behaves, one byte off these names, as any string; a string
//! with 80 characters left, on a token of 20, as one with no bound. [`against`] walks a state and
//! such a *base* together, down only where they still differ, and corrects the base's answer
//! there. It needs no knowledge of why two states are alike: two equal states below a node give
//! equal answers, and so do two states that [`Lexicon::unbounded`] takes to one for as many bytes
//! as the trie has below that node.

use maskwright_automata::Lexicon;
use maskwright_automata::lexicon::Edges;
use maskwright_kernels::bits;
use maskwright_tables::{LabelSet, LexState, LimitError, TokenId, TokenTrie};

/// Where a lexeme can end inside a token: labels, node, and whether the lexeme cannot go on.
pub(crate) type Exit = (LabelSet, u32, bool);

/// The whole walk: tokens that stay inside the lexeme, and its ends in preorder.
pub(crate) fn plain(
    lexicon: &Lexicon,
    trie: &TokenTrie,
    state: LexState,
) -> Result<(Vec<TokenId>, Vec<Exit>), LimitError> {
    let nodes = trie.nodes();
    let mut inside: Vec<TokenId> = Vec::new();
    let mut exits: Vec<Exit> = Vec::new();
    // For each node on the path from the root: where its subtree ends, and its transitions.
    let mut path = vec![(nodes[0].skip, lexicon.edges(state)?)];
    let mut i = 1;
    while i < nodes.len() {
        let node = &nodes[i];
        while path.len() > 1 && path[path.len() - 1].0 as usize <= i {
            path.pop();
        }
        let next = path[path.len() - 1].1.get(node.byte);
        if next == LexState::DEAD {
            i = node.skip as usize;
            continue;
        }
        let edges = lexicon.edges(next)?;
        let accept = lexicon.accept(next);
        let last = accept != LabelSet::NONE && edges.is_dead();
        if !last {
            inside.extend_from_slice(trie.tokens_at(i));
        }
        if accept != LabelSet::NONE && (last || node.skip as usize > i + 1) {
            exits.push((accept, i as u32, last));
        }
        if last {
            i = node.skip as usize;
        } else {
            path.push((node.skip, edges));
            i += 1;
        }
    }
    Ok((inside, exits))
}

/// A state that most of the trie soon leads to from `state`, and that most of it never leaves.
pub(crate) fn base_of(
    lexicon: &Lexicon,
    trie: &TokenTrie,
    state: LexState,
) -> Result<Option<LexState>, LimitError> {
    let mut at = state;
    for _ in 0..3 {
        let next = lexicon.unbounded(majority(lexicon, trie, at)?)?.0;
        if next == LexState::DEAD {
            break;
        }
        if next == at {
            return Ok((at != state).then_some(at));
        }
        at = next;
    }
    Ok(None)
}

/// The target to which most of the trie goes.
fn majority(lexicon: &Lexicon, trie: &TokenTrie, state: LexState) -> Result<LexState, LimitError> {
    let edges = lexicon.edges(state)?;
    let mut weights: Vec<(LexState, usize)> = Vec::new();
    for child in trie.children(0) {
        let node = &trie.nodes()[child];
        let target = edges.get(node.byte);
        if target == LexState::DEAD {
            continue;
        }
        let weight = node.skip as usize - child;
        match weights.iter_mut().find(|w| w.0 == target) {
            Some(found) => found.1 += weight,
            None => weights.push((target, weight)),
        }
    }
    Ok(weights
        .iter()
        .max_by_key(|w| w.1)
        .map_or(LexState::DEAD, |w| w.0))
}

/// What [`against`] found.
pub(crate) struct Difference {
    /// The tokens that stay inside the lexeme.
    pub words: Vec<u32>,
    /// Its ends in preorder.
    pub exits: Vec<Exit>,
    /// Labels whose ends are not those of the base.
    pub changed: Vec<LabelSet>,
}

/// The answer for `state`, given that for `base`. `heights` are those of the trie, in which no token
/// may lie at two nodes.
pub(crate) fn against(
    lexicon: &Lexicon,
    trie: &TokenTrie,
    heights: &[u8],
    state: LexState,
    base: (LexState, &[u32], &[Exit]),
) -> Result<Difference, LimitError> {
    let nodes = trie.nodes();
    let (base, base_words, base_exits) = base;
    let mut out = Difference {
        words: base_words.to_vec(),
        exits: Vec::new(),
        changed: Vec::new(),
    };
    // Ends of the base that are not copied yet.
    let mut rest = base_exits;
    let mut change = |labels: LabelSet| {
        if !out.changed.contains(&labels) {
            out.changed.push(labels);
        }
    };
    let dead = lexicon.edges(LexState::DEAD)?;
    let mut path: Vec<(u32, &Edges, &Edges)> =
        vec![(nodes[0].skip, lexicon.edges(state)?, lexicon.edges(base)?)];
    let mut i = 1;
    while i < nodes.len() {
        let node = &nodes[i];
        while path.len() > 1 && path[path.len() - 1].0 as usize <= i {
            path.pop();
        }
        let open = &path[path.len() - 1];
        let (a, b) = (open.1.get(node.byte), open.2.get(node.byte));
        if alike(lexicon, a, b, heights[i])? {
            i = node.skip as usize;
            continue;
        }
        // The base's ends before this node stand.
        let before = rest.partition_point(|e| (e.1 as usize) < i);
        out.exits.extend_from_slice(&rest[..before]);
        rest = &rest[before..];
        let (a_edges, b_edges) = (lexicon.edges(a)?, lexicon.edges(b)?);
        let accept = lexicon.accept(a);
        let last = accept != LabelSet::NONE && a_edges.is_dead();
        // Where the state is dead or at its end, so must be everything below the node.
        let over = a == LexState::DEAD || last;
        let gone = if over { node.skip as usize } else { i + 1 };
        let tokens = if over {
            trie.tokens_below(i)
        } else {
            trie.tokens_at(i)
        };
        if over {
            bits::clear(&mut out.words, tokens.iter().map(|t| t.0));
        } else {
            bits::set(&mut out.words, tokens.iter().map(|t| t.0));
        }
        let end = accept != LabelSet::NONE && (last || node.skip as usize > i + 1);
        let new: Option<Exit> = end.then_some((accept, i as u32, last));
        let removed = rest.partition_point(|e| (e.1 as usize) < gone);
        if !(removed == 1 && new == Some(rest[0]) || removed == 0 && new.is_none()) {
            rest[..removed].iter().for_each(|e| change(e.0));
            new.iter().for_each(|e| change(e.0));
        }
        rest = &rest[removed..];
        out.exits.extend(new);
        if over {
            i = node.skip as usize;
        } else {
            let b_edges = if b == LexState::DEAD { dead } else { b_edges };
            path.push((node.skip, a_edges, b_edges));
            i += 1;
        }
    }
    out.exits.extend_from_slice(rest);
    Ok(out)
}

/// Whether two states give the same answer on a subtree of this height.
#[inline]
fn alike(lexicon: &Lexicon, a: LexState, b: LexState, height: u8) -> Result<bool, LimitError> {
    if a == b {
        return Ok(true);
    }
    if a == LexState::DEAD || b == LexState::DEAD || height == u8::MAX {
        return Ok(false);
    }
    let ((a, near_a), (b, near_b)) = (lexicon.unbounded(a)?, lexicon.unbounded(b)?);
    // One byte more than the tree has: whether an accepting state can go on is asked too.
    Ok(a == b && near_a.min(near_b) > u32::from(height))
}
