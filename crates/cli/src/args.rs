//! What can be asked: the arguments of every subcommand.

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The text below every help page.
const EXIT_CODES: &str = "Exit codes: 0 done, or yes; 1 no (a text that does not match, an artifact that does not verify); 2 an error.\n`-` stands for standard input or output.";

/// Compiles grammars, shows what they allow, and generates text under them.
#[derive(Debug, Parser)]
#[command(name = "maskwright", version, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// Answer in JSON: one object a line on standard output, errors as one object on standard
    /// error.
    #[arg(long)]
    pub json: bool,

    /// No progress, no warnings.
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

impl Cli {
    /// Whether the answer, errors included, is JSON.
    pub fn answers_json(&self) -> bool {
        self.json
            || match &self.command {
                Command::Compile(c) => c.json,
                Command::Check(c) => c.json,
                Command::Mask(c) => c.json,
                Command::Generate(c) => c.json,
                Command::Convert(c) => c.json,
                Command::Inspect(c) | Command::Verify(c) => c.json,
                Command::Vocab(VocabArgs { command }) => match command {
                    VocabCommand::Inspect(c) => c.json,
                    VocabCommand::Compile(c) => c.json,
                },
                Command::Suite(_) | Command::Lint(_) | Command::Completions(_) => false,
            }
    }
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compile a schema, grammar or regex for a vocabulary into an artifact.
    Compile(Answering<CompileArgs>),
    /// Does a text match? Shows the first byte that does not, and what was expected there.
    Check(Answering<CheckArgs>),
    /// Which tokens may come next after a prefix, and why.
    Mask(Answering<MaskArgs>),
    /// Generate texts with a small built-in model, steered by the grammar.
    Generate(Answering<GenerateArgs>),
    /// Replay a corpus of schemas with test instances, and count the verdicts.
    Suite(Box<SuiteArgs>),
    /// What becomes of each keyword of a schema, what it costs, and what was probably not meant.
    Lint(Box<LintArgs>),
    /// Show the tables of an artifact.
    Inspect(Answering<InspectArgs>),
    /// Check an artifact thoroughly.
    Verify(Answering<InspectArgs>),
    /// Print a grammar, regex or schema as a grammar in Maskwright's notation.
    Convert(Answering<ConvertArgs>),
    /// Look into a vocabulary, or store it.
    Vocab(VocabArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
}

/// The arguments of a command whose answer can be JSON. (`suite` and `lint` have an option of
/// their own for that, so the option is not a global one.)
#[derive(Args, Debug)]
pub struct Answering<T: Args> {
    /// What is asked.
    #[command(flatten)]
    pub args: T,
    /// Answer in JSON: one object a line on standard output, errors as one object on standard
    /// error.
    #[arg(long)]
    pub json: bool,
}

/// How JSON documents are written.
#[derive(Args, Clone, Copy, Debug)]
pub struct WritingArgs {
    /// JSON: the white space of documents.
    #[arg(long, value_enum, default_value_t = Whitespace::Flexible, help_heading = "JSON Schema")]
    pub whitespace: Whitespace,

    /// JSON: the spaces of one level, with `--whitespace pretty`.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=16), help_heading = "JSON Schema")]
    pub indent: u32,

    /// JSON: the order of properties.
    #[arg(long, value_enum, default_value_t = Order::Schema, help_heading = "JSON Schema")]
    pub property_order: Order,

    /// JSON: how numbers are written.
    #[arg(long, value_enum, default_value_t = Numbers::Any, help_heading = "JSON Schema")]
    pub numbers: Numbers,
}

/// How a source is read and compiled.
#[derive(Args, Debug)]
pub struct SourceArgs {
    /// A JSON Schema (.json), a regular expression (.regex), a grammar (.ebnf, .gbnf, .lark), a
    /// list of texts (.txt) or of token sequences (.ids), one a line, or an artifact (.mwk).
    pub source: String,

    /// What the source is, instead of what its name says.
    #[arg(long, value_enum)]
    pub kind: Option<Kind>,

    /// The limits on what a compile and a run may spend.
    #[arg(long, value_enum, default_value_t = LimitsChoice::Trusted)]
    pub limits: LimitsChoice,

