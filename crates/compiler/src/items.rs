//! Lists of items: texts, which any tokens may spell, and sequences of token ids, which only those
//! tokens spell.
//!
//! Both are lines. A line ends with a line feed, or a carriage return and a line feed; the last one
//! need not end. A byte order mark before the first line is no part of it. Empty lines are refused:
//! an item of nothing and a stray line look the same.

use crate::compiler::{CompileError, CompiledGrammar, Compiler};
use maskwright_grammar::{Diagnostic, Diagnostics, Grammar, Place, RegexPool};
use maskwright_tables::{
    CancelFlag, ItemError, ItemList, ItemMachine, ItemTrie, LimitError, Limits, Machine, TokenId,
};
use rustc_hash::FxHashSet;
use std::ops::Range;
use std::sync::Arc;

/// How many lines lie between two looks at the cancel flag.
const CHECK_EVERY: usize = 4096;

/// A compiled list of token sequences: a trie, complete from the start. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CompiledItems {
    machine: Arc<ItemMachine>,
    warnings: Arc<[Diagnostic]>,
}

impl From<&CompiledItems> for Arc<dyn Machine> {
    fn from(items: &CompiledItems) -> Self {
        items.machine()
    }
}

impl CompiledItems {
    /// The machine that matchers run on.
    pub fn machine(&self) -> Arc<dyn Machine> {
        Arc::clone(&self.machine) as Arc<dyn Machine>
    }

    /// The tables, which an artifact stores ([`ItemTrie::write_to`]).
    pub fn trie(&self) -> &ItemTrie<'static> {
        self.machine.trie()
    }

    /// Bytes held, about. Clones share them.
    pub fn heap_bytes(&self) -> usize {
        let warnings = self.warnings.iter().map(Diagnostic::heap_bytes);
        size_of::<ItemMachine>() + self.trie().table_bytes() + warnings.sum::<usize>()
    }

    /// What the author of the list should know although it compiles.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }
}

impl Compiler {
    /// Compiles a list of texts, one a line: the output must be one of them, whatever tokens spell
    /// it. White space belongs to the items. Equal items are a warning.
    ///
    /// # Errors
    /// No items (code `no-items`), an empty line (`empty-item`), items that the vocabulary cannot
    /// spell, a limit.
    pub fn items(&self, text: &str) -> Result<CompiledGrammar, CompileError> {
        let mut repeated = Repeated::default();
        let mut distinct: FxHashSet<&str> = FxHashSet::default();
        for (i, (span, line)) in lines(text, self.limits())?.enumerate() {
            check_cancel(i, self.cancel())?;
            if line.is_empty() {
                return Err(empty_line(i, span).into());
            }
            if !distinct.insert(line) {
                repeated.note(i, span);
            }
        }
        if distinct.is_empty() {
            return Err(no_items().into());
        }
        // Sorted inside, so the order of the set does not matter.
        let mut regexes = RegexPool::new();
        let regex = regexes.literals(distinct.into_iter().map(|line| line.as_bytes().into()));
        let place = Place::span(0..text.len());
        let grammar = Grammar::of_regex(regexes, regex, "item", place);
        let mut compiled = self.grammar_ir(&grammar)?;
        let warnings = compiled.warnings.iter().cloned();
        compiled.warnings = warnings.chain(repeated.warning()).collect();
        Ok(compiled)
    }

