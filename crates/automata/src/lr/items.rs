//! Productions with dots.
//!
//! An item is a number: the first item of its production plus the position of the dot. One more
//! production, `end → start`, is added after those of the grammar; reducing by it accepts.

use maskwright_grammar::{NormalGrammar, Sym};
use maskwright_tables::heap;

/// The items of a grammar.
#[derive(Debug)]
pub(super) struct Items {
    pub(super) grammar: NormalGrammar,
    /// The symbol after the dot of each item; `None` at the end of its production.
    next: Vec<Option<Sym>>,
    /// The production of each item.
    production: Vec<u32>,
    /// The first item of each production.
    first: Vec<u32>,
}

impl Items {
    pub(super) fn new(grammar: NormalGrammar) -> Self {
        let mut items = Items {
            grammar,
            next: Vec::new(),
            production: Vec::new(),
            first: Vec::new(),
        };
        let start = items.grammar.start().map(Sym::Nonterminal);
        let grammar = &items.grammar;
        let bodies = grammar
            .productions()
            .iter()
            .map(|p| &p.rhs[..])
            .chain(start.as_ref().map(std::slice::from_ref));
        for (i, rhs) in bodies.enumerate() {
            items.first.push(items.next.len() as u32);
            items.next.extend(rhs.iter().copied().map(Some));
            items.next.push(None);
            items.production.resize(items.next.len(), i as u32);
        }
        items
    }

    /// Bytes held, about, the grammar included.
    pub(super) fn heap_bytes(&self) -> usize {
        self.grammar.heap_bytes()
            + heap::list::<Option<Sym>>(self.next.capacity())
            + heap::list::<u32>(self.production.capacity())
            + heap::list::<u32>(self.first.capacity())
    }

    /// The item that accepts when its dot is at the end, dot at the beginning.
    pub(super) fn start(&self) -> Option<u32> {
        self.grammar.start().and(self.first.last().copied())
    }

    /// The number of the lookahead that stands for the end of text.
    pub(super) fn end(&self) -> u32 {
        self.grammar.terminals().len() as u32
    }

    pub(super) fn next(&self, item: u32) -> Option<Sym> {
        self.next[item as usize]
    }

    pub(super) fn production(&self, item: u32) -> u32 {
        self.production[item as usize]
    }

    /// How many symbols stand before the dot.
    pub(super) fn dot(&self, item: u32) -> u32 {
        item - self.first[self.production[item as usize] as usize]
    }

    /// The item of a production with its dot at the beginning.
    pub(super) fn first(&self, production: u32) -> u32 {
        self.first[production as usize]
    }

    /// The symbols after the dot.
    pub(super) fn rest(&self, item: u32) -> impl Iterator<Item = Sym> + '_ {
        self.next[item as usize..].iter().map_while(|s| *s)
    }

    /// The left side of a production; `None` for the one that accepts.
    pub(super) fn lhs(&self, production: u32) -> Option<u32> {
        self.grammar
            .productions()
            .get(production as usize)
            .map(|p| p.lhs)
    }

    /// The number of symbols of a production.
    pub(super) fn len(&self, production: u32) -> u32 {
        self.grammar
            .productions()
            .get(production as usize)
            .map_or(1, |p| p.rhs.len() as u32)
    }

    pub(super) fn name(&self, symbol: Sym) -> &str {
        match symbol {
            Sym::Terminal(t) => self
                .grammar
                .terminals()
                .get(t as usize)
                .map_or("end of text", |t| &t.name),
            Sym::Nonterminal(n) => &self.grammar.nonterminals()[n as usize].name,
        }
    }

    /// The item as text, such as `sum → sum • "+" product`.
    pub(super) fn describe(&self, item: u32) -> String {
        let production = self.production(item);
        let mut text = match self.lhs(production) {
            Some(lhs) => format!("{} →", self.name(Sym::Nonterminal(lhs))),
            None => "text →".to_string(),
        };
        let first = self.first(production);
        let dot = self.dot(item);
        for i in 0..=self.len(production) {
            if i == dot {
                text.push_str(" •");
            }
            if let Some(s) = self.next(first + i) {
                text.push(' ');
                text.push_str(self.name(s));
            }
        }
        text
    }
}
