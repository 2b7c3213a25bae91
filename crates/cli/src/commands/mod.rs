//! The subcommands, one file each.

mod artifact;
mod check;
mod contexts;
mod convert;
mod generate;
mod lint;
mod mask;
mod suite;
mod vocab;

pub use artifact::{open as open_artifact, vocabulary_of};

use crate::args::{Cli, Command, CompletionsArgs, VocabCommand};
use crate::error::Result;
use crate::output::Out;
use clap::CommandFactory;

/// What all commands are told.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Answer in JSON.
    pub json: bool,
    /// No progress, no warnings.
    pub quiet: bool,
}

/// Runs a command; the answer is yes or no.
pub fn run(cli: &Cli) -> Result<bool> {
    let manner = Manner {
        json: cli.answers_json(),
        quiet: cli.quiet,
    };
    match &cli.command {
        Command::Compile(c) => artifact::compile(&c.args, manner),
        Command::Check(c) => check::run(&c.args, manner),
        Command::Mask(c) => mask::run(&c.args, manner),
        Command::Generate(c) => generate::run(&c.args, manner),
        Command::Suite(args) => suite::run(args, manner),
        Command::Lint(args) => lint::run(args, manner),
        Command::Inspect(c) => artifact::inspect(&c.args, manner),
        Command::Verify(c) => artifact::verify(&c.args, manner),
        Command::Convert(c) => convert::run(&c.args, manner),
        Command::Vocab(args) => match &args.command {
            VocabCommand::Inspect(c) => vocab::inspect(&c.args, manner),
            VocabCommand::Compile(c) => vocab::compile(&c.args, manner),
        },
        Command::Completions(args) => completions(args),
    }
}

/// Prints a completion script.
fn completions(args: &CompletionsArgs) -> Result<bool> {
    let mut script = Vec::new();
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    let mut out = Out::new();
    out.bytes(&script)?;
    out.finish(true)
}
