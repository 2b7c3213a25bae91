//! The worked example of a machine in `FORMAT.md` is what the compiler writes, and answers.

use maskwright_compiler::{CompiledGrammar, Compiler, FreezeBudget};
use maskwright_runtime::{FrozenMachine, Matcher};
use maskwright_tables::artifact::{Artifact, ArtifactWriter};
use maskwright_tables::pushdown::PushdownTables;
use maskwright_tables::vocabulary::TokenEntry;
use maskwright_tables::{CancelFlag, Limits, TokenId, TokenKind, Vocabulary};
use std::sync::Arc;

const SOURCE: &str = "start = \"(\" start \")\" | \"a\" ;";

/// These tokens, the last of which is the end token. Names in angle brackets are special tokens.
fn toy(words: &[&str]) -> Arc<Vocabulary> {
    let entries = words.iter().enumerate().map(|(id, word)| TokenEntry {
        id: id as u32,
        bytes: word.as_bytes().to_vec(),
        kind: match word.starts_with('<') {
            true => TokenKind::Special,
            false => TokenKind::Text,
        },
    });
    let end = words.len() as u32 - 1;
    Arc::new(Vocabulary::new("toy", entries, &[end], None).unwrap())
}

fn vocabulary() -> Arc<Vocabulary> {
    toy(&["a", "(", ")", "))", "(a", "<end>"])
}

/// The artifact of what `compile` makes.
fn artifact(
    vocabulary: &Arc<Vocabulary>,
    compile: impl Fn(&Compiler) -> CompiledGrammar,
) -> Vec<u8> {
    let compiler = Compiler::new(Arc::clone(vocabulary), Limits::untrusted());
    let tables = compile(&compiler)
        .freeze(FreezeBudget::default(), &CancelFlag::new(), &mut |_| {})
        .unwrap();
    let mut writer = ArtifactWriter::new(*vocabulary.fingerprint(), [0; 32]);
    tables.write_to(&mut writer).unwrap();
    writer.finish()
}

fn example(vocabulary: &Arc<Vocabulary>) -> Vec<u8> {
    artifact(vocabulary, |c| c.grammar(SOURCE).unwrap())
}

/// The last hex dump of the specification: an offset and 16 bytes a line, `*` for lines like the one
/// before, remarks behind `|`.
fn parse_dump(text: &str) -> Vec<u8> {
    let dump = text.rsplit("```hex\n").next().unwrap();
    let dump = dump.split("```").next().unwrap();
    let mut out: Vec<u8> = Vec::new();
    for line in dump.lines().filter(|l| *l != "*") {
        let mut columns = line.split_whitespace();
        let offset = usize::from_str_radix(columns.next().unwrap(), 16).unwrap();
        while out.len() < offset {
            out.extend_from_within(out.len() - 16..);
        }
        let bytes = columns.take_while(|c| *c != "|");
        out.extend(bytes.map(|c| u8::from_str_radix(c, 16).unwrap()));
    }
    out
}

/// The dump with the names of sections as remarks.
fn dump(bytes: &[u8]) -> String {
    let artifact = Artifact::open(bytes).unwrap();
    let (mut out, mut before, mut starred) = (String::new(), "", false);
    let lines: Vec<String> = bytes
        .chunks(16)
        .map(|line| {
            let hex: Vec<String> = line.iter().map(|b| format!("{b:02x}")).collect();
            hex.join(" ")
        })
        .collect();
    for (i, line) in lines.iter().enumerate() {
        let at = 16 * i as u64;
        let here = |s: &maskwright_tables::artifact::Section| s.len > 0 && s.offset == at;
        let remark = match artifact.sections().find(here) {
            Some(s) => format!(" | {}/{}", s.kind, s.id),
            None => String::new(),
        };
        if line == before && remark.is_empty() {
            if !std::mem::replace(&mut starred, true) {
                out.push_str("*\n");
            }
            continue;
        }
        starred = false;
        before = line;
        out.push_str(&format!("{at:04x}  {line}{remark}\n"));
    }
    out.push_str(&format!("{:04x}\n", bytes.len()));
    out
}

#[test]
fn the_dump_in_the_specification_is_what_the_compiler_writes() {
    let vocabulary = vocabulary();
    let written = example(&vocabulary);
    let given = parse_dump(include_str!("../../tables/FORMAT.md"));
    assert!(
        given == written,
        "FORMAT.md should say:\n{}",
        dump(&written)
    );
    let artifact = Artifact::open(&given).unwrap();
    artifact.verify().unwrap();
    let machine = FrozenMachine::read(&artifact, Arc::clone(&vocabulary), Limits::untrusted());
    let machine = machine.unwrap();
    machine.tables().check(vocabulary.width()).unwrap();
    let machine: Arc<dyn maskwright_tables::Machine> = machine.into();
    let mut matcher = Matcher::new(machine).unwrap();
    let mut mask = vec![0; matcher.mask_words()];
    // `(`, `(a`, `))`, end.
    for (token, expected) in [
        (1, 0b01_0011),
        (4, 0b01_0011),
        (3, 0b00_1100),
        (5, 0b10_0000),
    ] {
        matcher.fill_mask(&mut mask).unwrap();
        assert_eq!(mask, [expected], "before {token}");
        matcher.advance(TokenId(token)).unwrap();
    }
}

