//! [`Facts`]: what is known of an expression without looking at its derivatives.

use super::ByteSet;
use super::expr::{Characters, ExprId, MarksId, Node, Store, UNBOUNDED};
use smallvec::SmallVec;

/// A set of ASCII bytes.
pub(super) type Ascii = u128;

/// Printable characters that stand for themselves in a JSON string.
const PLAIN: Ascii = (Ascii::MAX >> 1) & !((1 << b' ') - 1) & !(1 << b'"' | 1 << b'\\');

/// The ASCII bytes of a set.
fn ascii(set: &ByteSet) -> Ascii {
    Ascii::from(set.0[0]) | Ascii::from(set.0[1]) << 64
}

/// Facts kept with each node, computed from its children when it is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub nullable: bool,
    /// What the node records when it matches the empty string.
    pub marks: MarksId,
    /// Whether a mark occurs anywhere below.
    pub marked: bool,
    /// Whether an intersection or complement occurs below, so that the node may be empty without
    /// being `Never`.
    pub doubtful: bool,
    /// Whether it certainly matches infinitely many strings.
    pub endless: bool,
    /// Whether every character leads to an expression that is [`endless`](Self::endless).
    pub open: bool,
    /// Whether every character leads to an expression that is not empty.
    pub any_char: bool,
    /// Whether every text, whatever its characters, certainly begins infinitely many matches.
    pub live: bool,
    /// After every text of fewer than so many bytes, all but finitely many characters certainly lead to a
    /// match. Unlike [`live`](Self::live), intersections keep it.
    pub dense: u32,
    /// After every text that lacks one of these bytes, all but finitely many characters certainly lead to a
    /// match: to no match but by all of them. Like [`dense`](Self::dense), intersections keep it.
    pub spared: Ascii,
    /// Every string of these bytes certainly begins a match.
    pub goes_on: Ascii,
    /// Every match certainly has each of these bytes.
    pub needed: Ascii,
    /// Every match certainly has so many bytes.
    pub least: u32,
    /// Whether it certainly matches whole characters in UTF-8 only.
    pub text: bool,
    /// At least as many bytes as the shortest match has; `u32::MAX` where that is not known.
    pub short: u32,
    /// At least as many bytes as suffice to complete any beginning of a match; `u32::MAX` where that
    /// is not known.
    pub reach: u32,
    /// How many characters a match has at least and at most: bytes that are not in the middle or at
    /// the end of a character. `u32::MAX` is no bound.
    pub chars: (u32, u32),
    /// A guess at how many bytes are missing to a match; steers the search for one.
    pub distance: u32,
    /// First bytes of runs on which the derivative is constant.
    pub cuts: ByteSet,
}

impl Store {
    /// How many bytes complete any beginning of a text of some length: what may be completed in so many
    /// bytes within the length may be so in no more characters than without it.
    fn reach_within_length(&self, parts: &[ExprId]) -> u32 {
        let &[a, b] = parts else { return u32::MAX };
        let min = |x: ExprId| match *self.node(x) {
            Node::Repeat(c, min, _) if c == self.any_char => Some(min),
            _ => None,
        };
        let (min, other) = match (min(a), min(b)) {
            (Some(min), None) => (min, self.fact(b)),
            (None, Some(min)) => (min, self.fact(a)),
            _ => return u32::MAX,
        };
        match other.text && other.chars.0 >= min {
            // A character has up to four bytes.
            true => other.reach.saturating_mul(4),
            false => u32::MAX,
        }
    }

