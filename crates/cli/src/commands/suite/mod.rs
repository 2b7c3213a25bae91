//! `suite`: replays whole corpora, and counts the verdicts.
//!
//! Files, in the order in which the data run: `corpus` finds and reads files, `replay` judges a
//! schema and its instances, `verdict` holds what came out, `summary` counts it. This file holds
//! them together: one worker thread judges file after file, and this thread watches over it, so that
//! a file that panics, crosses a limit or takes too long loses nothing but itself. A worker that
//! does not even listen to its cancel flag is left behind, and another one goes on.

mod corpus;
mod replay;
mod summary;
mod verdict;

use super::Manner;
use crate::args::{SuiteArgs, SuiteFormat};
use crate::error::{Error, Result};
use crate::output::Out;
use crate::progress::Progress;
use crate::source::{frame_options, limits};
use crate::vocabulary::{self, BYTES, Tokenizer};
use corpus::CorpusFile;
use maskwright_compiler::{Compiler, JsonSchemaOptions};
use maskwright_grammar::json_schema::json::ValueId;
use maskwright_grammar::json_schema::{Draft, FormatMode, Options};
use maskwright_tables::{CancelFlag, Limits, Vocabulary};
use replay::Replayer;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::panic::{self, AssertUnwindSafe};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use summary::Summary;
use verdict::{Line, Row, Times, Verdict};

/// The code of a file that was given up.
const TIMED_OUT: &str = "timed-out";

/// How long a worker has to notice that it was cancelled.
const GRACE: Duration = Duration::from_secs(5);

/// The stack of a worker. Nothing recurses on what a file holds; a bug that does should end in a
/// limit and not in a signal.
const STACK_BYTES: usize = 256 << 20;

/// A schema and its instances.
#[derive(Debug)]
struct Case<'d> {
    description: &'d str,
    schema: &'d str,
    instances: Vec<Instance<'d>>,
}

/// A document and whether the schema should accept it.
#[derive(Debug)]
struct Instance<'d> {
    description: &'d str,
    data: ValueId,
    valid: bool,
}

/// What workers share.
struct Shared {
    format: SuiteFormat,
    files: Vec<CorpusFile>,
    vocabulary: Arc<Vocabulary>,
    tokenizer: Tokenizer,
    limits: Limits,
    options: HashMap<(Draft, FormatMode), JsonSchemaOptions>,
    sort_keys: bool,
    cold: bool,
    /// What the last panic said.
    panicked: Arc<Mutex<Option<String>>>,
}

/// Runs the command. The answer is yes if all pass.
pub fn run(args: &SuiteArgs, manner: Manner) -> Result<bool> {
    let files = corpus::files(&args.files, args.list.as_deref(), args.format, args.formats)?;
    let registry = corpus::remotes(args.remotes.as_deref())?;
    let default = match args.format {
        SuiteFormat::Maskbench => super::artifact::DEFAULT,
        SuiteFormat::JsonSchemaTestSuite => BYTES,
    };
    let (preparing, _) = Progress::start(!manner.quiet, "preparing the vocabulary", None);
    let chosen = vocabulary::choose(&args.vocabulary, default)?;
    let tokenizer = Tokenizer::new(&chosen);
    let vocabulary = chosen.vocabulary;
    // Built on first use, which should not be the first file's.
    vocabulary.trie();
    drop(preparing);
    let mut options = HashMap::new();
    for file in &files {
        options
            .entry((file.draft, file.format))
            .or_insert_with(|| JsonSchemaOptions {
                reading: Options {
                    default_draft: file.draft,
                    format: file.format,
                    registry: registry.clone(),
                    ..Options::default()
                },
                writing: frame_options(args.writing),
            });
    }
    let panicked = Arc::new(Mutex::new(None));
    let shared = Arc::new(Shared {
        format: args.format,
        files,
        vocabulary,
        tokenizer,
        limits: limits(args.limits),
        options,
        sort_keys: args.sort_keys,
        cold: args.cold,
        panicked: Arc::clone(&panicked),
    });
    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        *panicked.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(info.to_string().replace('\n', " "));
    }));
    let answer = replay_all(args, manner, &shared);
    panic::set_hook(hook);
    answer
}