    /// Regexes: whose dialect they are in.
    #[arg(long, value_enum, default_value_t = DialectChoice::Rust)]
    pub dialect: DialectChoice,

    /// JSON: white space and order.
    #[command(flatten)]
    pub writing: WritingArgs,

    /// JSON: what `format` means.
    #[arg(long, value_enum, default_value_t = Formats::Assert, help_heading = "JSON Schema")]
    pub formats: Formats,

    /// JSON: widen what cannot be enforced, and list it, instead of refusing the schema.
    #[arg(long, help_heading = "JSON Schema")]
    pub lenient: bool,
}

/// Which vocabulary.
#[derive(Args, Clone, Debug, Default)]
pub struct VocabularyArgs {
    /// The vocabulary: o200k_base, cl100k_base, bytes (one token a byte), or a file
    /// (tokenizer.json, tiktoken ranks, SentencePiece model, vocab.txt, lines of JSON, a stored
    /// vocabulary).
    #[arg(long, value_name = "NAME|FILE", help_heading = "Vocabulary")]
    pub vocab: Option<String>,

    /// The end tokens, by id or name, instead of the vocabulary's own (may be repeated).
    #[arg(long, value_name = "ID|NAME", help_heading = "Vocabulary")]
    pub end_token: Vec<String>,

    /// A config beside the vocabulary file that names the end tokens (generation_config.json).
    #[arg(long, value_name = "FILE", help_heading = "Vocabulary")]
    pub generation_config: Option<String>,

    /// The number of logits, if it is not one for each id.
    #[arg(long, help_heading = "Vocabulary")]
    pub width: Option<usize>,
}

/// `compile`
#[derive(Args, Debug)]
pub struct CompileArgs {
    /// What to compile.
    #[command(flatten)]
    pub source: SourceArgs,
    /// For which vocabulary.
    #[command(flatten)]
    pub vocabulary: VocabularyArgs,
    /// Where the artifact goes.
    #[arg(long, short, value_name = "OUT")]
    pub output: String,
    /// Put the vocabulary into the artifact, so that it can be used without the tokenizer's files.
    #[arg(long)]
    pub with_vocabulary: bool,
    /// How many questions are asked of the machine at most, each about one symbol of a stack.
    #[arg(
        long,
        default_value_t = 50_000_000,
        value_name = "N",
        help_heading = "Budget"
    )]
    pub max_questions: usize,
    /// How many lexical states there may be.
    #[arg(
        long,
        default_value_t = 200_000,
        value_name = "N",
        help_heading = "Budget"
    )]
    pub max_states: usize,
    /// How large the tables may be, about. Rows for which there is no space are left out, and said so.
    #[arg(long, default_value_t = 256 << 20, value_name = "BYTES", help_heading = "Budget")]
    pub max_bytes: usize,
    /// Fail when the budget runs out, instead of leaving rows out.
    #[arg(long, help_heading = "Budget")]
    pub whole: bool,
    /// Threads. The artifact does not depend on it.
    #[arg(long, short, default_value_t = 1, value_name = "N", value_parser = parse_jobs, help_heading = "Budget")]
    pub jobs: usize,
    /// Overwrite OUT if it is there.
    #[arg(long)]
    pub force: bool,
}

fn parse_jobs(text: &str) -> std::result::Result<usize, String> {
    match text.parse() {
        Ok(n @ 1..=256) => Ok(n),
        _ => Err("a number from 1 to 256".into()),
    }
}

/// `convert`
#[derive(Args, Debug)]
pub struct ConvertArgs {
    /// A grammar (.ebnf, .gbnf, .lark), a regular expression (.regex) or a JSON Schema (.json).
    pub source: String,

    /// What the source is, instead of what its name says.
    #[arg(long, value_enum)]
    pub kind: Option<Kind>,

    /// Regexes: whose dialect they are in.
    #[arg(long, value_enum, default_value_t = DialectChoice::Rust)]
    pub dialect: DialectChoice,

