//! Lists of token sequences: a matcher allows exactly what a set of all prefixes allows, on random
//! and hostile lists; and artifacts of them are as good as the lists, or refused.

mod common;

use maskwright_runtime::{
    ItemMachine, MatchErrorKind, Matcher, MatcherConfig, Row, RowScratch, read_machine,
};
use maskwright_tables::artifact::{Artifact, ArtifactError, ArtifactWriter};
use maskwright_tables::item_trie::sections;
use maskwright_tables::vocabulary::TokenEntry;
use maskwright_tables::{
    CancelFlag, ItemError, ItemList, ItemTrie, LabelSet, LexState, Limits, Machine, RowRef,
    RunError, StackAction, StackView, Symbol, TokenId, TokenKind, Vocabulary,
};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// `width` logits: text, but for every fifth token, which is a control token, every seventh, which
/// is a hole, and the last one, which ends the output.
fn vocabulary(width: u32) -> Arc<Vocabulary> {
    let entries = (0..width)
        .filter(|id| id % 7 != 6 || *id + 1 == width)
        .map(|id| TokenEntry {
            id,
            bytes: format!("t{id}").into_bytes(),
            kind: if id + 1 == width || id % 5 == 4 {
                TokenKind::Special
            } else {
                TokenKind::Text
            },
        });
    Arc::new(Vocabulary::new("items", entries, &[width - 1], Some(width as usize)).unwrap())
}

fn list(items: &[Vec<u32>]) -> ItemList {
    let mut list = ItemList::new();
    for item in items {
        list.push(item.iter().copied().map(TokenId));
    }
    list
}

fn build(items: &[Vec<u32>], width: u32) -> Result<ItemTrie<'static>, ItemError> {
    ItemTrie::build(
        &list(items),
        width as usize,
        &Limits::trusted(),
        &CancelFlag::new(),
    )
}

fn machine(items: &[Vec<u32>], width: u32) -> Arc<dyn Machine> {
    let trie = build(items, width).unwrap();
    ItemMachine::new(trie, vocabulary(width), Limits::trusted())
        .unwrap()
        .into()
}

/// For each prefix of an item what may follow, and whether it is an item.
fn prefixes(items: &[Vec<u32>]) -> HashMap<Vec<u32>, (BTreeSet<u32>, bool)> {
    let mut all: HashMap<Vec<u32>, (BTreeSet<u32>, bool)> = HashMap::new();
    for item in items {
        for len in 0..item.len() {
            all.entry(item[..len].to_vec())
                .or_default()
                .0
                .insert(item[len]);
        }
        all.entry(item.clone()).or_default().1 = true;
    }
    all
}

/// Compares one position in every way in which a matcher can be asked.
fn check_place(m: &Matcher, (follow, is_item): &(BTreeSet<u32>, bool), width: u32, what: &str) {
    let mut allowed = follow.clone();
    if *is_item {
        allowed.insert(width - 1);
    }
    let mut mask = vec![0; m.mask_words()];
    m.fill_mask(&mut mask).unwrap();
    let bits: BTreeSet<u32> = (0..32 * mask.len() as u32)
        .filter(|t| mask[*t as usize / 32] >> (t % 32) & 1 == 1)
        .collect();
    assert_eq!(bits, allowed, "{what}");
    for token in (0..width + 3).map(TokenId) {
        assert_eq!(
            m.is_allowed(token).unwrap(),
            allowed.contains(&token.0),
            "{what}: {token}"
        );
    }
    let mut scratch = RowScratch::new();
    let Row::Few(row) = m.row(&mut scratch).unwrap() else {
        panic!("{what}: a row is a list")
    };
    assert!(
        row.iter().map(|t| t.0).eq(allowed.iter().copied()),
        "{what}"
    );
    assert_eq!(m.allowed_count().unwrap(), allowed.len(), "{what}");
    assert_eq!(m.is_accepting().unwrap(), *is_item, "{what}");
    assert_eq!(m.threads_len(), 1, "{what}");
}

/// Checks all prefixes of a list, and that nothing else is one. Returns how many places were seen.
fn check_all(machine: &Arc<dyn Machine>, items: &[Vec<u32>], width: u32, what: &str) -> usize {
    let all = prefixes(items);
    for (prefix, place) in &all {
        let mut m = Matcher::new(Arc::clone(machine)).unwrap();
        let tokens: Vec<TokenId> = prefix.iter().copied().map(TokenId).collect();
        assert_eq!(m.validate(&tokens).unwrap(), tokens.len(), "{what}");
        for token in &tokens {
            m.advance(*token).unwrap();
        }
        check_place(&m, place, width, what);
        // A token that may not follow leaves the matcher in its place.
        for token in (0..width - 1).filter(|t| !place.0.contains(t)).map(TokenId) {
            let error = m.advance(token).unwrap_err();
            assert!(error.is_refusal(), "{what}: {error}");
        }
        check_place(&m, place, width, what);
        if place.1 {
            m.advance(TokenId(width - 1)).unwrap();
            assert!(m.is_terminated());
        }
    }
    all.len()
}