    pub(super) fn compute_facts(&mut self, node: &Node) -> Facts {
        let plain = Facts {
            nullable: false,
            marks: MarksId(0),
            marked: false,
            doubtful: false,
            endless: false,
            open: false,
            any_char: false,
            live: false,
            dense: 0,
            spared: 0,
            goes_on: 0,
            needed: 0,
            least: 0,
            text: false,
            short: u32::MAX,
            reach: u32::MAX,
            chars: (0, u32::MAX),
            distance: 0,
            cuts: ByteSet([1, 0, 0, 0]),
        };
        match node {
            Node::Never => Facts {
                least: u32::MAX,
                needed: Ascii::MAX,
                ..plain
            },
            Node::Marks(m) => Facts {
                nullable: true,
                text: true,
                marks: *m,
                marked: m.0 != 0,
                short: 0,
                reach: 0,
                chars: (0, 0),
                ..plain
            },
            Node::Set(s) => Facts {
                text: self.sets[*s as usize].0[2..] == [0, 0],
                chars: self.sets[*s as usize].characters(),
                needed: self.sets[*s as usize].only_ascii(),
                least: 1,
                short: 1,
                reach: 1,
                distance: 1,
                cuts: self.sets[*s as usize].cuts(),
                ..plain
            },
            Node::Concat(h, t) => {
                // Of any characters, so many.
                let any_chars = match self.node(*h) {
                    Node::Repeat(c, ..) => *c == self.any_char,
                    _ => *h == self.any_char,
                };
                let (h, t) = (*self.fact(*h), *self.fact(*t));
                let nullable = h.nullable && t.nullable;
                Facts {
                    nullable,
                    marks: if nullable {
                        self.union_marks(h.marks, t.marks)
                    } else {
                        MarksId(0)
                    },
                    marked: h.marked || t.marked,
                    doubtful: h.doubtful || t.doubtful,
                    endless: h.endless && !t.doubtful || t.endless && !h.doubtful,
                    open: h.open && !t.doubtful || h.any_char && t.endless,
                    any_char: h.any_char && !t.doubtful,
                    live: h.live && !t.doubtful || (h.nullable || any_chars) && t.live,
                    dense: match (h.nullable, t.nullable) {
                        (true, true) => h.dense.max(t.dense),
                        (true, false) => t.dense,
                        (false, true) => h.dense,
                        (false, false) => 0,
                    },
                    spared: match (h.nullable, t.nullable) {
                        (true, true) => h.spared | t.spared,
                        (true, false) => t.spared,
                        (false, true) => h.spared,
                        (false, false) => 0,
                    },
                    goes_on: match (h.goes_on, h.nullable) {
                        (0, true) => t.goes_on,
                        (own, _) if !t.doubtful => own,
                        _ => 0,
                    },
                    needed: h.needed | t.needed,
                    least: h.least.saturating_add(t.least),
                    text: h.text && t.text,
                    chars: (
                        h.chars.0.saturating_add(t.chars.0),
                        h.chars.1.saturating_add(t.chars.1),
                    ),
                    short: h.short.saturating_add(t.short),
                    reach: h.reach.saturating_add(t.short).max(t.reach),
                    distance: h.distance.saturating_add(t.distance),
                    cuts: if h.nullable {
                        h.cuts.union(&t.cuts)
                    } else {
                        h.cuts
                    },
                }
            }
            Node::Alt(parts) => {
                let mut f = Facts {
                    text: true,
                    least: u32::MAX,
                    needed: Ascii::MAX,
                    reach: 0,
                    chars: (u32::MAX, 0),
                    distance: u32::MAX,
                    ..plain
                };
                let mut marks: SmallVec<[MarksId; 8]> = SmallVec::new();
                for p in parts.iter() {
                    let p = *self.fact(*p);
                    f.distance = f.distance.min(p.distance);
                    f.short = f.short.min(p.short);
                    f.reach = f.reach.max(p.reach);
                    f.nullable |= p.nullable;
                    if p.marks.0 != 0 && marks.last() != Some(&p.marks) {
                        marks.push(p.marks);
                    }
                    f.marked |= p.marked;
                    f.doubtful |= p.doubtful;
                    f.endless |= p.endless;
                    f.open |= p.open;
                    f.any_char |= p.any_char;
                    f.live |= p.live;
                    f.dense = f.dense.max(p.dense);
                    f.spared |= p.spared;
                    if p.goes_on.count_ones() > f.goes_on.count_ones() {
                        f.goes_on = p.goes_on;
                    }
                    f.needed &= p.needed;
                    f.least = f.least.min(p.least);
                    f.text &= p.text;
                    f.chars = (f.chars.0.min(p.chars.0), f.chars.1.max(p.chars.1));
                    f.cuts = f.cuts.union(&p.cuts);
                }
                f.marks = self.union_of_marks(&marks);
                f
            }
            Node::And(parts) => {
                let mut f = Facts {
                    nullable: true,
                    doubtful: true,
                    dense: u32::MAX,
                    spared: Ascii::MAX,
                    ..plain
                };
                for p in parts.iter() {
                    let p = *self.fact(*p);
                    f.nullable &= p.nullable;
                    f.dense = f.dense.min(p.dense);
                    f.spared &= p.spared;
                    f.needed |= p.needed;
                    f.least = f.least.max(p.least);
                    f.text |= p.text;
                    f.chars = (f.chars.0.max(p.chars.0), f.chars.1.min(p.chars.1));
                    // All have to be met, as often as not one after the other.
                    f.distance = f.distance.saturating_add(p.distance);
                    f.marks = self.union_marks(f.marks, p.marks);
                    f.marked |= p.marked;
                    f.cuts = f.cuts.union(&p.cuts);
                }
                if !f.nullable {
                    f.marks = MarksId(0);
                }
                f.reach = self.reach_within_length(parts);
                f
            }
            Node::Not(e) => {
                let e_facts = *self.fact(*e);
                Facts {
                    nullable: !e_facts.nullable,
                    doubtful: *e != Self::NEVER,
                    endless: *e == Self::NEVER,
                    open: *e == Self::NEVER,
                    any_char: *e == Self::NEVER,
                    // Texts that are shorter than all of its matches.
                    dense: if *e == Self::NEVER {
                        u32::MAX
                    } else {
                        e_facts.least.saturating_sub(4)
                    },
                    // Texts that lack what all of its matches have.
                    spared: e_facts.needed,
                    short: if *e == Self::NEVER { 0 } else { u32::MAX },
                    reach: if *e == Self::NEVER { 0 } else { u32::MAX },
                    distance: u32::from(e_facts.nullable),
                    cuts: e_facts.cuts,
                    ..plain
                }
            }
            Node::Except(rest, literals) => {
                let (rest, literals) = (*self.fact(*rest), *self.fact(*literals));
                let nullable = rest.nullable && !literals.nullable;
                Facts {
                    nullable,
                    marks: if nullable { rest.marks } else { MarksId(0) },
                    marked: rest.marked,
                    // Finitely many strings less are still infinitely many.
                    doubtful: !rest.endless,
                    endless: rest.endless,
                    open: rest.open,
                    any_char: rest.open,
                    live: rest.live,
                    dense: rest.dense,
                    spared: rest.spared,
                    goes_on: rest.goes_on,
                    needed: rest.needed,
                    least: rest.least,
                    text: rest.text,
                    chars: rest.chars,
                    distance: rest.distance.max(u32::from(!nullable)),
                    cuts: rest.cuts.union(&literals.cuts),
                    ..plain
                }
            }
            Node::Repeat(e, min, max) => {
                let any_char = *e == self.any_char && *e != Self::NEVER;
                let goes_on = match self.node(*e) {
                    Node::Set(set) if *max == UNBOUNDED => ascii(&self.sets[*set as usize]),
                    _ => 0,
                };
                let e = *self.fact(*e);
                Facts {
                    nullable: *min == 0 || e.nullable,
                    doubtful: e.doubtful,
                    marked: e.marked,
                    endless: *max == UNBOUNDED && !e.nullable && !e.doubtful,
                    open: *max == UNBOUNDED && any_char,
                    any_char,
                    live: *max == UNBOUNDED && any_char,
                    dense: match *max == UNBOUNDED && any_char && *min <= 1 {
                        true => u32::MAX,
                        false => 0,
                    },
                    spared: match *max == UNBOUNDED && any_char && *min <= 1 {
                        true => Ascii::MAX,
                        false => 0,
                    },
                    goes_on,
                    needed: if *min == 0 { 0 } else { e.needed },
                    least: e.least.saturating_mul(*min),
                    text: e.text,
                    chars: (
                        e.chars.0.saturating_mul(*min),
                        match (e.chars.1, *max) {
                            (0, _) => 0,
                            (_, UNBOUNDED) => u32::MAX,
                            (most, max) => most.saturating_mul(max),
                        },
                    ),
                    short: if *min == 0 {
                        0
                    } else {
                        e.short.saturating_mul(*min)
                    },
                    reach: match *min {
                        0 => e.reach,
                        min => e.reach.saturating_add(e.short.saturating_mul(min)),
                    },
                    distance: e.distance.saturating_mul(*min),
                    cuts: e.cuts,
                    ..plain
                }
            }
            Node::Literals { set, lo, hi, depth } => {
                let set = &self.literal_sets[*set as usize];
                let depth = *depth as usize;
                let mut cuts = ByteSet([1, 0, 0, 0]);
                let mut i = *lo as usize;
                let hi = *hi as usize;
                let nullable = set.strings[i].len() == depth;
                let begins = |s: &[u8]| s.get(depth).is_none_or(|b| b & 0xc0 != 0x80);
                let text = set.text && begins(&set.strings[hi - 1]);
                let lengths = || {
                    let strings = &set.strings[*lo as usize..hi];
                    strings.iter().map(|s| (s.len() - depth) as u32)
                };
                // Of many strings, those that all of them have are not looked for.
                let mut needed: Ascii = match hi - i > 8 {
                    true => 0,
                    false => Ascii::MAX,
                };
                if needed != 0 {
                    for s in &set.strings[i..hi] {
                        let ascii = s[depth..].iter().filter(|b| b.is_ascii());
                        needed &= ascii.fold(0, |all, b| all | 1 << b);
                    }
                }
                if nullable {
                    i += 1;
                }
                while i < hi {
                    let byte = set.strings[i][depth];
                    cuts.insert(byte);
                    if byte < 255 {
                        cuts.insert(byte + 1);
                    }
                    i += set.strings[i..hi].partition_point(|s| s[depth] == byte);
                }
                Facts {
                    nullable,
                    marks: if nullable {
                        set.marks[*lo as usize]
                    } else {
                        MarksId(0)
                    },
                    marked: set.marks[*lo as usize..hi].iter().any(|m| m.0 != 0),
                    text,
                    needed,
                    least: lengths().min().unwrap_or(0),
                    short: lengths().min().unwrap_or(u32::MAX),
                    reach: lengths().max().unwrap_or(u32::MAX),
                    distance: lengths().min().unwrap_or(0),
                    cuts,
                    ..plain
                }
            }
            Node::Leaf { automaton, state } => {
                let a = &self.automata[*automaton as usize];
                let mut cuts = ByteSet([1, 0, 0, 0]);
                let mut previous = a.next(*state, 0);
                for byte in 1..=255u8 {
                    let next = a.next(*state, byte);
                    if next != previous {
                        cuts.insert(byte);
                        previous = next;
                    }
                }
                Facts {
                    nullable: a.accepts(*state),
                    goes_on: ascii(&a.goes_on(*state)),
                    distance: u32::from(!a.accepts(*state)),
                    cuts,
                    ..plain
                }
            }
            Node::Spelled(value, mode) => {
                let v = *self.fact(*value);
                Facts {
                    marked: v.marked,
                    doubtful: v.doubtful,
                    // A value has finitely many spellings; inside an escape not all values are left.
                    endless: v.endless && *mode == super::derive::NORMAL,
                    // Most characters stand for themselves.
                    goes_on: match *mode == super::derive::NORMAL {
                        true => v.goes_on & PLAIN,
                        false => 0,
                    },
                    distance: v.distance.saturating_add(1),
                    cuts: super::derive::spelled_cuts(&v.cuts, *mode),
                    ..plain
                }
            }
        }
    }
}