    /// The limits on what reading may spend.
    #[arg(long, value_enum, default_value_t = LimitsChoice::Trusted)]
    pub limits: LimitsChoice,
}

/// `check`
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// What the texts should match.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The texts; for token sequences, their ids.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Take one line end off the end of each text.
    #[arg(long)]
    pub trim: bool,
    /// Compile for a vocabulary (unless told, for one token a byte: a text is its bytes).
    #[command(flatten)]
    pub vocabulary: VocabularyArgs,
}

/// `mask`
#[derive(Args, Debug)]
pub struct MaskArgs {
    /// The grammar.
    #[command(flatten)]
    pub source: SourceArgs,
    /// The output so far; for token sequences, its ids.
    #[arg(long, default_value = "", conflicts_with = "prefix_file")]
    pub prefix: String,
    /// The output so far, from a file.
    #[arg(long, value_name = "FILE")]
    pub prefix_file: Option<String>,
    /// How many of the allowed tokens to show.
    #[arg(long, default_value_t = 12, value_name = "N")]
    pub show: usize,
    /// Explain the verdict on this token, by id or by its text (may be repeated).
    #[arg(long, value_name = "ID|TEXT")]
    pub token: Vec<String>,
    /// The vocabulary.
    #[command(flatten)]
    pub vocabulary: VocabularyArgs,
}

/// `generate`
#[derive(Args, Debug)]
pub struct GenerateArgs {
    /// The grammar. Texts in the folder `accept` beside it are learned by the model.
    #[command(flatten)]
    pub source: SourceArgs,
    /// How many texts.
    #[arg(long, short = 'n', default_value_t = 1)]
    pub count: u64,
    /// The seed: the same arguments print the same texts.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// How tokens are drawn.
    #[arg(long, value_enum, default_value_t = Method::Masked, help_heading = "Sampling")]
    pub method: Method,
    /// Logits are divided by it; 0 takes the most likely token.
    #[arg(
        long,
        default_value_t = 0.8,
        allow_negative_numbers = true,
        help_heading = "Sampling"
    )]
    pub temperature: f32,
    /// Keep the K most likely allowed tokens; 0 keeps all.
    #[arg(long, default_value_t = 0, value_name = "K", help_heading = "Sampling")]
    pub top_k: usize,
    /// Keep the fewest most likely tokens that have this share of the mass together.
    #[arg(
        long,
        default_value_t = 1.0,
        value_name = "P",
        help_heading = "Sampling"
    )]
    pub top_p: f32,
    /// Keep tokens at least this likely, as a share of the most likely one.
    #[arg(
        long,
        default_value_t = 0.0,
        value_name = "P",
        help_heading = "Sampling"
    )]
    pub min_p: f32,
    /// After so many tokens a text is brought to its end on a short way (so it may be somewhat
    /// longer, and is never cut).
    #[arg(
        long,
        default_value_t = 1000,
        value_name = "N",
        help_heading = "Sampling"
    )]
    pub max_tokens: usize,
    /// Learn from these texts too (may be repeated).
    #[arg(long, value_name = "FILE")]
    pub learn: Vec<String>,
    /// Print what the time went to, on standard error.
    #[arg(long)]
    pub timings: bool,
    /// The vocabulary.
    #[command(flatten)]
    pub vocabulary: VocabularyArgs,
}