/// A linear congruential generator; tests must not depend on more.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(n)) as u32
    }
}

fn hostile() -> Vec<(&'static str, u32, Vec<Vec<u32>>)> {
    let complete = (0..27).map(|i| vec![i / 9, i / 3 % 3, i % 3]).collect();
    vec![
        ("one item of one token, two logits", 2, vec![vec![0]]),
        ("a single item", 12, vec![vec![3, 1, 4]]),
        ("all equal", 12, vec![vec![5, 5]; 40]),
        (
            "unsorted",
            12,
            vec![vec![9, 1], vec![0, 10], vec![3], vec![0, 2], vec![9, 0]],
        ),
        (
            "items that are prefixes of items",
            12,
            vec![vec![7, 7, 7], vec![7], vec![7, 7], vec![7, 8]],
        ),
        ("a complete trie", 4, complete),
        ("one hub", 40, (0..39).map(|t| vec![t]).collect()),
        (
            "a hub below one edge",
            40,
            (0..39).map(|t| vec![2, t, 2]).collect(),
        ),
        (
            "longer than a byte counts",
            5,
            vec![vec![1; 140], vec![1; 300]],
        ),
        (
            "control tokens and holes",
            40,
            vec![vec![4, 6, 13], vec![6], vec![9, 34, 0]],
        ),
        // Tables of (position, token before) pairs would also take 0 2 1 and 1 2 0.
        (
            "equal bigrams at equal positions",
            4,
            vec![vec![0, 2, 0], vec![1, 2, 1]],
        ),
        ("the widest token", 65, vec![vec![63, 0, 63]]),
    ]
}

#[test]
fn hostile_lists_allow_their_prefixes_and_nothing_else() {
    for (name, width, items) in hostile() {
        let places = check_all(&machine(&items, width), &items, width, name);
        println!("{name}: {places} places");
    }
}

#[test]
fn random_lists_allow_their_prefixes_and_nothing_else() {
    let mut dice = Dice(11);
    let mut places = 0;
    for round in 0..60 {
        let width = 2 + dice.below(40);
        let items: Vec<Vec<u32>> = (0..1 + dice.below(60))
            .map(|_| {
                (0..1 + dice.below(6))
                    .map(|_| dice.below(width - 1))
                    .collect()
            })
            .collect();
        places += check_all(
            &machine(&items, width),
            &items,
            width,
            &format!("round {round}"),
        );
    }
    println!("{places} places");
}

#[test]
fn any_order_of_items_gives_the_same_tables() {
    let mut dice = Dice(5);
    let mut items: Vec<Vec<u32>> = (0..200)
        .map(|_| (0..1 + dice.below(4)).map(|_| dice.below(9)).collect())
        .collect();
    let given = build(&items, 10).unwrap();
    items.sort();
    items.dedup();
    assert_eq!(given, build(&items, 10).unwrap());
    items.reverse();
    assert_eq!(given, build(&items, 10).unwrap());
    assert_eq!(given.len(), items.len());
    assert_eq!(given.nodes(), prefixes(&items).len());
}

#[test]
fn a_chain_of_4096_tokens_is_forced_to_its_end_and_back() {
    let item: Vec<u32> = (0..4096).map(|i| i % 11).collect();
    let mut m = Matcher::with_config(
        machine(std::slice::from_ref(&item), 12),
        MatcherConfig::new().history(5000),
    )
    .unwrap();
    let forced = m.forced_tokens(10_000).unwrap();
    assert!(forced.iter().map(|t| t.0).eq(item.iter().copied()));
    for token in &forced {
        m.advance(*token).unwrap();
    }
    assert!(m.is_accepting().unwrap());
    assert_eq!((m.stack_depth(), m.allowed_count().unwrap()), (1, 1));
    m.rollback(4096).unwrap();
    assert!(m.is_same_configuration(&Matcher::new(Arc::clone(m.machine())).unwrap()));
}