/// Replays all files and prints what came out.
fn replay_all(args: &SuiteArgs, manner: Manner, shared: &Arc<Shared>) -> Result<bool> {
    let to_stdout = manner.json || args.json.as_deref() == Some("-");
    let mut lines: Option<Box<dyn Write>> = match args.json.as_deref() {
        _ if to_stdout => Some(Box::new(std::io::stdout().lock())),
        Some(path) => {
            let file = File::create(path).map_err(|e| Error::file("cannot-write", path, &e))?;
            Some(Box::new(BufWriter::new(file)))
        }
        None => None,
    };
    let mut summary = Summary::new(shared.format, &shared.files);
    let mut times = Times::default();
    let mut failures = Vec::new();
    let mut worker = Worker::start(shared)?;
    let total = shared.files.len() as u64;
    let (progress, bar) = Progress::start(!manner.quiet, "replaying", Some(total));
    for (index, file) in shared.files.iter().enumerate() {
        let (rows, mut spent) =
            worker.judge(shared, index, Duration::from_secs(args.time_limit))?;
        times.append(&mut spent);
        for row in rows {
            summary.add(&row);
            if let Some(out) = &mut lines {
                let written = writeln!(out, "{}", row.to_json(&file.name));
                written.map_err(|e| json_error(args, e))?;
            }
            if row.line.verdict != Verdict::Pass {
                failures.push(row);
            }
        }
        bar.inc(1);
    }
    drop(progress);
    if let Some(mut out) = lines {
        out.flush().map_err(|e| json_error(args, e))?;
    }
    if let Some(path) = &args.markdown {
        summary.write_markdown(path)?;
    }
    if to_stdout {
        return Ok(summary.all_pass());
    }
    let mut out = Out::new();
    for row in failures.iter().take(args.show) {
        out.line(failure_line(row, &shared.files[row.file].name))?;
    }
    if failures.len() > args.show {
        let more = failures.len() - args.show;
        out.line(format!("… and {more} more (--show N, --json OUT.jsonl)"))?;
    }
    if !failures.is_empty() && args.show > 0 {
        out.line("")?;
    }
    for line in summary.lines((!args.no_times).then_some(&mut times)) {
        out.line(line)?;
    }
    out.finish(summary.all_pass())
}

fn json_error(args: &SuiteArgs, e: std::io::Error) -> Error {
    match args.json.as_deref() {
        Some(path) if path != "-" => Error::file("cannot-write", path, &e),
        _ => Error::from(e),
    }
}

/// What is wrong with a file or case, on one line.
fn failure_line(row: &Row, name: &str) -> String {
    let line = &row.line;
    let case = row
        .case
        .as_ref()
        .map_or_else(String::new, |c| format!(" [{c}]"));
    let code = line.code.as_deref().unwrap_or_default();
    let place = match line.pointer.as_deref() {
        Some("") => " at the root".to_owned(),
        Some(pointer) => format!(" at {pointer}"),
        None => String::new(),
    };
    let message = line.message.as_deref().unwrap_or_default();
    format!(
        "{} {name}{case}: {code}{place}: {message}",
        line.verdict.name()
    )
}

/// A thread that judges files, one at a time.
struct Worker {
    jobs: Sender<usize>,
    done: Receiver<(Vec<Row>, Times)>,
    /// The flag of the compiler in use.
    cancel: Arc<Mutex<CancelFlag>>,
}

impl Worker {
    fn start(shared: &Arc<Shared>) -> Result<Self> {
        let (jobs, todo) = channel();
        let (sender, done) = channel();
        let cancel = Arc::new(Mutex::new(CancelFlag::new()));
        let (shared, current) = (Arc::clone(shared), Arc::clone(&cancel));
        let thread = std::thread::Builder::new()
            .name("replay".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || work(&shared, &todo, &sender, &current));
        thread.map_err(|e| Error::new("no-thread", format!("cannot start a thread: {e}")))?;
        Ok(Worker { jobs, done, cancel })
    }

    /// The rows of a file; a file that gives none in time gets the row that says so.
    fn judge(
        &mut self,
        shared: &Arc<Shared>,
        index: usize,
        limit: Duration,
    ) -> Result<(Vec<Row>, Times)> {
        // A worker that is gone does not answer, which comes out below.
        let _ = self.jobs.send(index);
        let mut answer = self.done.recv_timeout(limit);
        if matches!(answer, Err(RecvTimeoutError::Timeout)) {
            let flag = self
                .cancel
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            flag.cancel();
            answer = self.done.recv_timeout(GRACE);
        }
        let line = match answer {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Timeout) => {
                let spent = limit + GRACE;
                Line::crash(
                    TIMED_OUT,
                    format!("no answer after {spent:?}, nor to a cancel"),
                )
            }
            Err(RecvTimeoutError::Disconnected) => Line::crash("panic", "the thread is gone"),
        };
        *self = Worker::start(shared)?;
        Ok((vec![Row::of_file(index, line)], Times::default()))
    }
}

/// The loop of a worker.
fn work(
    shared: &Shared,
    todo: &Receiver<usize>,
    done: &Sender<(Vec<Row>, Times)>,
    current: &Mutex<CancelFlag>,
) {
    let mut compiler: Option<(Compiler, CancelFlag)> = None;
    while let Ok(index) = todo.recv() {
        let (made, flag) = compiler.get_or_insert_with(|| {
            let flag = CancelFlag::new();
            let made = Compiler::new(Arc::clone(&shared.vocabulary), shared.limits);
            (made.with_cancel(flag.clone()), flag)
        });
        *current.lock().unwrap_or_else(PoisonError::into_inner) = flag.clone();
        let mut times = Times::default();
        let judged = panic::catch_unwind(AssertUnwindSafe(|| {
            judge(shared, index, made, flag, &mut times)
        }));
        let clean = judged.is_ok() && !flag.is_cancelled();
        let rows = judged.unwrap_or_else(|_| {
            let mut said = shared
                .panicked
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let line = Line::crash("panic", said.take().unwrap_or_default());
            vec![Row::of_file(index, line)]
        });
        if shared.cold || !clean {
            compiler = None;
        }
        if done.send((rows, times)).is_err() {
            // Left behind.
            return;
        }
    }
}

