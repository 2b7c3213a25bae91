//! `compile`, `inspect` and `verify`: artifacts.

use super::Manner;
use super::contexts::{Contexts, Readings, contexts, readings};
use crate::args::{CompileArgs, InspectArgs, Kind};
use crate::error::{Error, Result};
use crate::input;
use crate::output::{Out, table, thousands};
use crate::progress::Progress;
use crate::source::{Compiled, Opened, Source};
use crate::vocabulary;
use maskwright_compiler::vocabulary::embedded;
use maskwright_compiler::{CompiledGrammar, FreezeBudget, FreezeProgress};
use maskwright_runtime::FrozenMachine;
use maskwright_tables::artifact::{Fingerprint, Section, kinds};
use maskwright_tables::item_trie::sections as item_sections;
use maskwright_tables::pushdown::{FINAL, Matrix, PushdownTables, StackAutomaton, sections};
use maskwright_tables::{
    Artifact, ArtifactError, ArtifactWriter, CancelFlag, ItemMachine, ItemTrie, LexState, Limits,
    Machine, Vocabulary,
};
use serde_json::json;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

/// The vocabulary when none is asked for.
pub const DEFAULT: &str = "o200k_base";

fn bad_artifact(name: &str, e: &ArtifactError) -> Error {
    Error::new("bad-artifact", format!("{name}: {e}"))
}

/// Opens an artifact as a machine. It must have been compiled for `vocabulary`.
pub fn open(
    bytes: &[u8],
    vocabulary: Arc<Vocabulary>,
    limits: Limits,
    name: &str,
) -> Result<Opened> {
    let failed = |e| bad_artifact(name, &e);
    let artifact = Artifact::open(bytes).map_err(failed)?;
    // The whole file was read to get here, so its checksums cost little beside that.
    artifact.verify().map_err(failed)?;
    let machine: Arc<dyn Machine> = if ItemTrie::is_in(&artifact) {
        Arc::new(ItemMachine::read(&artifact, vocabulary, limits).map_err(failed)?)
    } else {
        Arc::new(FrozenMachine::read(&artifact, vocabulary, limits).map_err(failed)?)
    };
    Ok(Opened {
        machine,
        compiled: Compiled::Artifact,
    })
}

/// The vocabulary that an artifact was compiled for, if it holds it or it is built in.
pub fn vocabulary_of(bytes: &[u8], name: &str) -> Result<Option<Arc<Vocabulary>>> {
    let failed = |e| bad_artifact(name, &e);
    let artifact = Artifact::open(bytes).map_err(failed)?;
    if artifact.section(kinds::VOCABULARY_OFFSETS, 0).is_some() {
        return Vocabulary::from_artifact(&artifact)
            .map(|v| Some(Arc::new(v)))
            .map_err(failed);
    }
    let wanted = artifact.vocabulary_fingerprint();
    let built_in = embedded::names()
        .filter_map(embedded::get)
        .chain([Arc::new(vocabulary::bytes()?)]);
    Ok(built_in.into_iter().find(|v| v.fingerprint() == wanted))
}

