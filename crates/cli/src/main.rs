//! The `maskwright` command. All of it lives in the library beside this file, so that it can be
//! tested and documented like any other.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    maskwright_cli::main()
}
