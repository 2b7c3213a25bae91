//! [`LazyMachine`]: the tables of one grammar, made when they are first asked for.
//!
//! A row of the thread `(q, S)` is found by walking from `q` over the vocabulary: the tokens inside
//! the lexeme, and for each way in which the lexeme can end, the stack after that and the next
//! lexeme over the residual trie, and so on until no token is left. The lexical half comes from
//! [`LexicalRows`], shared by all grammars; the stack half from the grammar's [`Control`]. Both
//! the whole answer and each step are remembered by exactly the symbols read ([`StackMemo`]), so
//! the second visit is a lookup.

use crate::alive::{Alive, Question};
use crate::concurrent::{Keyed, Numbers, pair};
use crate::lexical_rows::{LexicalRows, TrieId};
use crate::memo::{Overlay, OverlayView, Reads, StackMemo};
use crate::sets::SetId;
use crate::token_terminals::{self, TokenTerminal};
use maskwright_automata::{Control, ControlError, StackReader};
use maskwright_tables::{
    Crossing, LabelSet, LexState, LimitError, Limits, Machine, Part, RowRef, RunError, StackAction,
    StackView, Symbol, TokenId, Vocabulary, heap,
};
use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// The lazily built machine of one grammar.
#[derive(Debug)]
pub(crate) struct LazyMachine {
    control: Box<dyn Control>,
    shared: Arc<LexicalRows>,
    limits: Limits,
    /// Whether arrays or objects may have to differ.
    records: bool,
    /// Whether tokens may begin what no tokens complete.
    has_gaps: bool,
    /// See [`Control::is_whole`].
    is_whole: bool,
    /// What was found out about stacks that may not be completed.
    alive: Alive,
    /// Whether a lexeme with several labels is read as with each of them by itself.
    pub(crate) apart: bool,
    /// Whether the control tells outlines of symbols.
    pub(crate) tells_outlines: bool,
    /// By symbol, where the next lexeme begins and whether it may have to differ from others: twice the
    /// number of the state, and 1 if so.
    starts: Numbers,
    /// Whether such lexemes may run out.
    ending: Numbers,
    /// What lexemes with some labels mean on a symbol: see [`Self::meaning`].
    meanings: Keyed,
    steps: StackMemo,
    actions: boxcar::Vec<Step>,
    /// What follows a lexeme: see `continuation`.
    pub(crate) continuations: StackMemo,
    /// Lists of rests of tokens about which there were questions, as paths: the next node by a node and a
    /// rest.
    pub(crate) questions: Keyed,
    pub(crate) asked: AtomicU32,
    row_memo: StackMemo,
    rows: boxcar::Vec<MadeRow>,
    /// Terminals that are tokens as a whole: label and tokens.
    token_terminals: Box<[TokenTerminal]>,
    /// Bytes of the lists inside rows and actions.
    list_bytes: AtomicUsize,
}

/// A row of the machine.
#[derive(Debug)]
pub(crate) struct MadeRow {
    pub tokens: SetId,
    pub ends: bool,
    /// See [`Crossing`]: `once` and `twice`. Most rows have none.
    pub crossing: Option<Box<[Box<[TokenId]>; 2]>>,
}

/// Reads a stack for a control, noting where.
pub(crate) struct Reader<'a> {
    stack: &'a dyn StackView,
    reads: Reads,
    /// Where more than outlines was read.
    whole: Reads,
    inherits: bool,
}

impl<'a> Reader<'a> {
    pub fn new(stack: &'a dyn StackView) -> Self {
        Reader {
            stack,
            reads: Reads::default(),
            whole: Reads::default(),
            inherits: false,
        }
    }
}

/// What lexemes do to a stack.
#[derive(Debug)]
pub(crate) struct Step {
    pub actions: Box<[StackAction]>,
    /// What of the stack that depends on, where the control tells [outlines](Control::outline); nothing
    /// elsewhere. First whether what is pushed depends on the whole of what it is put on, then the places
    /// that were read ([`Self::place`]).
    uses: Box<[u32]>,
}