/// `compile`
pub fn compile(args: &CompileArgs, manner: Manner) -> Result<bool> {
    keep_what_is_there(&args.output, args.force)?;
    let (progress, _) = Progress::start(!manner.quiet, "preparing vocabulary and grammar", None);
    let source = Source::read(&args.source)?;
    if source.kind() == Kind::Artifact {
        return Err(Error::new(
            "bad-kind",
            format!("{} is compiled already", args.source.source),
        ));
    }
    let vocabulary = vocabulary::choose(&args.vocabulary, DEFAULT)?.vocabulary;
    let opened = source.compile(vocabulary.clone(), manner.quiet)?;
    drop(progress);
    let pushdown;
    let (tables, counts): (Tables<'_>, [(&str, usize); 3]) = match &opened.compiled {
        Compiled::Grammar(grammar) => {
            pushdown = freeze(args, grammar, manner)?;
            let counts = [
                ("symbols", pushdown.symbols as usize),
                ("lexical states", pushdown.lexical.rows()),
                ("unions", pushdown.unions.0.len().saturating_sub(1)),
            ];
            (Tables::Pushdown(&pushdown), counts)
        }
        Compiled::Items(items) => {
            let trie = items.trie();
            let counts = [
                ("items", trie.len()),
                ("nodes", trie.nodes()),
                ("table bytes", trie.table_bytes()),
            ];
            (Tables::Items(trie), counts)
        }
        Compiled::Artifact => {
            return Err(Error::new(
                "bad-kind",
                "an artifact cannot be compiled again",
            ));
        }
    };
    let source_fingerprint: Fingerprint = blake3::hash(source.bytes()).into();
    let mut writer = ArtifactWriter::new(*vocabulary.fingerprint(), source_fingerprint);
    let bytes = match tables {
        Tables::Pushdown(tables) => tables.write_to(&mut writer),
        Tables::Items(trie) => trie.write_to(&mut writer),
    }
    .and_then(|()| {
        if args.with_vocabulary {
            vocabulary.write_to(&mut writer)
        } else {
            Ok(())
        }
    })
    .map_err(|e| bad_artifact(&args.output, &e))
    .map(|()| writer.finish())?;
    let left_out = match tables {
        Tables::Pushdown(tables) if !tables.complete => Some(rows_made(tables)),
        _ => None,
    };
    if let Some((made, left_out)) = left_out
        && !manner.quiet
        && !manner.json
    {
        eprintln!(
            "warning: the budget ran out: rows for {} of {} lexical states were left out. A matcher that \
             comes to one of them reports it; advancing works everywhere. Compile with a larger --max-bytes or \
             --max-questions for all of them",
            thousands(left_out),
            thousands(made + left_out)
        );
    }
    let mut out = Out::new();
    if args.output == "-" {
        out.bytes(&bytes)?;
        return out.finish(true);
    }
    write_whole(&args.output, &bytes)?;
    if manner.json {
        let mut value = json!({
            "output": args.output,
            "bytes": bytes.len(),
            "vocabulary": vocabulary.name(),
        });
        for (what, n) in counts {
            value[what.replace(' ', "_")] = n.into();
        }
        if let Some((made, left_out)) = left_out {
            value["lexical_states_with_rows"] = made.into();
            value["lexical_states_left_out"] = left_out.into();
        }
        out.json(&value)?;
    } else if !manner.quiet {
        let counts = counts
            .map(|(what, n)| format!("{} {what}", thousands(n)))
            .join(", ");
        let (size, name) = (thousands(bytes.len()), vocabulary.name());
        out.line(format!(
            "{}: {size} bytes for {name} ({counts})",
            args.output
        ))?;
    }
    out.finish(true)
}

/// What goes into an artifact.
enum Tables<'a> {
    Pushdown(&'a PushdownTables<'static>),
    Items(&'a ItemTrie<'static>),
}

/// Tabulates a grammar.
fn freeze(
    args: &CompileArgs,
    grammar: &CompiledGrammar,
    manner: Manner,
) -> Result<PushdownTables<'static>> {
    let (_progress, bar) = Progress::start(!manner.quiet, "steps", Some(0));
    let budget = FreezeBudget {
        questions: args.max_questions,
        lexical_states: args.max_states,
        bytes: args.max_bytes,
        jobs: args.jobs,
        partial: !args.whole,
    };
    let mut progress = |at: FreezeProgress| {
        bar.set_message(at.stage);
        bar.set_length(at.of as u64);
        bar.set_position(at.done as u64);
    };
    grammar.freeze(budget, &CancelFlag::new(), &mut progress).map_err(|e| {
        Error::new("not-tabulated", e.to_string()).with_help(
            "give a larger budget (--max-states, --max-bytes, --max-questions), or use the source as it is: it need not be \
             compiled ahead of time",
        )
    })
}

