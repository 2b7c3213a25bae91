//! Packs the texts under `grammars/*/*/accept` for `samples`, so that an installed binary has them.
//!
//! The form of the pack is documented there. Without the folder the pack is empty, and the model
//! learns only from what lies beside a source.

use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    let root = PathBuf::from(env("CARGO_MANIFEST_DIR")).join("../../grammars");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", root.display());
    let mut pack = Vec::new();
    for kind in entries(&root) {
        let name = kind
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        for file in entries(&kind)
            .iter()
            .flat_map(|g| entries(&g.join("accept")))
        {
            let text = fs::read(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            pack.push(name.len() as u8);
            pack.extend_from_slice(name.as_bytes());
            pack.extend_from_slice(&(text.len() as u32).to_le_bytes());
            pack.extend_from_slice(&text);
        }
    }
    let out = PathBuf::from(env("OUT_DIR")).join("samples.pack");
    fs::write(&out, pack).unwrap_or_else(|e| panic!("{}: {e}", out.display()));
}

fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("cargo sets {name}"))
}

/// What is in a folder, sorted so that the pack is the same everywhere; nothing if there is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|e| e.ok().map(|e| e.path()))
        .collect();
    paths.sort();
    paths
}
