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
use maskwright_automata::lexicon::{Edges, LexPlace, MIDDLE};
use maskwright_tables::trie::{Classes, byte_class};
use maskwright_tables::{LabelSet, LexState, LimitError, TokenId, TokenTrie};
use rustc_hash::FxHashMap;
use smallvec::{SmallVec, smallvec};
use std::ops::Range;

/// Where a lexeme can end inside a token: labels, node, and whether the lexeme cannot go on.
pub(crate) type Exit = (LabelSet, u32, bool);

/// Tokens that end in one state.
pub(crate) type ByEnd = (LexState, Vec<TokenId>);

/// A way on after a lexeme: its labels, and the node whose byte the next lexeme begins with.
pub(crate) type Edge = (LabelSet, u32);

/// Tokens as runs of places among all tokens of a trie. Those of a subtree follow each other, so most of
/// a vocabulary is a few runs.
#[derive(Debug, Default)]
pub(crate) struct Places {
    runs: Vec<Range<u32>>,
    count: usize,
}

impl Places {
    #[inline]
    pub fn push(&mut self, places: Range<u32>) {
        if places.is_empty() {
            return;
        }
        self.count += places.len();
        match self.runs.last_mut() {
            Some(last) if last.end == places.start => last.end = places.end,
            _ => self.runs.push(places),
        }
    }

    /// The number of places; those of several walks may be the same.
    pub fn len(&self) -> usize {
        self.count
    }

    /// The tokens at these places, by runs.
    pub fn of<'a>(&'a self, tokens: &'a [TokenId]) -> impl Iterator<Item = &'a [TokenId]> {
        let run = |run: &Range<u32>| &tokens[run.start as usize..run.end as usize];
        self.runs.iter().map(run)
    }
}

/// What a walk finds.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Tokens that stay inside the lexeme.
    pub inside: Places,
    /// Ends of the lexeme, in preorder. Left out where all tokens below the node stay inside: what
    /// follows such an end allows nothing that is not allowed as it is.
    pub exits: Vec<Exit>,
    /// From those ends at which the lexeme can go on, the edges below which not all tokens stay inside,
    /// in preorder.
    pub edges: Vec<Edge>,
}

/// What was last looked up of lexical states, by their numbers: a walk goes back and forth between few.
struct Known<'a> {
    lexicon: &'a Lexicon,
    slots: [KnownState<'a>; 64],
}

#[derive(Clone, Copy)]
struct KnownState<'a> {
    place: LexPlace<'a>,
    accept: LabelSet,
    /// Whether the lexeme cannot go on.
    last: bool,
    edges: Option<&'a Edges>,
}

impl<'a> Known<'a> {
    fn new(lexicon: &'a Lexicon) -> Self {
        let dead = KnownState {
            place: lexicon.place(LexState::DEAD),
            accept: LabelSet::NONE,
            last: false,
            edges: None,
        };
        Known {
            lexicon,
            slots: [dead; 64],
        }
    }

    #[inline]
    fn get(&mut self, state: LexState) -> Result<&mut KnownState<'a>, LimitError> {
        let slot = &mut self.slots[state.index() % 64];
        if slot.place.state() != state {
            let place = self.lexicon.place(state);
            *slot = KnownState {
                place,
                accept: place.accept(),
                last: place.is_final()?,
                edges: None,
            };
        }
        Ok(slot)
    }
}

impl<'a> KnownState<'a> {
    #[inline]
    fn edges(&mut self) -> Result<&'a Edges, LimitError> {
        match self.edges {
            Some(edges) => Ok(edges),
            None => Ok(*self.edges.insert(self.place.edges()?)),
        }
    }
}

/// Two lexemes followed as one, each pair joined once in a walk.
#[derive(Default)]
pub(crate) struct Joined(FxHashMap<(LexState, LexState), LexState>);

impl Joined {
    pub fn join(
        &mut self,
        lexicon: &Lexicon,
        one: LexState,
        other: LexState,
    ) -> Result<LexState, LimitError> {
        if let Some(&both) = self.0.get(&(one, other)) {
            return Ok(both);
        }
        let both = lexicon.join(one, other)?;
        self.0.insert((one, other), both);
        Ok(both)
    }
}