impl Step {
    fn new(actions: Vec<StackAction>, reader: &Reader<'_>, tells_outlines: bool) -> Self {
        let reads = reader.reads.depths();
        let reads = reads.map(|depth| Self::place(depth, reader.whole.contains(depth)) as u32);
        let uses = [u32::from(reader.inherits)].into_iter().chain(reads);
        Step {
            actions: actions.into(),
            uses: match tells_outlines {
                true => uses.collect(),
                false => Box::default(),
            },
        }
    }

    /// The place of a symbol, or of its outline, on a stack that has both.
    #[inline]
    pub fn place(depth: usize, whole: bool) -> usize {
        2 * depth + usize::from(whole)
    }

    /// Whether what is pushed depends on the whole of what it is put on.
    #[inline]
    pub fn inherits(&self) -> bool {
        self.uses.first() == Some(&1)
    }

    /// The places that were read.
    #[inline]
    pub fn reads(&self) -> impl Iterator<Item = usize> + '_ {
        self.uses.iter().skip(1).map(|place| *place as usize)
    }

    fn heap_bytes(&self) -> usize {
        let pushes = self.actions.iter().map(|a| a.push.len());
        pushes.map(heap::list::<Symbol>).sum::<usize>()
            + heap::list::<StackAction>(self.actions.len())
            + heap::list::<u32>(self.uses.len())
    }
}

impl StackReader for Reader<'_> {
    fn read(&mut self, depth: usize) -> Result<Option<Symbol>, ControlError> {
        self.whole.note(depth);
        self.glance(depth)
    }

    fn glance(&mut self, depth: usize) -> Result<Option<Symbol>, ControlError> {
        self.reads.note(depth);
        let symbol = self.stack.symbol(depth);
        if self.stack.went_below() {
            Err(ControlError::Unknown(depth))
        } else {
            Ok(symbol)
        }
    }

    fn inherit(&mut self) {
        self.inherits = true;
    }
}

pub(crate) fn run_error(e: ControlError) -> RunError {
    match e {
        ControlError::Limit(e) => RunError::Limit(e),
        ControlError::Unknown(_) => RunError::UnknownSymbol,
        _ => RunError::NotTabulated {
            table: "stack symbols",
        },
    }
}

/// Whether a lexeme must differ and what it is in its value, as one number.
fn number_of(differs: bool, part: Part) -> u64 {
    let part = match part {
        Part::None => 0,
        Part::Name => 1,
        Part::Scalar => 2,
        Part::Close => 3,
        Part::Open { object, differs } => 4 | u64::from(object) | u64::from(differs) << 1,
    };
    part << 1 | u64::from(differs)
}

/// The reverse of [`number_of`].
#[inline]
fn meaning_of(number: u64) -> (bool, Part) {
    let part = match number >> 1 {
        0 => Part::None,
        1 => Part::Name,
        2 => Part::Scalar,
        3 => Part::Close,
        part => Part::Open {
            object: part & 1 == 1,
            differs: part & 2 == 2,
        },
    };
    (number & 1 == 1, part)
}

impl LazyMachine {
    pub fn new(control: Box<dyn Control>, shared: Arc<LexicalRows>, limits: Limits) -> Self {
        LazyMachine {
            records: control.records(),
            has_gaps: !(control.is_whole() && shared.lexicon.spells_all()),
            is_whole: control.is_whole(),
            alive: Alive::default(),
            apart: control.reads_labels_apart(),
            tells_outlines: control.outline(control.start()).is_some(),
            control,
            shared,
            limits,
            starts: Numbers::default(),
            ending: Numbers::default(),
            meanings: Keyed::default(),
            steps: StackMemo::default(),
            actions: boxcar::Vec::new(),
            continuations: StackMemo::default(),
            questions: Keyed::default(),
            asked: AtomicU32::new(0),
            row_memo: StackMemo::default(),
            rows: boxcar::Vec::new(),
            token_terminals: Box::default(),
            list_bytes: AtomicUsize::new(0),
        }
    }

