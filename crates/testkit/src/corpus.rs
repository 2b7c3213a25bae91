//! The `grammars/` folder: sources with texts on both sides.

use std::fs;
use std::path::{Path, PathBuf};

/// The notation of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `schema.json`.
    JsonSchema,
    /// `grammar.ebnf`.
    Cfg,
    /// `pattern.regex`.
    Regex,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Kind; 3] = [Kind::JsonSchema, Kind::Cfg, Kind::Regex];

    /// The folder under `grammars/` and the file in each entry.
    pub fn places(self) -> (&'static str, &'static str) {
        match self {
            Kind::JsonSchema => ("json-schema", "schema.json"),
            Kind::Cfg => ("cfg", "grammar.ebnf"),
            Kind::Regex => ("regex", "pattern.regex"),
        }
    }
}

/// A text with the name of its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The file's name, which says what a refused text shows.
    pub name: String,
    /// The bytes of the file.
    pub bytes: Vec<u8>,
}

impl Text {
    /// Whether a validator that reads the parsed value would accept this refused text.
    pub fn is_about_spelling(&self) -> bool {
        self.name.starts_with("order-") || self.name.starts_with("duplicate-")
    }
}

/// One folder.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The notation of the source.
    pub kind: Kind,
    /// The folder's name.
    pub name: String,
    /// The source.
    pub source: String,
    /// Sentences.
    pub accept: Vec<Text>,
    /// Texts that are no sentences.
    pub reject: Vec<Text>,
}

impl Entry {
    /// The accepted texts' bytes.
    pub fn accepted(&self) -> Vec<&[u8]> {
        self.accept.iter().map(|t| t.bytes.as_slice()).collect()
    }
}

/// The project's `grammars/` folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../grammars")
}

/// All entries of the project's `grammars/` folder, by kind and name.
///
/// # Panics
/// When a folder is not as `grammars/README.md` describes it; this is a test helper.
pub fn load() -> Vec<Entry> {
    Kind::ALL
        .into_iter()
        .flat_map(|kind| load_kind(&root(), kind))
        .collect()
}

/// The entries of one kind below `root`.
///
/// # Panics
/// As for [`load`].
pub fn load_kind(root: &Path, kind: Kind) -> Vec<Entry> {
    let (folder, file) = kind.places();
    let folder = root.join(folder);
    names(&folder)
        .into_iter()
        .map(|name| {
            let at = folder.join(&name);
            let source = fs::read_to_string(at.join(file))
                .unwrap_or_else(|e| panic!("{}: {e}", at.join(file).display()));
            let entry = Entry {
                kind,
                source,
                accept: texts(&at.join("accept")),
                reject: texts(&at.join("reject")),
                name,
            };
            assert!(
                !entry.accept.is_empty() && !entry.reject.is_empty(),
                "{}: no texts",
                at.display()
            );
            entry
        })
        .collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut names: Vec<String> = entries
        .map(|e| {
            e.expect("a readable folder")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort_unstable();
    names
}

fn texts(folder: &Path) -> Vec<Text> {
    names(folder)
        .into_iter()
        .map(|name| Text {
            bytes: fs::read(folder.join(&name)).expect("a readable file"),
            name,
        })
        .collect()
}