/// A node on the path to the one being looked at.
struct Open<'a> {
    /// Where its subtree ends.
    end: u32,
    /// Its state, and its transitions.
    place: LexPlace<'a>,
    edges: &'a Edges,
    /// See [`LexPlace::goes_on`].
    goes_on: Classes,
    /// Whether they all lead nowhere.
    dead: bool,
    /// How the lexeme may end here.
    labels: LabelSet,
    /// The number of tokens below, those of the node left out.
    below: usize,
    /// What was found before the node, its own tokens inside counted among that: tokens inside, exits
    /// and edges.
    before: (usize, usize, usize),
}

impl<'a> Open<'a> {
    /// A node at which a lexeme begins, or none is under way.
    fn new(end: u32, (place, edges): (LexPlace<'a>, &'a Edges), dead: bool) -> Self {
        Open {
            end,
            place,
            edges,
            goes_on: place.goes_on(),
            dead,
            labels: LabelSet::NONE,
            below: usize::MAX,
            before: (0, 0, 0),
        }
    }
}

/// Whether a state stays where it is below a node, given the classes below, since a character begins there
/// that is whole or cut off.
#[inline]
pub(crate) fn keeps_character(state: LexPlace<'_>, below: Classes) -> Result<bool, LimitError> {
    Ok(below & MIDDLE != 0 && state.keeps(below & !MIDDLE)?)
}

/// The whole walk of a state that begins at the root or, where `starts` are given, with the bytes of these
/// nodes; they are strictly increasing.
///
/// `below` are the classes of bytes below each node, where they are known: where all of them lead from
/// a state to itself, the whole subtree stays inside.
pub(crate) fn plain(
    lexicon: &Lexicon,
    trie: &TokenTrie,
    below: Option<&[Classes]>,
    state: LexState,
    starts: Option<&[u32]>,
) -> Result<Found, LimitError> {
    let (labels, mut most) = (LabelSet::NONE, usize::MAX);
    let found = plain_within(lexicon, trie, below, state, (starts, labels), &mut most)?;
    Ok(found.unwrap_or_default())
}

