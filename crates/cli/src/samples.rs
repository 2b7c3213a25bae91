//! The texts from which the built-in model learns: those of the `grammars` folder, packed by the
//! build script, and those beside a source.

use crate::args::Kind;
use crate::error::{Error, Result};
use std::fs;
use std::path::Path;

/// For each text: the length of its kind's name (1 byte), the name, its length (4 bytes,
/// little-endian), its bytes.
static PACK: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/samples.pack"));

/// The most bytes that are learned from beside a source, so that starting stays quick.
const MAX_BYTES: u64 = 4 << 20;

/// The packed texts of the kind's folder.
pub fn packed(kind: Kind) -> Vec<&'static [u8]> {
    let folder: &[u8] = match kind {
        Kind::JsonSchema | Kind::Artifact => b"json-schema",
        Kind::Regex => b"regex",
        Kind::Ebnf | Kind::Gbnf | Kind::Lark => b"cfg",
        Kind::Items | Kind::Ids => return Vec::new(),
    };
    unpack(PACK)
        .filter(|(name, _)| *name == folder)
        .map(|(_, text)| text)
        .collect()
}

fn unpack(mut pack: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let (name_len, rest) = pack.split_first()?;
        let (name, rest) = rest.split_at_checked(usize::from(*name_len))?;
        let (len, rest) = rest.split_first_chunk()?;
        let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        pack = rest;
        Some((name, text))
    })
}

/// The texts in the folder `accept` beside a source, if there is one, by file name.
pub fn beside(source: &str) -> Result<Vec<Vec<u8>>> {
    let folder = Path::new(source).parent().map(|p| p.join("accept"));
    let Some(folder) = folder.filter(|f| source != "-" && f.is_dir()) else {
        return Ok(Vec::new());
    };
    let failed = |e| Error::file("cannot-read", &folder.display().to_string(), &e);
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let metadata = fs::metadata(entry.path()).map_err(failed)?;
        if metadata.is_file() {
            files.push((entry.path(), metadata.len()));
        }
    }
    // The order of a folder differs from machine to machine.
    files.sort();
    let mut bytes = 0;
    let mut texts = Vec::new();
    for (path, len) in files {
        bytes += len;
        if bytes > MAX_BYTES {
            break;
        }
        texts.push(fs::read(&path).map_err(failed)?);
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pack_holds_texts_of_each_kind() {
        for kind in [Kind::JsonSchema, Kind::Regex, Kind::Ebnf] {
            let texts = packed(kind);
            assert!(texts.len() >= 6, "{kind:?} has {}", texts.len());
        }
        let json = packed(Kind::JsonSchema);
        assert!(
            json.iter()
                .all(|t| serde_json::from_slice::<serde_json::Value>(t).is_ok())
        );
    }

    #[test]
    fn damaged_packs_end_early() {
        let pack = [1, b'a', 2, 0, 0, 0, b'x', b'y', 9];
        assert_eq!(unpack(&pack).collect::<Vec<_>>(), [(&b"a"[..], &b"xy"[..])]);
        for len in 0..7 {
            assert_eq!(unpack(&pack[..len]).count(), 0);
        }
    }
}