/// Lexical states that have rows, and those whose rows were left out for lack of budget.
fn rows_made(machine: &PushdownTables<'_>) -> (usize, usize) {
    let states = (1..machine.lexical.rows() as u32).map(LexState);
    let (made, left_out): (Vec<_>, Vec<_>) = states
        .filter(|q| !machine.has_flag(*q, FINAL))
        .partition(|q| machine.rows.roots.get(q.index()).is_some_and(|r| *r > 0));
    (made.len(), left_out.len())
}

/// Refuses to overwrite a file that is there, unless forced to.
pub(super) fn keep_what_is_there(path: &str, force: bool) -> Result<()> {
    if path != "-" && !force && Path::new(path).exists() {
        return Err(Error::new("exists", format!("{path} is there already"))
            .with_help("overwrite it with --force"));
    }
    Ok(())
}

/// Writes a file that is never seen half written: into a new file beside it, then renamed.
pub(super) fn write_whole(path: &str, bytes: &[u8]) -> Result<()> {
    let failed = |e| Error::file("cannot-write", path, &e);
    let beside = format!("{path}.{}.part", std::process::id());
    let written = fs::File::create(&beside)
        .and_then(|mut f| f.write_all(bytes).and_then(|()| f.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    written.map_err(failed)
}

/// A table of an artifact, as `inspect` shows it.
struct Table {
    name: &'static str,
    rows: usize,
    columns: usize,
    entries: usize,
    bytes: u64,
}

/// What each kind of section is called.
fn section_name(kind: u32) -> &'static str {
    let automaton = sections::AUTOMATON;
    match kind {
        kinds::VOCABULARY_NUMBERS => "vocabulary: numbers",
        kinds::VOCABULARY_NAME => "vocabulary: name",
        kinds::VOCABULARY_OFFSETS => "vocabulary: offsets",
        kinds::VOCABULARY_BYTES => "vocabulary: bytes",
        kinds::VOCABULARY_KINDS => "vocabulary: kinds",
        kinds::VOCABULARY_END_TOKENS => "vocabulary: end tokens",
        kinds::TRIE_NODES => "trie: nodes",
        kinds::TRIE_TOKENS => "trie: tokens",
        sections::NUMBERS => "numbers",
        sections::CLASSES => "byte classes",
        k if k == sections::LEXICAL => "lexical: indptr",
        k if k == sections::LEXICAL + 1 => "lexical: indices",
        k if k == sections::LEXICAL + 2 => "lexical: data",
        sections::ACCEPT => "lexical: accept",
        sections::FLAGS => "lexical: flags",
        sections::LEX_START => "lexical starts",
        k if k == automaton => "stack automaton: roots",
        k if k == automaton + 1 => "stack automaton: indptr",
        k if k == automaton + 2 => "stack automaton: indices",
        k if k == automaton + 3 => "stack automaton: data",
        k if k == automaton + 4 => "stack automaton: defaults",
        k if k == automaton + 5 => "stack automaton: edges",
        sections::ACTION_LISTS => "actions: lists",
        sections::ACTIONS => "actions",
        sections::PUSHES => "actions: pushes",
        k if k == sections::UNIONS => "unions: indptr",
        k if k == sections::UNIONS + 1 => "unions: indices",
        k if k == sections::LISTS => "token lists: indptr",
        k if k == sections::LISTS + 1 => "token lists: indices",
        sections::BITSETS => "bitsets",
        sections::DIFFER => "differing lexemes: classes of symbols",
        k if k == sections::DIFFERING => "differing lexemes: indptr",
        k if k == sections::DIFFERING + 1 => "differing lexemes: indices",
        sections::TERMINALS => "token terminals",
        item_sections::NUMBERS => "item trie: numbers",
        item_sections::INDPTR => "item trie: indptr",
        item_sections::TOKENS => "item trie: tokens",
        item_sections::ENDS => "item trie: ends",
        _ => "unknown",
    }
}

/// The tables of a machine. Bytes are those of their sections, padding not counted.
fn tables_of(artifact: &Artifact<'_>, machine: &PushdownTables<'_>) -> Vec<Table> {
    let size = |kind: u32, id: u32| artifact.section(kind, id).map_or(0, |s| s.len);
    let sizes = |kind: u32, id: u32, n: u32| (kind..kind + n).map(|k| size(k, id)).sum::<u64>();
    let matrix = |name, m: &Matrix<'_>, bytes| Table {
        name,
        rows: m.rows(),
        columns: m.columns() as usize,
        entries: m.nnz(),
        bytes,
    };
    let vector = |name, len: usize, bytes| Table {
        name,
        rows: len,
        columns: 1,
        entries: len,
        bytes,
    };
    let width = 32 * machine.words as usize;
    let (bitsets, lists) = machine.set_counts();
    let set: u32 = machine.bitsets.iter().map(|w| w.count_ones()).sum();
    let nodes = |name, automaton: &StackAutomaton<'_>, id| {
        matrix(
            name,
            &automaton.nodes,
            sizes(sections::AUTOMATON + 1, id, 3),
        )
    };
    let edges = |name, automaton: &StackAutomaton<'_>, id| {
        let len = automaton.edges.len() / 3;
        Table {
            name,
            rows: len,
            columns: 3,
            entries: automaton.edges.len(),
            bytes: size(sections::AUTOMATON, id)
                + size(sections::AUTOMATON + 4, id)
                + size(sections::AUTOMATON + 5, id),
        }
    };
    vec![
        vector(
            "byte classes",
            machine.classes.len(),
            size(sections::CLASSES, 0),
        ),
        matrix("lexical", &machine.lexical, sizes(sections::LEXICAL, 0, 3)),
        vector(
            "lexical accept",
            machine.accept.len(),
            size(sections::ACCEPT, 0),
        ),
        vector(
            "lexical flags",
            machine.flags.len(),
            size(sections::FLAGS, 0),
        ),
        vector(
            "lexical starts",
            machine.lex_start.len(),
            size(sections::LEX_START, 0),
        ),
        nodes("steps: nodes", &machine.steps, 0),
        edges("steps: edges", &machine.steps, 0),
        nodes("rows: nodes", &machine.rows, 1),
        edges("rows: edges", &machine.rows, 1),
        nodes("ends: nodes", &machine.ends, 2),
        edges("ends: edges", &machine.ends, 2),
        Table {
            name: "actions",
            rows: machine.action_lists.len().saturating_sub(1),
            columns: 2,
            entries: machine.actions.len() / 2,
            bytes: sizes(sections::ACTION_LISTS, 0, 3),
        },
        Table {
            name: "unions",
            rows: machine.unions.0.len().saturating_sub(1),
            columns: bitsets + lists,
            entries: machine.unions.1.len(),
            bytes: sizes(sections::UNIONS, 0, 2),
        },
        Table {
            name: "token lists",
            rows: lists,
            columns: width,
            entries: machine.lists.1.len(),
            bytes: sizes(sections::LISTS, 0, 2),
        },
        Table {
            name: "token bitsets",
            rows: bitsets,
            columns: width,
            entries: set as usize,
            bytes: size(sections::BITSETS, 0),
        },
        Table {
            name: "differing lexemes",
            rows: machine.differing.0.len().saturating_sub(1),
            columns: machine.label_sets as usize,
            entries: machine.differing.1.len(),
            bytes: sizes(sections::DIFFER, 0, 3),
        },
        vector(
            "token terminals",
            machine.terminals.len(),
            size(sections::TERMINALS, 0),
        ),
    ]
}