/// The same where the starts lie behind an end of the lexeme with these labels, and of at most so many
/// nodes, which are counted down.
pub(crate) fn plain_within(
    lexicon: &Lexicon,
    trie: &TokenTrie,
    below: Option<&[Classes]>,
    state: LexState,
    (starts, labels): (Option<&[u32]>, LabelSet),
    most: &mut usize,
) -> Result<Option<Found>, LimitError> {
    let nodes = trie.nodes();
    let mut out = Found::default();
    let nowhere = lexicon.place(LexState::DEAD);
    let begin = lexicon.place(state);
    let (nowhere, begin) = ((nowhere, nowhere.edges()?), (begin, begin.edges()?));
    let begins_on = begin.0.goes_on();
    let mut known = Known::new(lexicon);
    let mut joined = Joined::default();
    let mut starts_left = starts.unwrap_or_default();
    // The nodes above the one that is open.
    let mut path: SmallVec<[Open<'_>; 32]> = SmallVec::new();
    let mut top = match starts {
        None => Open::new(nodes[0].skip, begin, false),
        Some(_) => Open::new(nodes[0].skip, nowhere, true),
    };
    let mut start = starts_left.first().map_or(u32::MAX, |s| *s);
    let mut i = 1;
    loop {
        if i >= top.end {
            match path.pop() {
                Some(outer) => {
                    out.close(&top);
                    top = outer;
                    continue;
                }
                None => break,
            }
        }
        if top.dead && i < start {
            i = start.min(top.end);
            continue;
        }
        let Some(left) = most.checked_sub(1) else {
            return Ok(None);
        };
        *most = left;
        let node = &nodes[i as usize];
        let leads = node.byte >= 0xc2;
        if (leads || top.goes_on | begins_on != 0)
            && let Some(below) = below
            && top.dead == (i == start)
        {
            let (from, goes_on) = match top.dead {
                true => (begin.0, begins_on),
                false => (top.place, top.goes_on),
            };
            let below = below[i as usize];
            let stays = match leads {
                true => keeps_character(from, below)?,
                false => (below | 1 << byte_class(node.byte)) & !goes_on == 0,
            };
            let after = if i == start { 1 } else { 0 };
            if stays && starts_left.get(after).is_none_or(|s| *s >= node.skip) {
                starts_left = &starts_left[after..];
                start = starts_left.first().map_or(u32::MAX, |s| *s);
                out.inside.push(trie.places_below(i as usize));
                i = node.skip;
                continue;
            }
        }
        let mut next = top.edges.get(node.byte);
        let (exits, edges) = (out.exits.len(), out.edges.len());
        if i == start {
            if labels != LabelSet::NONE {
                out.edges.push((labels, i));
            }
            starts_left = &starts_left[1..];
            start = starts_left.first().map_or(u32::MAX, |s| *s);
            let begun = begin.1.get(node.byte);
            if next != begun && begun != LexState::DEAD {
                next = joined.join(lexicon, next, begun)?;
            }
        }
        if top.labels != LabelSet::NONE {
            out.edges.push((top.labels, i));
        }
        let mut over = next == LexState::DEAD;
        if !over {
            let at = known.get(next)?;
            over = at.last;
            if over {
                out.exits.push((at.accept, i, true));
            } else {
                out.inside.push(trie.places_at(i as usize));
                if node.skip == i + 1 {
                    out.edges.truncate(edges);
                } else if let Some(below) = below
                    && start >= node.skip
                    && at.place.keeps(below[i as usize])?
                {
                    out.edges.truncate(edges);
                    let places = trie.places_below(i as usize);
                    out.inside.push(trie.places_at(i as usize).end..places.end);
                } else {
                    if at.accept != LabelSet::NONE {
                        out.exits.push((at.accept, i, false));
                    }
                    let here = trie.tokens_at(i as usize).len();
                    let inner = Open {
                        end: node.skip,
                        place: at.place,
                        edges: at.edges()?,
                        goes_on: at.place.goes_on(),
                        dead: false,
                        labels: at.accept,
                        below: trie.tokens_below(i as usize).len() - here,
                        before: (out.inside.len(), exits, edges),
                    };
                    path.push(std::mem::replace(&mut top, inner));
                    i += 1;
                    continue;
                }
            }
        }
        // Lexemes may begin below all the same.
        if over && start < node.skip {
            path.push(std::mem::replace(
                &mut top,
                Open::new(node.skip, nowhere, true),
            ));
            i = start;
        } else {
            i = node.skip;
        }
    }
    Ok(Some(out))
}

/// The tokens that stay inside the lexeme by the state in which they end, and all of its ends in
/// preorder, none left out.
pub(crate) fn by_end(
    lexicon: &Lexicon,
    trie: &TokenTrie,
    below: Option<&[Classes]>,
    state: LexState,
) -> Result<(Vec<ByEnd>, Vec<Exit>), LimitError> {
    let nodes = trie.nodes();
    let mut ends: Vec<ByEnd> = Vec::new();
    let mut places: FxHashMap<LexState, usize> = FxHashMap::default();
    let mut inside = |end: LexState, tokens: &[TokenId]| {
        if !tokens.is_empty() {
            let place = *places.entry(end).or_insert(ends.len());
            if place == ends.len() {
                ends.push((end, Vec::new()));
            }
            ends[place].1.extend_from_slice(tokens);
        }
    };
    let mut exits: Vec<Exit> = Vec::new();
    // For each node on the path from the root: where its subtree ends, and its transitions.
    let mut path: SmallVec<[(u32, &Edges); 32]> = smallvec![(nodes[0].skip, lexicon.edges(state)?)];
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
            inside(next, trie.tokens_at(i));
        }
        if accept != LabelSet::NONE && (last || node.skip as usize > i + 1) {
            exits.push((accept, i as u32, last));
        }
        if last {
            i = node.skip as usize;
        } else if let Some(below) = below
            && node.skip as usize > i + 1
            && lexicon.keeps(next, below[i])?
        {
            inside(next, &trie.tokens_below(i)[trie.tokens_at(i).len()..]);
            i = node.skip as usize;
        } else {
            path.push((node.skip, edges));
            i += 1;
        }
    }
    Ok((ends, exits))
}

impl Found {
    /// Adds what another walk found.
    pub fn add(&mut self, mut other: Found) {
        other
            .inside
            .runs
            .drain(..)
            .for_each(|run| self.inside.push(run));
        self.exits.append(&mut other.exits);
        self.edges.append(&mut other.edges);
    }

    /// Leaves a node's subtree, and forgets its ends where all of its tokens stay inside.
    fn close(&mut self, open: &Open<'_>) {
        let (inside, exits, edges) = open.before;
        if self.inside.len() - inside == open.below {
            self.exits.truncate(exits);
            self.edges.truncate(edges);
        }
    }
}

/// How much of a trie lies below its root's children, by their bytes: before each byte, and in all.
#[derive(Debug)]
pub(crate) struct Weights(Box<[u32; 257]>);