#[test]
fn tokens_of_a_list_are_not_their_text() {
    let mut m = Matcher::new(machine(&[vec![1, 2]], 12)).unwrap();
    let error = m.advance_bytes(b"t1").unwrap_err();
    assert_eq!(
        *error.kind(),
        MatchErrorKind::RefusedByte {
            offset: 0,
            byte: b't'
        }
    );
    assert_eq!(m.forced_bytes(9).unwrap(), b"");
    // A control token is refused as a token of the grammar, one that the model lacks as no token.
    let kind = |m: &mut Matcher, id| m.advance(TokenId(id)).unwrap_err().kind().clone();
    assert_eq!(
        kind(&mut m, 4),
        MatchErrorKind::Refused {
            token: TokenId(4),
            offset: 0
        }
    );
    assert_eq!(
        kind(&mut m, 12),
        MatchErrorKind::NotText { token: TokenId(12) }
    );
    assert_eq!(
        kind(&mut m, 11),
        MatchErrorKind::NotAccepting { token: TokenId(11) }
    );
    assert_eq!(m.check(&[0, 1, 2, 11].map(TokenId)).unwrap(), [0b10]);
}

#[test]
fn an_end_token_of_the_session_that_is_in_an_item_ends_only_elsewhere() {
    let items = [vec![1, 2], vec![1]];
    let config = MatcherConfig::new().end_tokens([TokenId(2)]);
    let mut m = Matcher::with_config(machine(&items, 12), config).unwrap();
    assert!(!m.is_allowed(TokenId(2)).unwrap());
    m.advance(TokenId(1)).unwrap();
    m.advance(TokenId(2)).unwrap();
    assert!(!m.is_terminated(), "the item goes first");
    m.advance(TokenId(2)).unwrap();
    assert!(m.is_terminated());
}

#[test]
fn what_is_no_list_is_a_typed_error() {
    assert_eq!(build(&[], 20), Err(ItemError::NoItems));
    let outside = build(&[vec![1], vec![3, 25]], 20).unwrap_err();
    assert_eq!(
        outside,
        ItemError::Token {
            item: 1,
            token: TokenId(25),
            width: 20
        }
    );
    let limits = Limits {
        bytes: 80,
        ..Limits::untrusted()
    };
    let big = ItemTrie::build(&list(&[vec![1; 30]]), 20, &limits, &CancelFlag::new()).unwrap_err();
    assert!(matches!(big, ItemError::Limit(e) if e.limit == 10 && e.needed > 10));
    let cancel = CancelFlag::new();
    cancel.cancel();
    let cancelled = ItemTrie::build(&list(&[vec![1]]), 20, &limits, &cancel).unwrap_err();
    assert!(matches!(cancelled, ItemError::Limit(e) if e.is_cancelled()));
}

fn artifact(trie: &ItemTrie<'_>, vocabulary: &Vocabulary) -> Vec<u8> {
    let mut writer = ArtifactWriter::new(*vocabulary.fingerprint(), [7; 32]);
    trie.write_to(&mut writer).unwrap();
    writer.finish()
}

#[test]
fn artifacts_give_the_list_back() {
    for (name, width, items) in hostile() {
        let (trie, vocabulary) = (build(&items, width).unwrap(), vocabulary(width));
        let bytes = artifact(&trie, &vocabulary);
        let opened = Artifact::open(&bytes).unwrap();
        opened.verify().unwrap();
        assert_eq!(ItemTrie::read(&opened).unwrap(), trie, "{name}");
        let machine = read_machine(&opened, vocabulary, Limits::untrusted()).unwrap();
        check_all(&machine, &items, width, name);
    }
    let trie = build(&[vec![1]], 12).unwrap();
    let bytes = artifact(&trie, &vocabulary(12));
    let other = read_machine(
        &Artifact::open(&bytes).unwrap(),
        vocabulary(13),
        Limits::untrusted(),
    );
    assert!(matches!(other, Err(ArtifactError::WrongVocabulary { .. })));
}

#[test]
fn every_single_byte_corruption_is_refused_or_harmless() {
    let items = [vec![7, 7], vec![7], vec![3, 1]];
    let vocabulary = vocabulary(12);
    let bytes = artifact(&build(&items, 12).unwrap(), &vocabulary);
    let (mut refused, mut opened) = (0, 0);
    for at in 0..bytes.len() {
        for value in [0, 1, 2, 8, 0x7f, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            // As a reader that does not verify checksums.
            let machine = Artifact::open(&damaged)
                .and_then(|a| read_machine(&a, vocabulary.clone(), Limits::untrusted()));
            match machine {
                Err(_) => refused += 1,
                Ok(machine) => {
                    opened += 1;
                    walk_everywhere(&machine, 12);
                }
            }
        }
    }
    println!("{refused} refused, {opened} opened");
    assert!(refused > opened && opened > 0);
}