/// The rows of a file.
fn judge(
    shared: &Shared,
    index: usize,
    compiler: &Compiler,
    cancel: &CancelFlag,
    times: &mut Times,
) -> Vec<Row> {
    let file = &shared.files[index];
    let bad = |message| vec![Row::of_file(index, Line::crash("bad-file", message))];
    let Some(options) = shared.options.get(&(file.draft, file.format)) else {
        return bad("there are no options for its draft".to_owned());
    };
    let text = match corpus::read(file) {
        Ok(text) => text,
        Err(message) => return bad(message),
    };
    let document = match corpus::parse(&text) {
        Ok(document) => document,
        Err(message) => return bad(message),
    };
    let cases = match corpus::cases(&document, shared.format) {
        Ok(cases) => cases,
        Err(message) => return bad(message),
    };
    let replayer = Replayer {
        compiler,
        options,
        tokenizer: &shared.tokenizer,
        cancel,
        sort_keys: shared.sort_keys,
    };
    let mut rows = Vec::new();
    for case in cases {
        let judgements = replayer.judge(&document, &case, times);
        match shared.format {
            SuiteFormat::Maskbench => rows.extend(Row::of_judgements(index, judgements, times)),
            SuiteFormat::JsonSchemaTestSuite => {
                for judgement in judgements {
                    times.mask.extend(&judgement.mask_ns);
                    times.advance.extend(&judgement.advance_ns);
                    times.between.extend(&judgement.between_ns);
                    let name = judgement.instance.map(|(_, description)| description);
                    rows.push(Row {
                        file: index,
                        has_tests: name.is_some(),
                        case: Some(match name {
                            Some(name) => format!("{} / {name}", case.description),
                            None => case.description.to_owned(),
                        }),
                        line: judgement.line,
                        lists: None,
                    });
                }
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared() -> Arc<Shared> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd/suite/maskbench");
        let format = SuiteFormat::Maskbench;
        let files = corpus::files(&[folder.to_owned()], None, format, None).unwrap();
        let vocabulary = Arc::new(vocabulary::bytes().unwrap());
        let key = (files[0].draft, files[0].format);
        Arc::new(Shared {
            format,
            files,
            tokenizer: Tokenizer::Greedy(Arc::clone(&vocabulary)),
            vocabulary,
            limits: Limits::untrusted(),
            options: HashMap::from([(key, JsonSchemaOptions::default())]),
            sort_keys: false,
            cold: false,
            panicked: Arc::default(),
        })
    }

    const LONG: Duration = Duration::from_secs(600);

    fn verdict(
        worker: &mut Worker,
        shared: &Arc<Shared>,
        file: usize,
    ) -> (Verdict, Option<String>) {
        let (rows, _) = worker.judge(shared, file, LONG).unwrap();
        assert_eq!(rows.len(), 1);
        (rows[0].line.verdict, rows[0].line.code.clone())
    }

    #[test]
    fn a_panic_loses_one_file() {
        let shared = shared();
        let mut worker = Worker::start(&shared).unwrap();
        assert_eq!(verdict(&mut worker, &shared, 0), (Verdict::Pass, None));
        // A file that is not there is a bug of this program.
        let panicked = (Verdict::Crash, Some("panic".to_owned()));
        assert_eq!(verdict(&mut worker, &shared, 1_000), panicked);
        assert_eq!(verdict(&mut worker, &shared, 0), (Verdict::Pass, None));
    }

    #[test]
    fn a_file_that_is_given_up_loses_one_file() {
        let shared = shared();
        let mut worker = Worker::start(&shared).unwrap();
        // Given up at once: what comes back is what was done before the cancel was heard.
        let (rows, _) = worker.judge(&shared, 0, Duration::ZERO).unwrap();
        assert_eq!(rows.len(), 1);
        let line = &rows[0].line;
        let done = line.verdict == Verdict::Pass;
        assert!(done || line.code.as_deref() == Some(TIMED_OUT), "{line:?}");
        assert_eq!(verdict(&mut worker, &shared, 0), (Verdict::Pass, None));
        // A worker that is gone is replaced.
        let (_, done) = channel();
        worker.done = done;
        let gone = (Verdict::Crash, Some("panic".to_owned()));
        assert_eq!(verdict(&mut worker, &shared, 0), gone);
        assert_eq!(verdict(&mut worker, &shared, 0), (Verdict::Pass, None));
    }
}