/// The masks of a walk over these tokens, or the first error.
fn walk(
    bytes: &[u8],
    vocabulary: &Arc<Vocabulary>,
    tokens: &[u32],
) -> Result<Vec<Vec<u32>>, String> {
    let artifact = Artifact::open(bytes).map_err(|e| e.to_string())?;
    let machine = FrozenMachine::read(&artifact, Arc::clone(vocabulary), Limits::untrusted());
    let machine: Arc<dyn maskwright_tables::Machine> = machine.map_err(|e| e.to_string())?.into();
    let mut matcher = Matcher::new(machine).map_err(|e| e.to_string())?;
    let mut masks = Vec::new();
    for &token in tokens {
        let mut mask = vec![0; matcher.mask_words()];
        matcher.fill_mask(&mut mask).map_err(|e| e.to_string())?;
        masks.push(mask);
        matcher.advance(TokenId(token)).map_err(|e| e.to_string())?;
    }
    Ok(masks)
}

/// Someone who can compute checksums gets errors or other answers, never a panic or an endless loop,
/// whether the tables were checked or not.
#[test]
fn hostile_tables_with_good_checksums_never_panic() {
    let vocabulary = vocabulary();
    let bytes = example(&vocabulary);
    let flips = [0x01, 0x02, 0x08, 0x80, 0xff];
    let [same, _, failed, refused] = damage(&bytes, &vocabulary, &[1, 4, 3, 5], &flips);
    assert!(refused > 500 && failed > 500 && same > 500);
}

/// The same where names must differ. The tokens of `{"a":1,"ab":1` are taken one after the other, so
/// that the masks between them are of names, of values read before, and of tokens with two names.
#[test]
fn hostile_tables_of_lexemes_that_must_differ_never_panic() {
    let vocabulary = toy(&[
        "{",
        "\"",
        "a",
        "b",
        "\"a",
        "\":",
        "1",
        ",",
        ",\"",
        "1,\"a\":1,\"",
        "1,\"b\":1,\"",
        "}",
        "<end>",
    ]);
    let schema = r#"{"type":"object","additionalProperties":{"const":1}}"#;
    let bytes = artifact(&vocabulary, |c| c.json_schema(schema).unwrap());
    let tokens = [0, 1, 2, 5, 6, 8, 2, 3, 5, 6, 11];
    let masks = walk(&bytes, &vocabulary, &tokens).unwrap();
    // Behind the first value, the token with the name "a" is refused and that with "b" is not; behind
    // the second name "a…", no quote.
    assert_eq!(masks[4][0] >> 9 & 0b11, 0b10);
    assert_eq!(masks[7][0] >> 5 & 1, 0);
    let [same, _, failed, refused] = damage(&bytes, &vocabulary, &tokens, &[0x01, 0x02, 0xff]);
    assert!(refused > 500 && failed > 500 && same > 500);
}

/// The same where tokens are terminals.
#[test]
fn hostile_tables_of_token_terminals_never_panic() {
    let vocabulary = toy(&["a", "b", "ab", "<t>", "<u>", "<end>"]);
    let source = "start = item+ ; item = <t> [ab]+ <u> | <[3-4]> \"a\" <[0]> ;";
    let bytes = artifact(&vocabulary, |c| c.grammar(source).unwrap());
    let flips = [0x01, 0x02, 0x08, 0x80, 0xff];
    let tokens = [3, 2, 0, 4, 4, 0, 0, 5];
    let [same, _, failed, refused] = damage(&bytes, &vocabulary, &tokens, &flips);
    assert!(refused > 500 && failed > 500 && same > 500);
}

/// Changes each byte of each section by each of `flips` and walks; how many walks gave the same masks,
/// other masks and errors, and how many tables were refused when checked.
fn damage(bytes: &[u8], vocabulary: &Arc<Vocabulary>, tokens: &[u32], flips: &[u8]) -> [usize; 4] {
    let artifact = Artifact::open(bytes).unwrap();
    let expected = walk(bytes, vocabulary, tokens).unwrap();
    let (mut same, mut other, mut failed, mut refused) = (0, 0, 0, 0);
    for target in artifact.sections() {
        for at in 0..target.len as usize {
            for &flip in flips {
                let mut writer = ArtifactWriter::new(*vocabulary.fingerprint(), [0; 32]);
                for s in artifact.sections() {
                    let mut payload = bytes[s.offset as usize..][..s.len as usize].to_vec();
                    if s == target {
                        payload[at] ^= flip;
                    }
                    if s.element == maskwright_tables::artifact::Element::U8 {
                        writer.add_bytes(s.kind, s.id, payload).unwrap();
                    } else {
                        let words: Vec<u32> = payload
                            .chunks_exact(4)
                            .map(|w| u32::from_le_bytes(w.try_into().unwrap()))
                            .collect();
                        writer.add_words(s.kind, s.id, words).unwrap();
                    }
                }
                let damaged = writer.finish();
                let checked = Artifact::open(&damaged)
                    .and_then(|a| PushdownTables::read(&a)?.check(vocabulary.width()));
                refused += usize::from(checked.is_err());
                match walk(&damaged, vocabulary, tokens) {
                    Ok(masks) if masks == expected => same += 1,
                    Ok(_) => other += 1,
                    Err(_) => failed += 1,
                }
            }
        }
    }
    println!("{same} same, {other} other answers, {failed} errors; {refused} refused by the check");
    [same, other, failed, refused]
}
