//! `generate`: whole texts from the built-in model, steered by a grammar.

use super::Manner;
use crate::args::{GenerateArgs, Kind, Method, Whitespace};
use crate::complete::Completer;
use crate::error::{Error, Result};
use crate::output::Out;
use crate::progress::Progress;
use crate::source::{Opened, Source};
use crate::{input, samples};
use maskwright_runtime::sampling::{
    Awrs, AwrsError, ConfigError, GreedyTokenizer, LanguageModel, Ngram, SampleError, Sampler,
    SamplerConfig,
};
use maskwright_runtime::{MatchErrorKind, Matcher, MatcherConfig, Row, RowScratch};
use maskwright_tables::{TokenId, Vocabulary};
use serde_json::{Value, json};
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

/// How many tokens the model looks back at, and the one that comes.
const ORDER: usize = 4;

/// How much more the texts beside a source count than the packed ones.
const WEIGHT: usize = 4;

/// How many items of a list are learned.
const MAX_ITEMS: usize = 10_000;

/// How often the search for an end is begun anew, some tokens later.
const ATTEMPTS: usize = 8;

/// A generated text.
struct Generated {
    tokens: Vec<TokenId>,
    text: Vec<u8>,
    /// How many of the tokens were chosen to come to an end.
    steered: usize,
    /// The logarithm of the text's probability under the law it was drawn from.
    log_prob: Option<f64>,
    /// The logarithm of the importance weight, of rejection sampling.
    log_weight: Option<f64>,
    /// Calls of the membership test.
    calls: u64,
}

/// Runs the command.
pub fn run(args: &GenerateArgs, manner: Manner) -> Result<bool> {
    let begin = Instant::now();
    let mut timings = Timings::default();
    let (progress, _) = Progress::start(
        !manner.quiet,
        "preparing vocabulary, grammar and model",
        None,
    );
    let source = Source::read(&args.source)?;
    let vocabulary = source.vocabulary(&args.vocabulary, super::artifact::DEFAULT)?;
    timings.lap("vocabulary", begin);
    let opened = timings.time("grammar", || {
        source.compile(vocabulary.clone(), manner.quiet)
    })?;
    let model = timings.time("model", || learn(args, &source, &vocabulary))?;
    drop(progress);

    let config = SamplerConfig {
        temperature: args.temperature,
        top_k: args.top_k,
        top_p: args.top_p,
        min_p: args.min_p,
        seed: args.seed,
    };
    let mut writer = Writer {
        opened: &opened,
        logits: vec![0.0; model.vocabulary_width()],
        model,
        completer: Completer::new(&vocabulary),
        max_tokens: args.max_tokens,
        scratch: RowScratch::new(),
        mask: vec![0; vocabulary.mask_words()],
    };
    // On a terminal the texts themselves show that it goes on.
    let shown = !manner.quiet && !io::stdout().is_terminal();
    let (_progress, bar) = Progress::start(shown, "generating", Some(args.count));
    let mut out = Out::new();
    let mut tokens = 0;
    let writing = Instant::now();
    for index in 0..args.count {
        let generated = match args.method {
            Method::Masked => {
                writer.masked(Sampler::with_stream(config, index).map_err(bad_setting)?)?
            }
            Method::Awrs => {
                writer.awrs(Awrs::with_stream(config, None, index).map_err(bad_setting)?)?
            }
        };
        tokens += generated.tokens.len();
        if manner.json {
            out.json(&to_json(index, &generated))?;
        } else {
            out.bytes(&generated.text)?;
            out.bytes(b"\n")?;
        }
        out.flush()?;
        bar.inc(1);
    }
    timings.lap("texts", writing);
    if args.timings {
        timings.print(tokens);
    }
    out.finish(true)
}

fn to_json(index: u64, generated: &Generated) -> Value {
    let text = std::str::from_utf8(&generated.text).ok();
    json!({
        "index": index,
        "text": text,
        // Only a grammar over bytes can give what is not UTF-8.
        "hex": text.is_none().then(|| generated.text.iter().map(|b| format!("{b:02x}")).collect::<String>()),
        "tokens": generated.tokens.iter().map(|t| t.0).collect::<Vec<_>>(),
        "steered": generated.steered,
        "log_prob": generated.log_prob,
        "log_weight": generated.log_weight,
        "calls": generated.calls,
    })
}