/// Walks a list that may be any: no panic, no dead end, and masks agree with tests.
fn walk_everywhere(machine: &Arc<dyn Machine>, width: u32) {
    let mut under_way = vec![Matcher::new(Arc::clone(machine)).unwrap()];
    let mut steps = 0;
    while let Some(m) = under_way.pop() {
        let mut mask = vec![0; m.mask_words()];
        m.fill_mask(&mut mask).unwrap();
        for token in (0..width).map(TokenId) {
            let allowed = mask[0] >> token.0 & 1 == 1;
            assert_eq!(m.is_allowed(token).unwrap(), allowed);
            let mut next = m.fork();
            assert_eq!(next.advance(token).is_ok(), allowed);
            if allowed && !next.is_terminated() {
                under_way.push(next);
            }
        }
        steps += 1;
        assert!(
            steps < 100,
            "a tree of a few nodes is walked in a few steps"
        );
    }
}

/// Tables of a stranger, whose checksums are right.
fn forged(numbers: [u32; 2], indptr: &[u32], tokens: &[u32], ends: &[u32]) -> Result<(), u32> {
    let mut writer = ArtifactWriter::new([1; 32], [7; 32]);
    writer
        .add_words(sections::NUMBERS, 0, numbers.to_vec())
        .unwrap();
    writer.add_words(sections::INDPTR, 0, indptr).unwrap();
    writer.add_words(sections::TOKENS, 0, tokens).unwrap();
    writer.add_words(sections::ENDS, 0, ends).unwrap();
    let bytes = writer.finish();
    match ItemTrie::read(&Artifact::open(&bytes).unwrap()) {
        Ok(_) => Ok(()),
        Err(ArtifactError::Content { kind, .. }) => Err(kind),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn each_broken_invariant_is_refused() {
    // The items 7 7 and 7, as in the specification.
    assert_eq!(forged([9, 2], &[0, 1, 2, 2], &[7, 7], &[0b110]), Ok(()));
    assert_eq!(
        forged([9, 2], &[], &[7, 7], &[0b110]),
        Err(sections::TOKENS),
        "no rows"
    );
    assert_eq!(
        forged([7, 2], &[0, 1, 2, 2], &[7, 7], &[0b110]),
        Err(sections::TOKENS),
        "a token outside the logits"
    );
    assert_eq!(
        forged([9, 2], &[0, 2, 2, 2], &[7, 7], &[0b110]),
        Err(sections::TOKENS),
        "an edge twice"
    );
    assert_eq!(
        forged([9, 2], &[0, 2, 1, 2], &[7, 7], &[0b110]),
        Err(sections::TOKENS),
        "rows that go back"
    );
    assert_eq!(
        forged([9, 2], &[0, 1, 2], &[7, 7], &[0b10]),
        Err(sections::INDPTR),
        "a child that is no node"
    );
    assert_eq!(
        forged([9, 2], &[0, 1, 2, 2, 2], &[7, 7], &[0b1110]),
        Err(sections::INDPTR),
        "a node without a parent"
    );
    assert_eq!(
        forged([9, 1], &[0, 0, 0, 2], &[6, 7], &[0b11]),
        Err(sections::INDPTR),
        "a node that is its own child"
    );
    assert_eq!(
        forged([9, 1], &[0, 1, 2, 2], &[7, 7], &[0b010]),
        Err(sections::ENDS),
        "a dead end"
    );
    assert_eq!(
        forged([9, 3], &[0, 1, 2, 2], &[7, 7], &[0b1110]),
        Err(sections::ENDS),
        "an end beyond the nodes"
    );
    assert_eq!(
        forged([9, 2], &[0, 1, 2, 2], &[7, 7], &[]),
        Err(sections::ENDS),
        "no ends"
    );
    assert_eq!(
        forged([9, 0], &[0, 0], &[], &[0]),
        Err(sections::ENDS),
        "no items"
    );
    assert_eq!(
        forged([9, 1], &[0, 1, 2, 2], &[7, 7], &[0b110]),
        Err(sections::NUMBERS),
        "a wrong count"
    );
}

/// The tables of many items stay near eight bytes a node, and the walk is exact on samples.
#[test]
fn many_items_are_small_tables() {
    let (mut dice, width) = (Dice(3), 2049);
    let items: Vec<Vec<u32>> = (0..30_000)
        .map(|_| (0..8).map(|_| dice.below(2048)).collect())
        .collect();
    let trie = build(&items, width).unwrap();
    assert!(
        trie.table_bytes() < 9 * trie.nodes(),
        "{} bytes, {} nodes",
        trie.table_bytes(),
        trie.nodes()
    );
    let all = prefixes(&items);
    assert_eq!(trie.nodes(), all.len());
    let machine: Arc<dyn Machine> = ItemMachine::new(trie, vocabulary(width), Limits::trusted())
        .unwrap()
        .into();
    for item in items.iter().step_by(3000) {
        let mut m = Matcher::new(Arc::clone(&machine)).unwrap();
        for len in 0..=item.len() {
            check_place(&m, &all[&item[..len]], width, "many");
            if let Some(token) = item.get(len) {
                m.advance(TokenId(*token)).unwrap();
            }
        }
    }
}

/// The grammar `xy+ ; xy+ .` of the toys, in which the text token `x` and one control token also are
/// whole names.
#[derive(Debug)]
struct Named {
    toy: Arc<common::Toy>,
    names: [TokenId; 2],
}

impl Machine for Named {
    fn vocabulary(&self) -> &Arc<Vocabulary> {
        self.toy.vocabulary()
    }
    fn limits(&self) -> &Limits {
        self.toy.limits()
    }
    fn start(&self) -> Symbol {
        self.toy.start()
    }
    fn lex_start(&self, top: Symbol) -> Result<LexState, RunError> {
        self.toy.lex_start(top)
    }
    fn lex_next(&self, state: LexState, byte: u8) -> Result<LexState, RunError> {
        self.toy.lex_next(state, byte)
    }
    fn lex_accept(&self, state: LexState) -> LabelSet {
        self.toy.lex_accept(state)
    }
    fn lex_is_fresh(&self, state: LexState) -> bool {
        self.toy.lex_is_fresh(state)
    }
    fn lex_is_final(&self, state: LexState) -> bool {
        self.toy.lex_is_final(state)
    }
    fn step(&self, stack: &dyn StackView, labels: LabelSet) -> Result<&[StackAction], RunError> {
        self.toy.step(stack, labels)
    }
    fn ends(&self, stack: &dyn StackView) -> Result<bool, RunError> {
        self.toy.ends(stack)
    }
    fn row(&self, state: LexState, stack: &dyn StackView) -> Result<RowRef<'_>, RunError> {
        self.toy.row(state, stack)
    }
    fn reads_tokens(&self) -> bool {
        true
    }
    fn token_step(
        &self,
        state: LexState,
        stack: &dyn StackView,
        token: TokenId,
    ) -> Result<Cow<'_, [StackAction]>, RunError> {
        let top = stack.symbol(0).unwrap();
        // Names stand on symbols 0 and 2, and leave the next one.
        let is_name =
            self.names.contains(&token) && self.lex_is_fresh(state) && top.0.is_multiple_of(2);
        let action = StackAction {
            pop: 1,
            push: [Symbol(top.0 + 1)].into(),
        };
        Ok(if is_name {
            vec![action].into()
        } else {
            Cow::Borrowed(&[])
        })
    }
}

