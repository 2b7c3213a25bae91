//! The transcripts under `cmd/` and in the README, run as they stand from the root of the
//! repository: each `console` block is one command, the exit code if it is not 0 (`? 1`), and what
//! is printed on both streams together.
//!
//! `UPDATE_TRANSCRIPTS=1` writes what is printed now, for a person to read the difference.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const OPEN: &str = "```console\n$ maskwright ";
const CLOSE: &str = "\n```";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Words of a command line, with single quotes as in a shell.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    for (i, part) in line.split('\'').enumerate() {
        if i % 2 == 1 {
            word.get_or_insert_default().push_str(part);
            continue;
        }
        for c in part.chars() {
            if c == ' ' {
                words.extend(word.take());
            } else {
                word.get_or_insert_default().push(c);
            }
        }
    }
    words.extend(word);
    words
}

/// What a block looks like when its command runs now.
fn run(command: &str) -> String {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let mut child = Command::new(env!("CARGO_BIN_EXE_maskwright"))
        .args(words(command))
        .current_dir(root())
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(writer.try_clone().expect("a pipe"))
        .stderr(writer)
        .spawn()
        .expect("the command starts");
    let mut printed = String::new();
    reader.read_to_string(&mut printed).expect("UTF-8");
    let code = child.wait().expect("the command ends").code();
    let code = match code {
        Some(0) => String::new(),
        Some(code) => format!("? {code}\n"),
        None => "? killed\n".to_owned(),
    };
    // Blanks at the ends of lines would not survive an editor.
    let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
    format!("{command}\n{code}{}", lines.join("\n").trim_end())
}

/// Runs all blocks of a file; the text of the file as it should be, and the number of blocks.
fn rerun(text: &str) -> (String, usize) {
    let mut out = String::new();
    let mut blocks = 0;
    let mut rest = text;
    while let Some((before, block)) = rest.split_once(OPEN) {
        let (block, after) = block.split_once(CLOSE).expect("a block ends");
        let command = block.lines().next().expect("a command");
        out.push_str(before);
        out.push_str(OPEN);
        out.push_str(&run(command));
        out.push_str(CLOSE);
        rest = after;
        blocks += 1;
    }
    out.push_str(rest);
    (out, blocks)
}

#[test]
fn transcripts_are_true() {
    let mut files = vec![root().join("README.md")];
    let folder = root().join("crates/cli/tests/cmd");
    for entry in fs::read_dir(folder).expect("transcripts") {
        let path = entry.expect("an entry").path();
        files.extend(path.extension().is_some_and(|e| e == "md").then_some(path));
    }
    let update = std::env::var_os("UPDATE_TRANSCRIPTS").is_some();
    let mut blocks = 0;
    let mut wrong = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).expect("a transcript");
        let (now, n) = rerun(&text);
        blocks += n;
        if update {
            fs::write(file, &now).expect("a transcript");
        } else if now != text {
            let line = text.lines().zip(now.lines()).position(|(a, b)| a != b);
            let line = line.unwrap_or(text.lines().count().min(now.lines().count()));
            wrong.push(format!(
                "{}:{}\n  is:   {:?}\n  says: {:?}",
                file.display(),
                line + 1,
                now.lines().nth(line),
                text.lines().nth(line),
            ));
        }
    }
    assert!(blocks >= 20, "{blocks} blocks");
    assert!(
        wrong.is_empty(),
        "{}\nUPDATE_TRANSCRIPTS=1 rewrites them",
        wrong.join("\n")
    );
}

#[test]
fn words_are_cut_as_in_a_shell() {
    assert_eq!(words("a  --b='c d' '' e"), ["a", "--b=c d", "", "e"]);
}