    /// Compiles a list of token sequences, one a line: ids in decimal, with white space, commas or
    /// both between them, in any order of lines. The output must be one of these sequences; other
    /// tokens that spell the same text are not taken. Equal items are a warning.
    ///
    /// # Errors
    /// Each with the line: no items (code `no-items`), an empty line (`empty-item`), what is no id
    /// (`invalid-token-id`), an id outside the logits (`token-id-range`), an end token
    /// (`end-token-in-item`), a limit.
    pub fn id_items(&self, text: &str) -> Result<CompiledItems, CompileError> {
        let mut items = ItemList::new();
        let mut spans = Vec::new();
        let mut item = Vec::new();
        for (i, (span, line)) in lines(text, self.limits())?.enumerate() {
            check_cancel(i, self.cancel())?;
            item.clear();
            for field in fields(line) {
                item.push(self.parse_id(field, i, span.start + offset_in(line, field))?);
            }
            if item.is_empty() {
                return Err(empty_line(i, span).into());
            }
            items.push(item.iter().copied());
            spans.push(span);
        }
        let mut compiled = self.trie(&items)?;
        if compiled.trie().len() < items.len() {
            let warning = repeated_items(&items, &spans).warning();
            compiled.warnings = warning.into_iter().collect();
        }
        Ok(compiled)
    }

    /// As [`id_items`](Self::id_items), for sequences that are no text. Equal items count once.
    ///
    /// # Errors
    /// As there; the diagnostics count items from 1.
    pub fn id_sequences<I>(
        &self,
        sequences: impl IntoIterator<Item = I>,
    ) -> Result<CompiledItems, CompileError>
    where
        I: AsRef<[TokenId]>,
    {
        let mut items = ItemList::new();
        for (i, sequence) in sequences.into_iter().enumerate() {
            check_cancel(i, self.cancel())?;
            let sequence = sequence.as_ref();
            if sequence.is_empty() {
                return Err(Diagnostic::new(
                    "empty-item",
                    format!("item {} is empty", i + 1),
                    Place::default(),
                )
                .into());
            }
            if let Some(&token) = sequence.iter().find(|t| self.vocabulary().is_end(**t)) {
                return Err(end_token(&format!("item {}", i + 1), token, Place::default()).into());
            }
            items.push(sequence.iter().copied());
        }
        self.trie(&items)
    }

    fn trie(&self, items: &ItemList) -> Result<CompiledItems, CompileError> {
        let width = self.vocabulary().width();
        let trie =
            ItemTrie::build(items, width, self.limits(), self.cancel()).map_err(|e| match e {
                ItemError::NoItems => no_items().into(),
                ItemError::Token { item, token, .. } => out_of_range(
                    &format!("item {}", item + 1),
                    u64::from(token.0),
                    width,
                    Place::default(),
                )
                .into(),
                ItemError::Limit(e) => CompileError::from(e),
                other => {
                    Diagnostic::new("invalid-items", other.to_string(), Place::default()).into()
                }
            })?;
        let machine = ItemMachine::new(trie, Arc::clone(self.vocabulary()), *self.limits())
            .map_err(|e| Diagnostic::new("invalid-items", e.to_string(), Place::default()))?;
        Ok(CompiledItems {
            machine: Arc::new(machine),
            warnings: Arc::default(),
        })
    }

    fn parse_id(&self, field: &str, line: usize, at: usize) -> Result<TokenId, Diagnostic> {
        let place = Place::span(at..at + field.len());
        let line = format!("line {}", line + 1);
        if field.is_empty() || !field.bytes().all(|b| b.is_ascii_digit()) {
            let message = match shorten(field) {
                "" => format!("{line} has a comma without a token id before or after it"),
                field => format!("{line} has `{field}` where a token id must be"),
            };
            return Err(Diagnostic::new("invalid-token-id", message, place)
                .with_help("write ids in decimal, with white space or commas between them"));
        }
        let width = self.vocabulary().width();
        // Too many digits for a `u64` are out of range all the more.
        let id: u64 = field.parse().unwrap_or(u64::MAX);
        match u32::try_from(id) {
            Ok(id) if (id as usize) < width => match TokenId(id) {
                token if self.vocabulary().is_end(token) => Err(end_token(&line, token, place)),
                token => Ok(token),
            },
            _ => Err(out_of_range(&line, id, width, place)),
        }
    }
}

