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
    #[arg(long, global = true)]
    pub json: bool,

    /// No progress, no warnings.
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compile a schema, grammar or regex for a vocabulary into an artifact.
    Compile(CompileArgs),
    /// Does a text match? Shows the first byte that does not, and what was expected there.
    Check(CheckArgs),
    /// Which tokens may come next after a prefix, and why.
    Mask(MaskArgs),
    /// Generate texts with a small built-in model, steered by the grammar.
    Generate(GenerateArgs),
    /// Show the tables of an artifact.
    Inspect(InspectArgs),
    /// Check an artifact thoroughly.
    Verify(InspectArgs),
    /// Look into a vocabulary.
    Vocab(VocabArgs),
    /// Print a completion script for a shell.
    Completions(CompletionsArgs),
}

/// How a source is read and compiled.
#[derive(Args, Debug)]
pub struct SourceArgs {
    /// A JSON Schema (.json), a regular expression (.regex), a grammar (.ebnf), a list of texts
    /// (.txt) or of token sequences (.ids), one a line, or an artifact (.mwk).
    pub source: String,

    /// What the source is, instead of what its name says.
    #[arg(long, value_enum)]
    pub kind: Option<Kind>,

    /// The limits on what a compile and a run may spend.
    #[arg(long, value_enum, default_value_t = LimitsChoice::Trusted)]
    pub limits: LimitsChoice,

    /// JSON: the white space of documents.
    #[arg(long, value_enum, default_value_t = Whitespace::Flexible, help_heading = "JSON Schema")]
    pub whitespace: Whitespace,

    /// JSON: the spaces of one level, with `--whitespace pretty`.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=16), help_heading = "JSON Schema")]
    pub indent: u32,

    /// JSON: the order of properties.
    #[arg(long, value_enum, default_value_t = Order::Schema, help_heading = "JSON Schema")]
    pub property_order: Order,

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
    /// How many questions (steps, ends, rows) are tabulated at most.
    #[arg(
        long,
        default_value_t = 2_000_000,
        value_name = "N",
        help_heading = "Budget"
    )]
    pub max_questions: usize,
    /// How many bytes of rows are made at most.
    #[arg(long, default_value_t = 256 << 20, value_name = "N", help_heading = "Budget")]
    pub max_row_bytes: usize,
    /// Overwrite OUT if it is there.
    #[arg(long)]
    pub force: bool,
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
    Inspect(VocabInspectArgs),
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

/// What `format` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Formats {
    /// Known formats are enforced.
    Assert,
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