/// An item list, as one table.
fn items_of(trie: &ItemTrie<'_>) -> Table {
    Table {
        name: "item trie",
        rows: trie.nodes(),
        columns: trie.width(),
        entries: trie.nodes().saturating_sub(1),
        bytes: trie.table_bytes() as u64,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What `inspect` says of the machine.
fn about(readings: &Readings, found: &Contexts) -> Vec<String> {
    let mut lines = vec![match readings.conflicts {
        0 => format!(
            "conflicts 0, stacks 1: each of {} ways to end a lexeme leaves one stack",
            thousands(readings.single)
        ),
        n => format!(
            "conflicts {}: so many ways to end a lexeme can leave several stacks ({} leave one)",
            thousands(n),
            thousands(readings.single)
        ),
    }];
    let all: u64 = found.tokens.iter().sum();
    let share = |n: u64| format!("{:.2} %", 100.0 * n as f64 / (all as f64).max(1.0));
    lines.push(format!(
        "row contexts {} ({} looked at): {} decided by lexical state and top alone",
        thousands(found.contexts),
        thousands(found.sampled),
        thousands(found.decided)
    ));
    lines.push(format!(
        "tokens over contexts: accepted {}, rejected {}, context-dependent {}",
        share(found.tokens[0]),
        share(found.tokens[2]),
        share(found.tokens[1])
    ));
    for (state, symbol, accepted, open) in &found.widest {
        let top = symbol.map_or("any other".to_owned(), |s| s.to_string());
        lines.push(format!(
            "  lexical state {state}, top {top}: {} accepted, {} context-dependent",
            thousands(*accepted),
            thousands(*open)
        ));
    }
    if found.states.1 > 0 {
        lines.push(format!(
            "left out for lack of budget: the rows of {} of {} lexical states",
            thousands(found.states.1),
            thousands(found.states.0 + found.states.1)
        ));
    }
    lines
}

/// `inspect`
pub fn inspect(args: &InspectArgs, manner: Manner) -> Result<bool> {
    let name = input::name(&args.artifact);
    let bytes = input::map(&args.artifact)?;
    let failed = |e| bad_artifact(name, &e);
    let artifact = Artifact::open(&bytes).map_err(failed)?;
    // A stored vocabulary is an artifact too, without a machine.
    let mut tables = Vec::new();
    let mut machine = None;
    if PushdownTables::is_in(&artifact) {
        let read = PushdownTables::read(&artifact).map_err(failed)?;
        tables.extend(tables_of(&artifact, &read));
        machine = Some((readings(&read), contexts(&read, 32 * read.words as usize)));
    }
    if ItemTrie::is_in(&artifact) {
        tables.push(items_of(&ItemTrie::read(&artifact).map_err(failed)?));
    }
    let all: Vec<Section> = artifact.sections().collect();
    let mut out = Out::new();
    if manner.json {
        let machine = machine.as_ref().map(|(readings, found)| {
            json!({
                "conflicts": readings.conflicts,
                "stacks": (readings.conflicts == 0).then_some(1),
                "lexical_states_with_rows": found.states.0,
                "lexical_states_left_out": found.states.1,
                "row_contexts": found.contexts,
                "sampled": found.sampled,
                "decided_by_the_context": found.decided,
                "accepted": found.tokens[0],
                "context_dependent": found.tokens[1],
                "rejected": found.tokens[2],
            })
        });
        out.json(&json!({
            "file": name,
            "bytes": bytes.len(),
            "machine": machine,
            "version": maskwright_tables::artifact::VERSION,
            "vocabulary_fingerprint": hex(artifact.vocabulary_fingerprint()),
            "source_fingerprint": hex(artifact.source_fingerprint()),
            "tables": tables.iter().map(|t| json!({
                "name": t.name, "rows": t.rows, "columns": t.columns, "entries": t.entries, "bytes": t.bytes,
            })).collect::<Vec<_>>(),
            "sections": all.iter().map(|s| json!({
                "kind": s.kind, "id": s.id, "name": section_name(s.kind), "offset": s.offset, "bytes": s.len,
            })).collect::<Vec<_>>(),
        }))?;
        return out.finish(true);
    }
    out.line(format!(
        "{name}: {} bytes, {} sections",
        thousands(bytes.len()),
        all.len()
    ))?;
    out.line(format!(
        "vocabulary {}",
        hex(artifact.vocabulary_fingerprint())
    ))?;
    out.line(format!("source     {}", hex(artifact.source_fingerprint())))?;
    if !tables.is_empty() {
        let cells = ["table", "rows", "columns", "entries", "bytes"]
            .map(str::to_owned)
            .to_vec();
        let mut lines = vec![cells];
        lines.extend(tables.iter().map(|t| {
            let numbers = [t.rows, t.columns, t.entries, t.bytes as usize].map(thousands);
            [vec![t.name.to_owned()], numbers.to_vec()].concat()
        }));
        for line in table(&lines, 1) {
            out.line(line)?;
        }
    }
    if let Some((readings, found)) = &machine {
        for line in about(readings, found) {
            out.line(line)?;
        }
    }
    // The others are part of the tables above.
    let others: Vec<_> = all
        .iter()
        .filter(|s| tables.is_empty() || s.kind < kinds::FIRST_FREE)
        .collect();
    if !others.is_empty() {
        let mut lines = vec![["section", "bytes"].map(str::to_owned).to_vec()];
        lines.extend(
            others
                .iter()
                .map(|s| vec![section_name(s.kind).to_owned(), thousands(s.len as usize)]),
        );
        for line in table(&lines, 1) {
            out.line(line)?;
        }
    }
    out.finish(true)
}

/// `verify`. The answer is no for any file that can be read but is no sound artifact.
pub fn verify(args: &InspectArgs, manner: Manner) -> Result<bool> {
    let name = input::name(&args.artifact);
    let bytes = input::map(&args.artifact)?;
    let (progress, _) = Progress::start(!manner.quiet, "verifying", None);
    let verdict = checks(&bytes);
    drop(progress);
    let mut out = Out::new();
    let sound = verdict.is_ok();
    match (&verdict, manner.json) {
        (Ok(done), true) => out.json(&json!({ "file": name, "sound": true, "checked": done }))?,
        (Err(e), true) => {
            out.json(&json!({ "file": name, "sound": false, "error": e.to_string() }))?
        }
        (Ok(done), false) => out.line(format!("{name}: sound ({})", done.join(", ")))?,
        (Err(e), false) => out.line(format!("{name}: not sound: {e}"))?,
    }
    out.finish(sound)
}

/// All that can be checked of an artifact; what was.
fn checks(bytes: &[u8]) -> std::result::Result<Vec<&'static str>, ArtifactError> {
    let artifact = Artifact::open(bytes)?;
    artifact.verify()?;
    let mut done = vec!["layout", "checksums"];
    let has_machine = PushdownTables::is_in(&artifact);
    if has_machine {
        let tables = PushdownTables::read(&artifact)?;
        let width = match artifact.section(kinds::VOCABULARY_NUMBERS, 0) {
            Some(_) => artifact
                .words(kinds::VOCABULARY_NUMBERS, 0)?
                .first()
                .map_or(0, |w| *w as usize),
            // Without the vocabulary, as wide as the masks.
            None => 32 * tables.words as usize,
        };
        tables.check(width)?;
        done.push("tables");
    }
    let has_items = ItemTrie::is_in(&artifact);
    if has_items {
        ItemTrie::read(&artifact)?;
        done.push("item trie");
    }
    if artifact.section(kinds::VOCABULARY_OFFSETS, 0).is_some() {
        let vocabulary = Arc::new(Vocabulary::from_artifact(&artifact)?);
        vocabulary.verify_trie()?;
        done.push("vocabulary");
        if has_machine {
            FrozenMachine::read(&artifact, vocabulary.clone(), Limits::trusted())?;
        }
        if has_items {
            ItemMachine::read(&artifact, vocabulary, Limits::trusted())?;
        }
    }
    Ok(done)
}
