//! The grammars of `grammars/cfg` with the texts that they accept and refuse: programming languages,
//! query languages, formats of data, and small grammars that are hard for one reason.

use crate::engine::Source;
use crate::traces::{Case, Instance};
use std::path::{Path, PathBuf};

/// What is in a folder, by name; nothing where there is no such folder.
fn inside(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort_unstable();
    paths
}

/// All of them. Texts that are no UTF-8 are left out: no tokenizer cuts them.
pub fn all() -> anyhow::Result<Vec<Case>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../grammars/cfg");
    let mut cases = Vec::new();
    for folder in inside(&root) {
        let grammar = std::fs::read_to_string(folder.join("grammar.ebnf"))?;
        let mut instances = Vec::new();
        for (side, valid) in [("accept", true), ("reject", false)] {
            let texts = inside(&folder.join(side)).into_iter();
            instances.extend(texts.filter_map(|path| {
                let text = std::fs::read_to_string(path).ok()?;
                Some(Instance { valid, text })
            }));
        }
        let name = folder.file_name().unwrap_or_default();
        cases.push(Case {
            name: name.to_string_lossy().into_owned(),
            source: Source::Grammar(grammar),
            instances,
        });
    }
    anyhow::ensure!(!cases.is_empty(), "no grammars in {}", root.display());
    Ok(cases)
}