/// `suite`
#[derive(Args, Debug)]
#[command(after_help = SUITE_HELP)]
pub struct SuiteArgs {
    /// The files of the corpus; of a folder all `.json` files, those of its folders included.
    #[arg(value_name = "FILE|DIR", required_unless_present = "list")]
    pub files: Vec<String>,
    /// What the files are.
    #[arg(long, value_enum)]
    pub format: SuiteFormat,
    /// Only the files whose names this file lists, one a line; looked for in the folders that are
    /// given, or else beside the list and in the folder `files` beside it.
    #[arg(long, value_name = "FILE")]
    pub list: Option<String>,
    /// Write one JSON object for each file (maskbench) or test case (json-schema-test-suite).
    #[arg(long, value_name = "OUT.jsonl")]
    pub json: Option<String>,
    /// Put the summary, as Markdown, between the lines `<!-- suite:FORMAT:begin -->` and
    /// `<!-- suite:FORMAT:end -->` of this file.
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<String>,
    /// A folder of schemas to which `http://localhost:1234/` in references leads.
    #[arg(long, value_name = "DIR")]
    pub remotes: Option<String>,
    /// Put the keys of valid instances into the schema's order before they are replayed.
    #[arg(long)]
    pub sort_keys: bool,
    /// A new compiler for each file, which shares nothing with those before.
    #[arg(long)]
    pub cold: bool,
    /// How many failures are listed.
    #[arg(long, default_value_t = 40, value_name = "N")]
    pub show: usize,
    /// Print no times, so that the same corpus prints the same text.
    #[arg(long)]
    pub no_times: bool,
    /// The limits on what a compile and a run may spend.
    #[arg(long, value_enum, default_value_t = LimitsChoice::Untrusted)]
    pub limits: LimitsChoice,
    /// The seconds after which a file is given up.
    #[arg(long, default_value_t = 60, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub time_limit: u64,
    /// White space and order.
    #[command(flatten)]
    pub writing: WritingArgs,
    /// JSON: what `format` means. If not given: assertions, and in the test suite, as that has it,
    /// annotations outside `optional/format`.
    #[arg(long, value_enum, help_heading = "JSON Schema")]
    pub formats: Option<Formats>,
    /// The vocabulary.
    #[command(flatten)]
    pub vocabulary: VocabularyArgs,
}

/// `lint`
#[derive(Args, Debug)]
#[command(after_help = LINT_HELP)]
pub struct LintArgs {
    /// The schema.
    #[arg(value_name = "SCHEMA", required_unless_present = "explain")]
    pub source: Option<String>,
    /// Say what a code means, and look at no schema.
    #[arg(long, value_name = "CODE", conflicts_with = "source")]
    pub explain: Option<String>,
    /// How to answer.
    #[arg(long, value_enum, default_value_t = LintFormat::Human)]
    pub format: LintFormat,
    /// Measure what each place costs, over a vocabulary: states, rows, bytes, time.
    #[arg(long)]
    pub cost: bool,
    /// Print no times, so that the same schema prints the same text.
    #[arg(long)]
    pub no_times: bool,
    /// The limits on what a compile may spend.
    #[arg(long, value_enum, default_value_t = LimitsChoice::Trusted)]
    pub limits: LimitsChoice,
    /// White space and order.
    #[command(flatten)]
    pub writing: WritingArgs,
    /// JSON: what `format` means.
    #[arg(long, value_enum, default_value_t = Formats::Assert, help_heading = "JSON Schema")]
    pub formats: Formats,
    /// JSON: widen what cannot be enforced, and list it, instead of refusing the schema.
    #[arg(long, help_heading = "JSON Schema")]
    pub lenient: bool,
    /// The vocabulary of `--cost`.
    #[command(flatten)]
    pub vocabulary: VocabularyArgs,
}

/// How `lint` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    /// Lines for people.
    Human,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0, for code scanners.
    Sarif,
}

/// The text below the help of `lint`.
const LINT_HELP: &str = "\
Each keyword that documents can reach is enforced, an annotation, relaxed (with --lenient) or refused.
Places that nothing refers to are not read.

Exit codes: 0 neither errors nor warnings (notes are fine); 1 a refused schema or a warning; 2 an
error, such as a file that cannot be read.";

/// What a corpus is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SuiteFormat {
    /// Files of one schema with instances: `{schema, tests: [{description, valid, data}]}`.
    Maskbench,
    /// Files of the official suite: `[{description, schema, tests: [{description, data, valid}]}]`.
    JsonSchemaTestSuite,
}

/// The text below the help of `suite`.
const SUITE_HELP: &str = "\
Each instance is written with `, ` and `: `, cut into tokens (by the tokenizer of o200k_base and
cl100k_base, by longest match for other vocabularies), and replayed: before each token its bit is
looked up in the mask, and at the end the text must be able to end.