    /// The same machine with these terminals read as whole tokens.
    pub fn with_token_terminals(mut self, terminals: Box<[TokenTerminal]>) -> Self {
        self.token_terminals = terminals;
        self
    }

    /// Terminals that are tokens as a whole.
    pub fn token_terminals(&self) -> &[TokenTerminal] {
        &self.token_terminals
    }

    /// Whether some terminal is a token.
    pub fn has_token_terminals(&self) -> bool {
        !self.token_terminals.is_empty()
    }

    pub fn control(&self) -> &dyn Control {
        &*self.control
    }

    /// Whether every stack can be completed where a lexeme ends.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Whether arrays or objects may have to differ.
    pub fn records(&self) -> bool {
        self.records
    }

    /// Whether tokens may begin what no tokens complete.
    pub fn has_gaps(&self) -> bool {
        self.has_gaps
    }

    /// Whether tokens can complete a thread at whose place a token ends. Reads of the stack what it
    /// needs to know.
    pub fn is_alive(&self, question: Question, stack: &dyn StackView) -> Result<bool, RunError> {
        if !self.has_gaps || self.is_whole && question == Question::Rest {
            return Ok(true);
        }
        self.alive.ask(self, question, stack)
    }

    pub fn shared(&self) -> &Arc<LexicalRows> {
        &self.shared
    }

    /// Rows, remembered row keys, remembered steps.
    pub fn len(&self) -> (usize, usize, usize) {
        (self.rows.count(), self.row_memo.len(), self.steps.len())
    }

    /// Bytes held by this machine alone, about: its control, and all that was remembered so far; the
    /// shared rows left out. O(1), and never waits.
    pub fn heap_bytes(&self) -> usize {
        let maps = self.starts.heap_bytes()
            + self.ending.heap_bytes()
            + self.meanings.heap_bytes()
            + self.questions.heap_bytes()
            + self.steps.heap_bytes()
            + self.continuations.heap_bytes()
            + self.row_memo.heap_bytes();
        let lists = heap::pieces::<Step>(self.actions.count())
            + heap::pieces::<MadeRow>(self.rows.count())
            + self.list_bytes.load(Ordering::Relaxed);
        let named = self.token_terminals.iter();
        let named =
            named.map(|t| size_of::<TokenTerminal>() + heap::list::<TokenId>(t.tokens.len()));
        size_of::<Self>()
            + self.control.heap_bytes()
            + self.alive.heap_bytes()
            + maps
            + lists
            + named.sum::<usize>()
    }