fn bad_setting(e: ConfigError) -> Error {
    Error::new("bad-setting", e.to_string())
}

/// Learns the model from the texts beside the source and those asked for, and for schemas from the
/// packed ones too: JSON texts have much in common, those of two grammars nothing.
fn learn(args: &GenerateArgs, source: &Source<'_>, vocabulary: &Vocabulary) -> Result<Ngram> {
    let beside = samples::beside(&args.source.source)?;
    let asked = args
        .learn
        .iter()
        .map(|f| input::read(f))
        .collect::<Result<Vec<_>>>()?;
    let tokenizer = GreedyTokenizer::new(vocabulary);
    let end = vocabulary.end_tokens().first().copied();
    let cut = |text: &[u8]| {
        // A text that this vocabulary cannot spell teaches nothing.
        let mut tokens = tokenizer.tokens(text).ok()?;
        tokens.extend(end);
        Some(tokens)
    };
    // The model forgets how a text began: given both styles of JSON it would mix them in one text.
    let json = matches!(source.kind(), Kind::JsonSchema | Kind::Artifact);
    let indented = args.source.writing.whitespace == Whitespace::Pretty;
    let in_style = |text: &&[u8]| !json || text.contains(&b'\n') == indented;
    let near = beside
        .iter()
        .chain(&asked)
        .map(Vec::as_slice)
        .filter(in_style);
    let near: Vec<_> = near.filter_map(cut).collect();
    let packed = match source.kind() {
        Kind::JsonSchema | Kind::Artifact => samples::packed(source.kind()),
        kind if near.is_empty() => samples::packed(kind),
        _ => Vec::new(),
    };
    let mut texts: Vec<_> = packed
        .into_iter()
        .filter(in_style)
        .filter_map(cut)
        .collect();
    let items = source.bytes().split(|b| *b == b'\n').take(MAX_ITEMS);
    match source.kind() {
        Kind::Items => texts.extend(items.map(<[u8]>::trim_ascii_end).filter_map(cut)),
        Kind::Ids => texts.extend(items.map(|line| {
            let ids = super::check::fields(line)
                .filter_map(|(_, f)| std::str::from_utf8(f).ok()?.parse().ok());
            ids.map(TokenId).chain(end).collect()
        })),
        _ => {}
    }
    for _ in 0..WEIGHT {
        texts.extend(near.iter().cloned());
    }
    Ok(Ngram::learn(vocabulary, ORDER, &texts))
}

/// Writes texts, one after the other.
struct Writer<'a> {
    opened: &'a Opened,
    model: Ngram,
    completer: Completer,
    max_tokens: usize,
    logits: Vec<f32>,
    scratch: RowScratch,
    mask: Vec<u32>,
}