Verdicts: pass; compile_error; wrongly_accepted; wrongly_rejected; crash (a panic, a limit or the
time limit while matching, a mask that disagrees with the step, a file of another form). A schema
that is refused as `unsatisfiable` rejects every instance. A valid instance that is accepted once its
keys are in the schema's order has the code `property-order`.

OUT.jsonl: file, case, verdict, code, pointer (into the schema), message, compile_ns, first_mask_ns
(from the text of the schema to the first mask, compile included); for maskbench also mask_ns (each
token's and that of the end) and advance_ns, over all instances up to the token that is refused.

Exit codes: 0 all pass; 1 not all pass; 2 an error.";

/// `inspect` and `verify`
#[derive(Args, Debug)]
pub struct InspectArgs {
    /// The artifact.
    #[arg(value_name = "OUT")]
    pub artifact: String,
}

/// `vocab`
#[derive(Args, Debug)]
pub struct VocabArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: VocabCommand,
}

/// The subcommands of `vocab`.
#[derive(Debug, Subcommand)]
pub enum VocabCommand {
    /// Counts, end tokens, duplicates, missing bytes; or single tokens.
    Inspect(Answering<VocabInspectArgs>),
    /// Store it with its prefix tree, as a file that `--vocab` takes and that is open in milliseconds.
    Compile(Answering<VocabCompileArgs>),
}

/// `vocab compile`
#[derive(Args, Debug)]
pub struct VocabCompileArgs {
    /// The vocabulary: o200k_base (if nothing is given), cl100k_base, bytes, or a file.
    #[arg(value_name = "NAME|FILE")]
    pub name: Option<String>,
    /// Where it goes.
    #[arg(long, short, value_name = "OUT")]
    pub output: String,
    /// Overwrite OUT if it is there.
    #[arg(long)]
    pub force: bool,
    /// End tokens and width, which the file then has.
    #[command(flatten)]
    pub vocabulary: VocabularyArgs,
}

/// `vocab inspect`
#[derive(Args, Debug)]
pub struct VocabInspectArgs {
    /// The vocabulary: o200k_base (if nothing is given), cl100k_base, bytes, or a file.
    #[arg(value_name = "NAME|FILE")]
    pub name: Option<String>,
    /// Show this token, by id or by its text (may be repeated).
    #[arg(long, value_name = "ID|TEXT")]
    pub token: Vec<String>,
    /// End tokens and width.
    #[command(flatten)]
    pub vocabulary: VocabularyArgs,
}

/// `completions`
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A JSON Schema.
    JsonSchema,
    /// A regular expression, matched against the whole text.
    Regex,
    /// A grammar in Maskwright's notation.
    Ebnf,
    /// A grammar in llama.cpp's GBNF.
    Gbnf,
    /// A grammar in the notation of Lark.
    Lark,
    /// A list of texts, one a line: the output is one of them.
    Items,
    /// A list of token sequences, one a line: ids with blanks or commas between them.
    Ids,
    /// A compiled artifact.
    Artifact,
}

/// A set of limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LimitsChoice {
    /// For sources from strangers.
    Untrusted,
    /// For your own sources.
    Trusted,
    /// For compiles that may take minutes and gigabytes.
    Offline,
}

/// A dialect of regexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DialectChoice {
    /// That of the `regex` crate.
    Rust,
    /// That of ECMA-262 (JavaScript) with the `u` flag.
    Ecma,
}

/// The white space of JSON documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Whitespace {
    /// None.
    Compact,
    /// Some, bounded.
    Flexible,
    /// One member a line, indented.
    Pretty,
}

/// The order of properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// That of the schema.
    Schema,
    /// Any.
    Any,
}

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Numbers {
    /// In every JSON spelling that can be decided for the schema's bounds.
    Any,
    /// In one way each: 10, not 10.0 or 1e1.
    Shortest,
}

/// What `format` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Formats {
    /// Known formats are enforced, others listed.
    Assert,
    /// Known formats are enforced, others refused.
    Strict,
    /// Formats are comments.
    Annotate,
}

/// How tokens are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Method {
    /// From the allowed part of the law, by a mask.
    Masked,
    /// By adaptive weighted rejection: no mask, and a weight for each text.
    Awrs,
}