/// The lines of a list, with their places; no line after a last line end.
fn lines<'t>(
    text: &'t str,
    limits: &Limits,
) -> Result<impl Iterator<Item = (Range<usize>, &'t str)> + use<'t>, LimitError> {
    if text.len() > limits.source_bytes {
        return Err(LimitError::new(
            "item list bytes",
            text.len() as u64,
            limits.source_bytes as u64,
        ));
    }
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut at = text.len() - body.len();
    Ok(body.split_inclusive('\n').map(move |whole| {
        let line = whole.strip_suffix('\n').unwrap_or(whole);
        // A carriage return ends a line with its line feed only; it may be missing from the last.
        let line = if line.len() < whole.len() {
            line.strip_suffix('\r').unwrap_or(line)
        } else {
            line
        };
        let start = at;
        at += whole.len();
        (start..start + line.len(), line)
    }))
}

/// The fields of a line: between white space, or one comma with white space around it. An empty
/// field stands beside a comma too many.
fn fields(line: &str) -> impl Iterator<Item = &str> {
    let line = line.trim();
    let parts = (!line.is_empty()).then(|| line.split(','));
    parts.into_iter().flatten().flat_map(|part| {
        let part = part.trim();
        let nothing = part.is_empty().then_some(part);
        part.split_whitespace().chain(nothing)
    })
}

/// Where `part`, a slice of `line`, begins in it.
fn offset_in(line: &str, part: &str) -> usize {
    (part.as_ptr() as usize)
        .saturating_sub(line.as_ptr() as usize)
        .min(line.len())
}

/// As much of a field as a message can show.
fn shorten(field: &str) -> &str {
    match field.char_indices().nth(24) {
        Some((end, _)) => &field[..end],
        None => field,
    }
}

fn check_cancel(i: usize, cancel: &CancelFlag) -> Result<(), LimitError> {
    if i.is_multiple_of(CHECK_EVERY) {
        cancel.check("item list")
    } else {
        Ok(())
    }
}

/// Items that were there before.
#[derive(Default)]
struct Repeated {
    count: usize,
    first: Option<(usize, Range<usize>)>,
}

impl Repeated {
    fn note(&mut self, line: usize, span: Range<usize>) {
        self.count += 1;
        self.first.get_or_insert((line, span));
    }

    fn warning(self) -> Option<Diagnostic> {
        let (line, span) = self.first?;
        let also = match self.count {
            1 => String::new(),
            n => format!(", and {} more are", n - 1),
        };
        let message = format!(
            "line {} is there before{also}: equal items count once",
            line + 1
        );
        Some(Diagnostic::new(
            "duplicate-item",
            message,
            Place::span(span),
        ))
    }
}

/// Which items of a list repeat earlier ones; asked only when some do.
fn repeated_items(items: &ItemList, spans: &[Range<usize>]) -> Repeated {
    let mut seen: FxHashSet<&[TokenId]> = FxHashSet::default();
    let mut repeated = Repeated::default();
    for (line, (item, span)) in items.iter().zip(spans).enumerate() {
        if !seen.insert(item) {
            repeated.note(line, span.clone());
        }
    }
    repeated
}

fn no_items() -> Diagnostics {
    Diagnostic::new("no-items", "the list has no items", Place::default())
        .with_help("write one item a line")
        .into()
}

fn empty_line(line: usize, span: Range<usize>) -> Diagnostics {
    Diagnostic::new(
        "empty-item",
        format!("line {} is empty", line + 1),
        Place::span(span),
    )
    .with_help("take the line out: an item cannot be empty")
    .into()
}

fn end_token(place_name: &str, token: TokenId, place: Place) -> Diagnostic {
    let message = format!(
        "{place_name} holds token {}, which ends the output",
        token.0
    );
    Diagnostic::new("end-token-in-item", message, place)
        .with_help("leave it out: end tokens are allowed where an item is complete")
}

fn out_of_range(place_name: &str, id: u64, width: usize, place: Place) -> Diagnostic {
    let message = format!("{place_name} has the token id {id}, the model has {width} logits");
    Diagnostic::new("token-id-range", message, place)
        .with_help("is the list for another vocabulary?")
}