    pub(crate) fn push_row(&self, row: MadeRow) -> u32 {
        if let Some(crossing) = &row.crossing {
            let lists = crossing.iter().map(|l| heap::list::<TokenId>(l.len()));
            let bytes = heap::allocation(size_of_val(&**crossing)) + lists.sum::<usize>();
            self.list_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        self.rows.push(row) as u32
    }

    /// Where the next lexeme begins when `top` is on top, and whether it may have to differ.
    pub(crate) fn begin(&self, top: Symbol) -> Result<(LexState, bool), RunError> {
        let read = |number: u64| (LexState((number >> 1) as u32), number & 1 == 1);
        if let Some(known) = self.starts.get(top.0) {
            return Ok(read(known));
        }
        let state = self.control.lex_start(top).map_err(run_error)?;
        let distinct = self.control.compares() && self.control.distinct(top).map_err(run_error)?;
        let number = u64::from(state.0) << 1 | u64::from(distinct);
        Ok(read(self.starts.put(top.0, number)))
    }

    /// Whether anything that may follow a lexeme can go on with a rest of tokens, as far as first bytes tell.
    pub(crate) fn goes_on(&self, top: Symbol, labels: LabelSet, rest: TrieId) -> bool {
        let firsts = self.shared.firsts(rest);
        let labels = self.shared.lexicon.labels(labels);
        firsts != 0 && firsts & self.control.follows(top, labels) != 0
    }

    /// The states whose rows together are those of a state.
    pub(crate) fn parts(&self, state: LexState) -> Result<&[LexState], LimitError> {
        match self.apart {
            true => self.shared.lexicon.alternatives(state),
            false => self.shared.lexicon.parts(state),
        }
    }

    /// Whether a lexeme must differ from others, and what it is in its value.
    pub(crate) fn meaning(&self, top: Symbol, labels: LabelSet) -> Result<(bool, Part), RunError> {
        let key = pair(top.0, labels.0);
        if let Some(known) = self.meanings.get(key) {
            return Ok(meaning_of(known));
        }
        let own = self.shared.lexicon.labels(labels);
        let differs = self.control.must_differ(top, own).map_err(run_error)?;
        let part = self.control.part(top, own).map_err(run_error)?;
        self.meanings.put(key, number_of(differs, part));
        Ok((differs, part))
    }

    /// What lexemes with these labels do to a stack, and what of it that depends on.
    pub(crate) fn known_step(
        &self,
        stack: &dyn StackView,
        labels: LabelSet,
    ) -> Result<&Step, RunError> {
        if let Some(answer) = self.steps.get(labels.0, stack) {
            return Ok(&self.actions[answer as usize]);
        }
        let mut reader = Reader::new(stack);
        let actions = self
            .control
            .step(&mut reader, self.shared.lexicon.labels(labels));
        if stack.went_below() {
            return Err(RunError::UnknownSymbol);
        }
        let actions = actions.map_err(run_error)?;
        let step = Step::new(actions, &reader, self.tells_outlines);
        self.list_bytes
            .fetch_add(step.heap_bytes(), Ordering::Relaxed);
        let answer = self.actions.push(step);
        self.steps
            .insert(labels.0, stack, &reader.reads, answer as u32);
        Ok(&self.actions[answer])
    }

    fn make_row(&self, state: LexState, stack: &dyn StackView) -> Result<(u32, Reads), RunError> {
        if self.control.compares() || self.has_gaps {
            return self.make_comparing_row(state, stack);
        }
        let (mut tokens, mut reads) = self.continue_row(state, stack)?;
        let reads_too = RefCell::new(Reads::default());
        let view = OverlayView {
            overlay: &Overlay::new(),
            base: stack,
            reads: &reads_too,
        };
        let named = self.named_tokens(state, &view)?;
        if !named.is_empty() {
            tokens = self.shared.sets.union(&[&named[..], &[tokens]].concat());
        }
        let ends = self.row_ends(state, &view)?;
        if stack.went_below() {
            return Err(RunError::UnknownSymbol);
        }
        reads_too
            .into_inner()
            .depths()
            .for_each(|depth| reads.note(depth));
        let row = MadeRow {
            tokens,
            ends,
            crossing: None,
        };
        Ok((self.push_row(row), reads))
    }

    /// Tokens that may come next as terminals by themselves.
    pub(crate) fn named_tokens(
        &self,
        state: LexState,
        stack: &OverlayView<'_>,
    ) -> Result<Vec<SetId>, RunError> {
        let mut sets = Vec::new();
        for terminal in &self.token_terminals {
            for action in token_terminals::steps(self, state, stack, terminal.label)? {
                let mut next = Overlay::new();
                next.apply(&action);
                let view = OverlayView {
                    overlay: &next,
                    ..*stack
                };
                if self.is_alive(Question::Rest, &view)? {
                    sets.push(self.shared.sets.intern(terminal.tokens.to_vec()));
                    break;
                }
            }
        }
        Ok(sets)
    }

    /// Whether the text may end here.
    pub(crate) fn row_ends(
        &self,
        state: LexState,
        stack: &OverlayView<'_>,
    ) -> Result<bool, RunError> {
        if state == LexState::DEAD || self.lex_is_fresh(state) {
            return self.ends(stack);
        }
        let mut ends = false;
        let labels = self.lex_accept(state);
        if labels != LabelSet::NONE {
            for action in self.step(stack, labels)? {
                let mut next = Overlay::new();
                next.apply(action);
                ends |= self.ends(&OverlayView {
                    overlay: &next,
                    ..*stack
                })?;
            }
        }
        Ok(ends)
    }
}

impl Machine for LazyMachine {
    fn vocabulary(&self) -> &Arc<Vocabulary> {
        self.shared.vocabulary()
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn start(&self) -> Symbol {
        self.control.start()
    }

    fn lex_start(&self, top: Symbol) -> Result<LexState, RunError> {
        Ok(self.begin(top)?.0)
    }

    #[inline]
    fn lex_next(&self, state: LexState, byte: u8) -> Result<LexState, RunError> {
        Ok(self.shared.lexicon.next(state, byte)?)
    }

    #[inline]
    fn lex_run(&self, state: LexState, bytes: &[u8]) -> Result<(LexState, usize), RunError> {
        Ok(self.shared.lexicon.run(state, bytes)?)
    }

    #[inline]
    fn lex_accept(&self, state: LexState) -> LabelSet {
        self.shared.lexicon.accept(state)
    }

    #[inline]
    fn lex_is_fresh(&self, state: LexState) -> bool {
        self.shared.lexicon.is_fresh(state)
    }

    fn lex_is_final(&self, state: LexState) -> bool {
        self.shared.lexicon.is_final(state)
    }

    fn lex_is_endless(&self, state: LexState) -> bool {
        self.shared.lexicon.is_endless_from(state)
    }

    #[inline]
    fn lex_is_boundless(&self, state: LexState) -> bool {
        !self.lex_is_fresh(state) && self.shared.lexicon.is_boundless(state)
    }

    fn step(&self, stack: &dyn StackView, labels: LabelSet) -> Result<&[StackAction], RunError> {
        Ok(&self.known_step(stack, labels)?.actions)
    }

    fn ends(&self, stack: &dyn StackView) -> Result<bool, RunError> {
        let ends = self.control.ends(&mut Reader::new(stack));
        if stack.went_below() {
            Err(RunError::UnknownSymbol)
        } else {
            ends.map_err(run_error)
        }
    }

    fn asks_rows(&self) -> bool {
        self.has_gaps
    }

    fn reads_tokens(&self) -> bool {
        self.has_token_terminals()
    }

    fn token_step(
        &self,
        state: LexState,
        stack: &dyn StackView,
        token: TokenId,
    ) -> Result<Cow<'_, [StackAction]>, RunError> {
        let mut all = Vec::new();
        for terminal in &self.token_terminals {
            if terminal.tokens.binary_search(&token).is_ok() {
                all.extend(token_terminals::steps(self, state, stack, terminal.label)?);
            }
        }
        Ok(Cow::Owned(all))
    }