impl Writer<'_> {
    fn masked(&mut self, mut sampler: Sampler) -> Result<Generated> {
        self.write(|writer, matcher, text| {
            let draw = match matcher.row(&mut writer.scratch)? {
                // Nothing to choose.
                Row::Few([token]) => {
                    text.tokens.push(*token);
                    return Ok(());
                }
                Row::Few(tokens) => {
                    writer.model.logits(&text.tokens, &mut writer.logits);
                    sampler.sample_among(&writer.logits, tokens)
                }
                Row::Dense(mask) => {
                    writer.model.logits(&text.tokens, &mut writer.logits);
                    sampler.sample(&writer.logits, mask)
                }
                row @ (Row::All | Row::Near { .. }) => {
                    row.fill(&mut writer.mask, matcher.vocabulary().width());
                    writer.model.logits(&text.tokens, &mut writer.logits);
                    sampler.sample(&writer.logits, &writer.mask)
                }
            };
            let draw = draw.map_err(bad_logits)?;
            text.log_prob = Some(text.log_prob.unwrap_or(0.0) + draw.log_prob);
            text.tokens.push(draw.token);
            Ok(())
        })
    }

    fn awrs(&mut self, mut awrs: Awrs) -> Result<Generated> {
        self.write(|writer, matcher, text| {
            writer.model.logits(&text.tokens, &mut writer.logits);
            let drawn = awrs
                .sample(&writer.logits, None, |t| matcher.is_allowed(t))
                .map_err(|e| match e {
                    AwrsError::Logits(e) => bad_logits(e),
                    AwrsError::Test(e) => Error::from(e),
                    e => Error::new("run-failed", e.to_string()),
                })?;
            text.calls += drawn.calls;
            let token = drawn
                .token
                .ok_or_else(|| bad_logits(SampleError::NothingAllowed))?;
            text.log_weight = Some(text.log_weight.unwrap_or(0.0) + drawn.log_weight);
            text.tokens.push(token);
            Ok(())
        })
    }

    /// Writes one text: `next` adds a token, until the text has ended or is long enough.
    fn write(
        &mut self,
        mut next: impl FnMut(&mut Self, &Matcher, &mut Generated) -> Result<()>,
    ) -> Result<Generated> {
        let config = MatcherConfig::new().history(0);
        let mut matcher = Matcher::with_config(self.opened.machine.clone(), config)?;
        let mut text = Generated {
            tokens: Vec::new(),
            text: Vec::new(),
            steered: 0,
            log_prob: None,
            log_weight: None,
            calls: 0,
        };
        let mut attempts = 0;
        let mut bound = self.max_tokens;
        let no_end_token = matcher.end_tokens().is_empty();
        while !matcher.is_terminated() {
            if no_end_token && matcher.is_accepting()? && is_dead_end(&matcher)? {
                break;
            }
            if text.tokens.len() < bound {
                next(self, &matcher, &mut text)?;
                if let Some(token) = text.tokens.last() {
                    matcher.advance(*token)?;
                }
                continue;
            }
            match self.completer.complete(&matcher)? {
                Some(way) => {
                    for token in &way {
                        matcher.advance(*token)?;
                    }
                    text.steered = way.len();
                    text.tokens.extend(way);
                    break;
                }
                // From another place the end may be nearer.
                None if attempts < ATTEMPTS => {
                    attempts += 1;
                    bound += (self.max_tokens / 4).max(16);
                }
                None => {
                    return Err(Error::new(
                        "no-end",
                        format!(
                            "no end was found for a text of {} tokens",
                            text.tokens.len()
                        ),
                    )
                    .with_help("give more room with --max-tokens"));
                }
            }
        }
        let vocabulary = matcher.vocabulary();
        if text
            .tokens
            .last()
            .is_some_and(|t| matcher.is_terminated() && vocabulary.is_end(*t))
        {
            text.tokens.pop();
        }
        text.text = if self.opened.machine.reads_tokens() {
            // Sequences of tokens are that, and not what the tokens may spell.
            let ids: Vec<String> = text.tokens.iter().map(|t| t.0.to_string()).collect();
            ids.join(" ").into_bytes()
        } else {
            text.tokens
                .iter()
                .flat_map(|t| vocabulary.bytes(*t))
                .copied()
                .collect()
        };
        Ok(text)
    }
}

/// Whether nothing can be added to a text that cannot be ended by a token either.
fn is_dead_end(matcher: &Matcher) -> Result<bool> {
    match matcher.row(&mut RowScratch::new()) {
        Ok(_) => Ok(false),
        Err(e) if matches!(e.kind(), MatchErrorKind::DeadEnd { accepting: true }) => Ok(true),
        Err(e) => Err(e.into()),
    }
}

fn bad_logits(e: SampleError) -> Error {
    Error::new("run-failed", e.to_string())
}

/// What the time went to.
#[derive(Debug, Default)]
struct Timings(Vec<(&'static str, Duration)>);

impl Timings {
    fn lap(&mut self, what: &'static str, since: Instant) {
        self.0.push((what, since.elapsed()));
    }

    fn time<T>(&mut self, what: &'static str, f: impl FnOnce() -> T) -> T {
        let since = Instant::now();
        let result = f();
        self.lap(what, since);
        result
    }

    fn print(&self, tokens: usize) {
        for (what, time) in &self.0 {
            eprintln!("{what:<12}{:>10.1} ms", time.as_secs_f64() * 1e3);
        }
        if let Some((_, time)) = self.0.last() {
            let each = time.as_secs_f64() * 1e6 / tokens.max(1) as f64;
            eprintln!("{:<12}{:>10} ({each:.1} µs each)", "tokens", tokens);
        }
    }
}