impl Weights {
    /// Of the children of the root, or of other nodes in their place.
    pub fn new(trie: &TokenTrie, children: impl Iterator<Item = usize>) -> Self {
        let mut before = Box::new([0u32; 257]);
        for child in children {
            let node = &trie.nodes()[child];
            before[usize::from(node.byte) + 1] += node.skip - child as u32;
        }
        for byte in 0..256 {
            before[byte + 1] += before[byte];
        }
        Weights(before)
    }

    /// The live target to which most of the trie goes, and whether half of the trie is dead; `DEAD` where
    /// too little of it lives.
    fn majority(&self, lexicon: &Lexicon, state: LexState) -> Result<(LexState, bool), LimitError> {
        let mut weights: SmallVec<[(LexState, u32); 16]> = SmallVec::new();
        let mut alive = 0;
        lexicon.edges(state)?.each_run(|first, last, target| {
            let weight = self.0[usize::from(last) + 1] - self.0[usize::from(first)];
            if target == LexState::DEAD || weight == 0 {
                return;
            }
            alive += weight;
            match weights.iter_mut().find(|w| w.0 == target) {
                Some(found) => found.1 += weight,
                None => weights.push((target, weight)),
            }
        });
        let all = self.0[256];
        let dead = all - alive;
        if u64::from(dead) * 8 >= u64::from(all) * 7 {
            return Ok((LexState::DEAD, true));
        }
        let most = weights.iter().max_by_key(|w| w.1);
        let thin = u64::from(dead) * 2 >= u64::from(all);
        Ok((most.map_or(LexState::DEAD, |w| w.0), thin))
    }

    /// A state that most of what lives of the trie soon leads to from `state`, and that most of it never
    /// leaves; maybe the state itself. Where nearly all of the trie is dead there is none: little is then
    /// left to walk.
    pub fn base_of(
        &self,
        lexicon: &Lexicon,
        state: LexState,
    ) -> Result<Option<LexState>, LimitError> {
        // Where counts are left behind soon, the base is what comes then: states that only resemble each
        // other are walked together everywhere.
        let mut at = state;
        for _ in 0..3 {
            let next = self.majority(lexicon, at)?.0;
            if next == LexState::DEAD {
                break;
            }
            if next == at {
                return Ok(Some(at));
            }
            at = next;
        }
        at = state;
        for _ in 0..3 {
            let (most, thin) = self.majority(lexicon, at)?;
            let next = lexicon.loose(most)?.alive;
            // That must be worth it.
            if next == LexState::DEAD || thin && next != most {
                break;
            }
            if next == at {
                return Ok(Some(at));
            }
            at = next;
        }
        Ok(None)
    }
}

/// What [`against`] found: how a state's answer differs from that of its base.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// Tokens that stay inside the lexeme, some of which may do so in the base too.
    pub added: Vec<TokenId>,
    /// Tokens that do not, whatever they do in the base.
    pub removed: Vec<TokenId>,
    /// Ends that the base does not have.
    pub new: Vec<Exit>,
    /// Ends of the base that are none.
    pub gone: Vec<Exit>,
}

/// What is known of the state that another one is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Base<'a> {
    pub state: LexState,
    /// Its ends.
    pub exits: &'a [Exit],
    /// Whether only edges are kept of what follows its ends.
    pub edges: bool,
    /// Whether it is that of any JSON string: then the other one has its
    /// [leeway](Lexicon::leeway), and is [spared](Lexicon::spared) some bytes.
    pub any: bool,
}

