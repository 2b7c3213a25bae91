//! What a question makes of one more symbol: one attempt, with what is there of other questions.

use super::{
    BOTTOM, Gather, Labels, Past, Pending, PendingId, RoleSet, Start, Summaries, Then, in_role,
};
use crate::lexical_rows::{LexicalRows, TrieId};
use crate::sets::{SetId, Sets};
use maskwright_automata::lexicon::Spelling;
use maskwright_automata::{ControlError, Move, StackReader};
use maskwright_tables::pushdown::PLAIN;
use maskwright_tables::{LabelSet, LexState, Machine, RunError, Symbol};
use smallvec::SmallVec;

/// Notes that the text may end.
fn accept(gather: &mut Gather, then: Then) {
    match then {
        Then::Live(_, answer) => gather.sets.push(answer),
        _ => gather.ends = true,
    }
}

/// What the machine reads of symbols that are known down to some depth.
struct Known<'a> {
    symbols: &'a [Symbol],
    /// Whether the last known one lies at the bottom.
    whole: bool,
}

impl StackReader for Known<'_> {
    fn read(&mut self, depth: usize) -> Result<Option<Symbol>, ControlError> {
        match self.symbols.len().checked_sub(depth + 1) {
            Some(i) => Ok(Some(self.symbols[i])),
            None if self.whole => Ok(None),
            None => Err(ControlError::Unknown(depth)),
        }
    }
}

impl<'a> Summaries<'a> {
    /// Adds a partial outcome, with what a symbol has to say of it.
    fn add_partial(&mut self, gather: &mut Gather, place: u32, symbol: Symbol) {
        let partial = self.known.outcomes.partial(place);
        gather.parts.push(partial.fixed);
        for i in 0..partial.asks.len() {
            let ask = self.known.outcomes.partial(place).asks[i];
            gather.parts.extend(self.want_id(ask, symbol));
        }
    }

    /// Adds the outcome of a question about a stack that ends in `pushed` (the last one on top),
    /// seen from the symbol at its lowest place on.
    fn add_pushed(&mut self, gather: &mut Gather, then: Then, pushed: &[Symbol]) {
        let Some((&top, below)) = pushed.split_last() else {
            return;
        };
        let Some(mut all) = self.want(Pending::Rest { then }, top) else {
            return;
        };
        let mut above = top;
        for &symbol in below.iter().rev() {
            let mut next = Gather::default();
            let place = self.known.outcomes.lift(all, above);
            self.add_partial(&mut next, place, symbol);
            if !self.missing.is_empty() {
                return;
            }
            all = self.finish(next);
            above = symbol;
        }
        gather.parts.push(all);
    }

    pub(super) fn attempt(
        &mut self,
        pending: PendingId,
        symbol: Symbol,
    ) -> Result<Gather, RunError> {
        let mut gather = Gather::default();
        let gone = symbol == BOTTOM;
        match self.known.pending.get(pending).clone() {
            Pending::Step { labels, then } => {
                let machine = self.machine;
                let then = self.ended(then, symbol, labels)?;
                let list = self.list(labels);
                // Whether the machine works by reductions does not depend on the label.
                let reduces = !gone
                    && list.first().is_some_and(|l| {
                        matches!(machine.control().moves(symbol, Some(*l)), Ok(Some(_)))
                    });
                if reduces {
                    for &label in list {
                        let label = Some(label);
                        gather
                            .parts
                            .extend(self.want(Pending::Label { label, then }, symbol));
                    }
                } else {
                    self.ask(&mut gather, &[], Some(labels), then, symbol)?;
                }
            }
            Pending::Label { label, then } => {
                if !gone {
                    let moves = self.machine.control().moves(symbol, label);
                    let moves = moves.map_err(crate::lazy::run_error)?.unwrap_or_default();
                    for m in moves {
                        self.take(&mut gather, m, label, then, symbol);
                    }
                }
            }
            Pending::Goto {
                nonterminal,
                label,
                then,
            } => {
                if !gone {
                    let target = self.machine.control().goto(symbol, nonterminal);
                    if let Some(target) = target.map_err(crate::lazy::run_error)?
                        && let Some(place) = self.goto(pending, target, (label, then))
                    {
                        self.add_partial(&mut gather, place, symbol);
                    }
                }
            }
            Pending::Below {
                known,
                labels,
                then,
            } => self.ask(&mut gather, &known, labels, then, symbol)?,
            Pending::Inside { state, then } => {
                if let (Then::Live(_, answer), false) = (then, gone) {
                    match self.machine.shared().lexicon.spelling(state)? {
                        Spelling::Whole if self.machine.is_whole() => gather.sets.push(answer),
                        Spelling::Never => {}
                        _ => {
                            let all = LexicalRows::VOCABULARY;
                            self.live_from(&mut gather, state, (all, answer), symbol)?;
                        }
                    }
                }
            }
            Pending::Rest { then } => self.rest(&mut gather, then, symbol)?,
        }
        Ok(gather)
    }

