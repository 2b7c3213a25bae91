//! MaskBench files as traces.

use crate::engine::Source;
use serde_json::Value;
use std::path::Path;

/// One instance of a schema.
pub struct Instance {
    /// Whether the schema accepts it.
    pub valid: bool,
    /// Its text.
    pub text: String,
}

/// One source with its instances.
pub struct Case {
    /// The file's name.
    pub name: String,
    /// What is compiled.
    pub source: Source,
    /// The instances.
    pub instances: Vec<Instance>,
}

/// Reads the files of a folder: those of a list, or all; every `every`-th one, by name.
pub fn all(dir: &Path, list: Option<&str>, every: usize) -> anyhow::Result<Vec<Case>> {
    let mut names: Vec<String> = match list {
        Some(list) => std::fs::read_to_string(dir.join(list))?
            .split_whitespace()
            .map(String::from)
            .collect(),
        None => std::fs::read_dir(dir.join("files"))?
            .map(|e| e.map(|e| e.file_name().to_string_lossy().into_owned()))
            .collect::<Result<_, _>>()?,
    };
    names.sort();
    names
        .iter()
        .step_by(every.max(1))
        .map(|name| read(&dir.join("files").join(name)))
        .collect()
}

/// Reads one file in MaskBench's format.
pub fn read(path: &Path) -> anyhow::Result<Case> {
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let instances = file["tests"]
        .as_array()
        .map_or(&[][..], |v| v)
        .iter()
        .map(|test| {
            let mut text = String::new();
            write_spaced(&test["data"], &mut text);
            Instance {
                valid: test["valid"].as_bool().unwrap_or(false),
                text,
            }
        });
    Ok(Case {
        name: path
            .file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned()),
        source: Source::Schema(file["schema"].to_string()),
        instances: instances.collect(),
    })
}

/// JSON with `", "` and `": "` and non-ASCII left as it is, as MaskBench writes instances.
pub fn write_spaced(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                write_spaced(item, out);
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (i, (key, value)) in members.iter().enumerate() {
                if i > 0 {
                    out.push_str(", ");
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push_str(": ");
                write_spaced(value, out);
            }
            out.push('}');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}