/// The answer for `state`, given the ends of `base`, or `None` where more than `left` nodes have to be looked
/// at. `heights` are those of the trie, in which no token may lie at two nodes, and `below` the classes of
/// bytes below each node. Where only `edges` are kept of what follows the ends of the base, an end
/// at which the two differ further down is another one. `starts` are as for [`plain`], none below another.
pub(crate) fn against(
    lexicon: &Lexicon,
    trie: &TokenTrie,
    (starts, heights, below): (Option<&[u32]>, &[u8], &[Classes]),
    state: LexState,
    base: Base<'_>,
    mut left: usize,
) -> Result<Option<Difference>, LimitError> {
    let Base {
        state: base,
        exits: base_exits,
        edges,
        any,
    } = base;
    // How many more bytes of text certainly leave a string alive.
    let leeway = |state: LexState, before: u32| match (any, before) {
        (false, _) => 0,
        (true, u32::MAX) => u32::MAX,
        (true, _) => lexicon.leeway(state).max(before.saturating_sub(1)),
    };
    let nodes = trie.nodes();
    let mut out = Difference::default();
    // Ends of the base that are not passed yet.
    let mut rest = base_exits;
    // On long runs of one byte each state is passed on one way.
    let mut path: SmallVec<[(u32, LexState, LexState, u32); 16]> =
        smallvec![(nodes[0].skip, state, base, leeway(state, 0))];
    let mut starts_left = starts.unwrap_or_default().iter();
    // Where the subtree of the start ends.
    let (mut i, mut end) = match starts {
        Some(_) => (0, 0),
        None => (1, nodes.len()),
    };
    loop {
        if i >= end {
            match starts_left.next() {
                Some(&start) => {
                    i = start as usize;
                    end = nodes[i].skip as usize;
                    path.truncate(1);
                }
                None => break,
            }
        }
        let node = &nodes[i];
        while path.len() > 1 && path[path.len() - 1].0 as usize <= i {
            path.pop();
        }
        let open = &path[path.len() - 1];
        let (a, b) = (
            lexicon.next(open.1, node.byte)?,
            lexicon.next(open.2, node.byte)?,
        );
        if a == b {
            i = node.skip as usize;
            continue;
        }
        let more = leeway(a, open.3);
        // Text that lacks a byte without which the string stays alive.
        let is_spared = || {
            let missing = lexicon.spared(a) & !below[i];
            any && missing != 0 && below[i] >> b'\\' & 1 == 0
        };
        let is_short = more > u32::from(heights[i]);
        let alike = match b != LexState::DEAD && (is_short || is_spared()) {
            true => Likeness::Alive,
            false => likeness(lexicon, a, b, heights[i])?,
        };
        match alike {
            Likeness::Same => {
                i = node.skip as usize;
                continue;
            }
            Likeness::Alive => {
                rest = &rest[rest.partition_point(|e| (e.1 as usize) < i)..];
                if rest.first().is_none_or(|e| e.1 >= node.skip) {
                    i = node.skip as usize;
                    continue;
                }
            }
            Likeness::None => {}
        }
        if left == 0 {
            return Ok(None);
        }
        left -= 1;
        // The base's ends before this node stand.
        rest = &rest[rest.partition_point(|e| (e.1 as usize) < i)..];
        let place = lexicon.place(a);
        let (accept, last) = (place.accept(), place.is_final()?);
        // Where the state is dead or at its end, so must be everything below the node.
        let over = a == LexState::DEAD || last;
        let below = if over { node.skip as usize } else { i + 1 };
        if over {
            out.removed.extend_from_slice(trie.tokens_below(i));
        } else {
            out.added.extend_from_slice(trie.tokens_at(i));
        }
        let end = accept != LabelSet::NONE && (last || node.skip as usize > i + 1);
        let new: Option<Exit> = end.then_some((accept, i as u32, last));
        let gone = rest.partition_point(|e| (e.1 as usize) < below);
        if edges || !(gone == 1 && new == Some(rest[0])) {
            out.gone.extend_from_slice(&rest[..gone]);
            out.new.extend(new);
        }
        rest = &rest[gone..];
        if over {
            i = node.skip as usize;
        } else {
            path.push((node.skip, a, b, more));
            i += 1;
        }
    }
    Ok(Some(out))
}

/// How far a state and one of its base agree on a subtree.
enum Likeness {
    /// They give the same answer.
    Same,
    /// The same tokens stay inside, and every end is one of the base, but not every end of the base
    /// is one.
    Alive,
    /// Not as far as is known.
    None,
}

/// How far two states agree on a subtree of this height.
#[inline]
fn likeness(
    lexicon: &Lexicon,
    a: LexState,
    b: LexState,
    height: u8,
) -> Result<Likeness, LimitError> {
    if a == LexState::DEAD || b == LexState::DEAD || height == u8::MAX {
        return Ok(Likeness::None);
    }
    let (near_a, near_b) = (lexicon.loose(a)?, lexicon.loose(b)?);
    // One byte more than the tree has: whether an accepting state can go on is asked too.
    let reach = u32::from(height);
    if near_a.same == near_b.same && near_a.horizon.min(near_b.horizon) > reach {
        return Ok(Likeness::Same);
    }
    if near_a.alive == b && near_b.alive == b && near_a.horizon > reach {
        return Ok(Likeness::Alive);
    }
    // Small counts may agree as they are, and only large ones differ.
    let (wide_a, wide_b) = (lexicon.wide(a)?, lexicon.wide(b)?);
    Ok(
        match wide_a.0 == wide_b.0 && wide_a.1.min(wide_b.1) > reach {
            true => Likeness::Same,
            false => Likeness::None,
        },
    )
}