    /// What the symbol that a nonterminal puts on top makes of the label: the place of a partial outcome. Of live
    /// questions more may be known later.
    fn goto(
        &mut self,
        pending: PendingId,
        target: Symbol,
        (label, then): (Option<u32>, Then),
    ) -> Option<u32> {
        if let Some(place) = self.known.gotos.get((pending, target)) {
            return Some(place);
        }
        let outcome = self.want(Pending::Label { label, then }, target)?;
        let place = self.known.outcomes.lift(outcome, target);
        if self.solver.is_none() {
            self.known.gotos.insert((pending, target), place);
        }
        Some(place)
    }

    /// The tokens of a token terminal: the local number of their set.
    pub fn terminal_set(&mut self, terminal: u32) -> u32 {
        let tokens = &self.machine.token_terminals()[terminal as usize].tokens;
        let set = self.machine.shared().sets.intern(tokens.to_vec());
        self.known.sets.intern(set)
    }

    /// The labels themselves.
    fn list(&self, labels: Labels) -> &'a [u32] {
        match labels {
            Labels::Set(labels) => self.machine.shared().lexicon.labels(labels),
            Labels::Token(terminal) => {
                std::slice::from_ref(&self.machine.token_terminals()[terminal as usize].label)
            }
        }
    }

    /// What happens next, when a lexeme that began on `symbol` ends with these labels.
    fn ended(&self, then: Then, symbol: Symbol, labels: Labels) -> Result<Then, RunError> {
        let (Then::Read(rests, past), Labels::Set(labels)) = (then, labels) else {
            return Ok(then);
        };
        let ended_one = past.ended_one
            || symbol != BOTTOM
                && self.machine.distinct(symbol)?
                && self.machine.must_differ(symbol, labels)?;
        Ok(Then::Read(rests, Past { ended_one, ..past }))
    }

    /// One elementary move.
    fn take(
        &mut self,
        gather: &mut Gather,
        m: Move,
        label: Option<u32>,
        then: Then,
        symbol: Symbol,
    ) {
        match m {
            Move::Accept => accept(gather, then),
            Move::Shift(pushed) => {
                let stack = [&[symbol][..], &pushed].concat();
                self.add_pushed(gather, then, &stack);
            }
            Move::Reduce { pop, nonterminal } => {
                let goto = self.known.pending.intern(Pending::Goto {
                    nonterminal,
                    label,
                    then,
                });
                gather.items.push((pop.saturating_sub(1), goto));
            }
        }
    }

    /// No lexeme is under way and `symbol` is on top.
    fn rest(&mut self, gather: &mut Gather, then: Then, symbol: Symbol) -> Result<(), RunError> {
        let machine = self.machine;
        match then {
            Then::Act => gather
                .actions
                .push(self.known.outcomes.intern_action((0, Box::default()))),
            Then::End => {
                let moves = match symbol {
                    BOTTOM => None,
                    _ => machine
                        .control()
                        .moves(symbol, None)
                        .map_err(crate::lazy::run_error)?,
                };
                match moves {
                    Some(_) => {
                        gather
                            .parts
                            .extend(self.want(Pending::Label { label: None, then }, symbol));
                    }
                    None => self.ask(gather, &[], None, then, symbol)?,
                }
            }
            Then::Token(terminal) => {
                if symbol != BOTTOM {
                    let (labels, then) = (Labels::Token(terminal), Then::Taken(terminal));
                    gather
                        .parts
                        .extend(self.want(Pending::Step { labels, then }, symbol));
                }
            }
            Then::Taken(terminal) => {
                let set = self.terminal_set(terminal);
                self.complete(gather, in_role(set, PLAIN), symbol);
            }
            Then::Live(trie, answer) => self.live(gather, (trie, answer), symbol)?,
            Then::Read(rests, past) => {
                let (start, distinct) = match symbol {
                    BOTTOM => (LexState::DEAD, false),
                    _ => (machine.lex_start(symbol)?, machine.distinct(symbol)?),
                };
                let place = self.reading((start, rests, distinct, past))?;
                self.add_partial(gather, place, symbol);
            }
        }
        Ok(())
    }

    /// How rests of tokens are read on from the start of a lexeme: the place of a partial outcome.
    fn reading(&mut self, start: Start) -> Result<u32, RunError> {
        if let Some(&known) = self.known.readings.get(&start) {
            return Ok(known);
        }
        let (state, rests, distinct, mut past) = start;
        let machine = self.machine;
        let tries = self.known.rests.get(rests).clone();
        let mut gather = Gather::default();
        let mut asks = Vec::new();
        for &trie in &tries {
            let here = machine.shared().here(trie);
            if here != Sets::EMPTY {
                let here = self.known.sets.intern(here);
                let tokens = in_role(here, past.role());
                match self.completed(tokens) {
                    Some(ask) => asks.push(ask),
                    None => gather.sets.push(tokens),
                }
            }
        }
        let mut met: Vec<TrieId> = Vec::new();
        for &trie in &tries {
            if state != LexState::DEAD && machine.shared().meets(state, trie)? {
                met.push(trie);
            }
        }
        if !met.is_empty() {
            let enters = distinct && past.crossing.is_none();
            if distinct {
                past.crossing = past.crossing.max(Some(past.ended_one));
            }
            asks.extend(self.read(&mut gather, state, &met, (enters, past))?);
        }
        let fixed = self.finish(gather);
        let place = self.known.outcomes.push_partial(fixed, asks);
        self.known.readings.insert(start, place);
        Ok(place)
    }

    /// Adds tokens that end on `symbol`, with no lexeme under way, if tokens can complete that.
    fn complete(&mut self, gather: &mut Gather, tokens: RoleSet, symbol: Symbol) {
        match self.completed(tokens) {
            Some(ask) => gather.parts.extend(self.want_id(ask, symbol)),
            None => gather.sets.push(tokens),
        }
    }

    /// What is asked of a symbol on which tokens end, with no lexeme under way; `None` where tokens
    /// complete any.
    fn completed(&mut self, tokens: RoleSet) -> Option<PendingId> {
        if !self.machine.asks_rows() || self.machine.is_whole() {
            return None;
        }
        let then = Then::Live(LexicalRows::VOCABULARY, tokens);
        Some(self.known.pending.intern(Pending::Rest { then }))
    }

    /// Adds `answer` if rests of tokens can be read on this symbol, and then tokens, to an end of the
    /// text.
    fn live(
        &mut self,
        gather: &mut Gather,
        (trie, answer): (TrieId, RoleSet),
        symbol: Symbol,
    ) -> Result<(), RunError> {
        let machine = self.machine;
        let all = LexicalRows::VOCABULARY;
        if trie == all || machine.shared().here(trie) != Sets::EMPTY {
            if machine.is_whole() {
                gather.sets.push(answer);
                return Ok(());
            }
            let then = Then::Live(all, answer);
            if trie != all {
                gather
                    .parts
                    .extend(self.want(Pending::Rest { then }, symbol));
            } else {
                self.live_at_end(gather, then, symbol)?;
            }
        }
        if symbol == BOTTOM {
            return Ok(());
        }
        let start = machine.lex_start(symbol)?;
        if start != LexState::DEAD && machine.shared().meets(start, trie)? {
            for &alternative in machine.shared().lexicon.parts(start)? {
                self.live_from(gather, alternative, (trie, answer), symbol)?;
            }
        }
        Ok(())
    }

    /// Whether the text may end here, or a token as a whole comes next.
    fn live_at_end(
        &mut self,
        gather: &mut Gather,
        then: Then,
        symbol: Symbol,
    ) -> Result<(), RunError> {
        let machine = self.machine;
        let moves = match symbol {
            BOTTOM => Ok(None),
            _ => machine.control().moves(symbol, None),
        };
        if moves.map_err(crate::lazy::run_error)?.is_some() {
            gather
                .parts
                .extend(self.want(Pending::Label { label: None, then }, symbol));
        } else {
            self.ask(gather, &[], None, then, symbol)?;
        }
        for terminal in 0..machine.token_terminals().len() as u32 {
            let labels = Labels::Token(terminal);
            gather
                .parts
                .extend(self.want(Pending::Step { labels, then }, symbol));
        }
        Ok(())
    }

    /// Adds `answer` if rests of tokens can be read from a lexical state on, and then tokens, to an end
    /// of the text.
    fn live_from(
        &mut self,
        gather: &mut Gather,
        state: LexState,
        (trie, answer): (TrieId, RoleSet),
        symbol: Symbol,
    ) -> Result<(), RunError> {
        let machine = self.machine;
        let row = machine.shared().row(state, trie, machine.apart)?;
        if machine.is_whole() && row.inside != Sets::EMPTY {
            gather.sets.push(answer);
            return Ok(());
        }
        for &(state, ..) in &row.ends {
            let then = Then::Live(LexicalRows::VOCABULARY, answer);
            gather
                .parts
                .extend(self.want(Pending::Inside { state, then }, symbol));
        }
        for &(labels, rest) in &row.exits {
            let (labels, then) = (Labels::Set(labels), Then::Live(rest, answer));
            gather
                .parts
                .extend(self.want(Pending::Step { labels, then }, symbol));
        }
        Ok(())
    }

    /// Adds the tokens of some tries that stay inside the lexeme begun in `state`; what is asked of the
    /// symbol on which it began: about doubtful tokens, and about each way in which it can end. `enters`
    /// says whether it is the first lexeme that the tokens enter which may have to differ.
    pub fn read(
        &mut self,
        gather: &mut Gather,
        state: LexState,
        tries: &[TrieId],
        (enters, past): (bool, Past),
    ) -> Result<Vec<PendingId>, RunError> {
        let shared: &LexicalRows = self.machine.shared();
        let mut exits: Vec<(LabelSet, bool, TrieId)> = Vec::new();
        let mut asks = Vec::new();
        if state == LexState::DEAD {
            return Ok(asks);
        }
        for &alternative in shared.lexicon.parts(state)? {
            // Only arrays and objects run out, and those that must differ are not frozen.
            let entered = enters.then_some(alternative);
            let (has_gaps, is_whole) = (self.machine.asks_rows(), self.machine.is_whole());
            for &trie in tries {
                let row = shared.row(alternative, trie, self.machine.apart)?;
                if !has_gaps || is_whole {
                    let sets = self.in_roles(row.inside, trie, (entered, past));
                    gather.sets.extend(sets);
                }
                for &(state, spelling, tokens) in &row.ends {
                    if is_whole && spelling == Spelling::Whole {
                        continue;
                    }
                    for set in self.in_roles(tokens, trie, (entered, past)) {
                        let then = Then::Live(LexicalRows::VOCABULARY, set);
                        asks.push(self.known.pending.intern(Pending::Inside { state, then }));
                    }
                }
                let own = shared.exits(row, self.machine.apart)?.iter();
                exits.extend(own.map(|&(labels, rest)| (labels, rest != trie, rest)));
            }
        }
        // By what they are: the numbers of label sets and tries depend on what was asked before, and by
        // whom. Of the same labels, the whole trie comes first.
        exits.sort_by_key(|(labels, part, _)| (shared.lexicon.labels(*labels), *part));
        for group in exits.chunk_by(|a, b| a.0 == b.0) {
            let mut rests: Vec<TrieId> = Vec::new();
            for (_, _, rest) in group {
                if !rests.contains(rest) {
                    rests.push(*rest);
                }
            }
            let rests = self.known.rests.intern(rests.into());
            asks.push(self.known.pending.intern(Pending::Step {
                labels: Labels::Set(group[0].0),
                then: Then::Read(rests, past),
            }));
        }
        Ok(asks)
    }

    /// Tokens that stay inside a lexeme, in their roles.
    fn in_roles(
        &mut self,
        inside: SetId,
        trie: TrieId,
        (entered, past): (Option<LexState>, Past),
    ) -> SmallVec<[RoleSet; 2]> {
        let shared: &LexicalRows = self.machine.shared();
        let whole = self.known.sets.intern(shared.sets.whole(inside));
        let mut sets = SmallVec::new();
        let mut role = PLAIN;
        if past.role() != PLAIN {
            let mut crossing = Vec::new();
            self.machine.crossing(entered, trie, inside, &mut crossing);
            let crossing = self.known.sets.intern(shared.sets.intern(crossing));
            if crossing == whole {
                role = past.role();
            } else {
                sets.push(in_role(crossing, past.role()));
            }
        }
        sets.push(in_role(whole, role));
        sets
    }

    /// Asks the machine about known symbols and one more below them.
    fn ask(
        &mut self,
        gather: &mut Gather,
        known: &[Symbol],
        labels: Option<Labels>,
        then: Then,
        symbol: Symbol,
    ) -> Result<(), RunError> {
        let whole = symbol == BOTTOM;
        let known: Vec<Symbol> = match whole {
            true => known.to_vec(),
            false => [&[symbol][..], known].concat(),
        };
        let control = self.machine.control();
        let mut reader = Known {
            symbols: &known,
            whole,
        };
        let unknown = |this: &mut Self, gather: &mut Gather| {
            let below = this.known.pending.intern(Pending::Below {
                known: known.clone().into(),
                labels,
                then,
            });
            gather.items.push((0, below));
        };
        let Some(labels) = labels else {
            match control.ends(&mut reader) {
                Ok(true) => accept(gather, then),
                Ok(false) => {}
                Err(ControlError::Unknown(_)) => unknown(self, gather),
                Err(e) => return Err(crate::lazy::run_error(e)),
            }
            return Ok(());
        };
        let list = self.list(labels);
        let actions = match control.step(&mut reader, list) {
            Ok(actions) => actions,
            Err(ControlError::Unknown(_)) => {
                unknown(self, gather);
                return Ok(());
            }
            Err(e) => return Err(crate::lazy::run_error(e)),
        };
        for action in actions {
            let pop = action.pop as usize;
            let kept = known.len().saturating_sub(pop);
            let beyond = pop.saturating_sub(known.len()) as u32;
            if then == Then::Act {
                // Seen from the lowest symbol read; what lies above it is gone and comes back.
                let (pop, from) = match kept {
                    _ if whole => (0, 0),
                    0 => (1 + beyond, 0),
                    _ => (0, 1),
                };
                let push = [&known[from..kept.max(from)], &action.push].concat();
                gather
                    .actions
                    .push(self.known.outcomes.intern_action((pop, push.into())));
                continue;
            }
            let stack = [&known[..kept], &action.push].concat();
            if stack.is_empty() {
                if !whole {
                    let rest = self.known.pending.intern(Pending::Rest { then });
                    gather.items.push((beyond, rest));
                }
                continue;
            }
            let mut part = Gather::default();
            self.add_pushed(&mut part, then, &stack);
            let part = self.finish(part);
            // What is pending lies below what was taken off.
            gather.parts.push(self.known.outcomes.lowered(part, beyond));
        }
        Ok(())
    }
}