#[test]
fn a_token_that_is_text_and_a_terminal_is_read_as_both() {
    let toy = common::Toy::new(&common::stages());
    let vocabulary = Arc::clone(toy.vocabulary());
    let text = |t: &[u8]| {
        vocabulary
            .text_tokens()
            .find(|(_, bytes)| *bytes == t)
            .unwrap()
            .0
    };
    let (x, semicolon) = (text(b"x"), text(b";"));
    let control = (0..vocabulary.width() as u32)
        .map(TokenId)
        .find(|t| !vocabulary.is_text(*t) && !vocabulary.is_end(*t));
    let control = control.expect("the toy vocabulary has a control token or a hole");
    let named = Named {
        toy,
        names: [x, control],
    };
    let mut m = Matcher::new(Arc::new(named) as Arc<dyn Machine>).unwrap();
    m.advance(x).unwrap();
    assert_eq!(m.threads_len(), 2, "a name under way, and a whole one");
    assert!(!m.is_allowed(control).unwrap(), "no name follows a name");
    m.advance(semicolon).unwrap();
    assert_eq!(m.threads_len(), 1, "both readings meet");
    m.advance(control).unwrap();
    assert_eq!(m.threads_len(), 1, "it has no other reading");
    assert!(!m.is_allowed(x).unwrap());
    m.advance_bytes(b".").unwrap();
    assert!(m.is_accepting().unwrap());
    m.rollback(3).unwrap();
    assert_eq!(m.threads_len(), 2);
}