    fn row(&self, state: LexState, stack: &dyn StackView) -> Result<RowRef<'_>, RunError> {
        let answer = match self.row_memo.get(state.0, stack) {
            Some(answer) => answer,
            None => {
                let (answer, reads) = self.make_row(state, stack)?;
                self.row_memo.insert(state.0, stack, &reads, answer);
                answer
            }
        };
        let row = &self.rows[answer as usize];
        let crossing = row.crossing.as_deref();
        let crossing = crossing.map(|[once, twice]| Crossing { once, twice });
        Ok(RowRef {
            tokens: self.shared.sets.tokens(row.tokens),
            ends: row.ends,
            crossing: crossing.unwrap_or_default(),
        })
    }

    fn compares(&self) -> bool {
        self.control.compares()
    }

    fn distinct(&self, top: Symbol) -> Result<bool, RunError> {
        Ok(self.begin(top)?.1)
    }

    fn must_differ(&self, top: Symbol, labels: LabelSet) -> Result<bool, RunError> {
        Ok(self.meaning(top, labels)?.0)
    }

    fn part(&self, top: Symbol, labels: LabelSet) -> Result<Part, RunError> {
        Ok(self.meaning(top, labels)?.1)
    }

    fn may_run_out(&self, top: Symbol) -> Result<bool, RunError> {
        if !self.begin(top)?.1 {
            return Ok(false);
        }
        if let Some(known) = self.ending.get(top.0) {
            return Ok(known == 1);
        }
        let ending = self.control.may_run_out(top).map_err(run_error)?;
        Ok(self.ending.put(top.0, u64::from(ending)) == 1)
    }
}
