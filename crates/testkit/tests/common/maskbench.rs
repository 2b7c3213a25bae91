//! A public corpus of schemas with instances, where it is present.

use maskwright_grammar::json_schema::json::{Document, Json};
use maskwright_tables::Limits;
use std::fs;
use std::path::PathBuf;

/// One schema with `(whether it is valid, text)` for each instance.
pub struct Instance {
    pub name: String,
    pub schema: String,
    pub texts: Vec<(bool, String)>,
}

/// The core list, or nothing where the corpus is not there.
pub fn core() -> Vec<Instance> {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/maskbench-dev");
    let Ok(list) = fs::read_to_string(folder.join("core.txt")) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for name in list.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let text = fs::read_to_string(folder.join("files").join(name)).expect("a listed file");
        let document = Document::parse(&text, &Limits::offline()).expect("JSON");
        let root = document.root();
        let schema =
            text[document.span(document.get(root, "schema").expect("a schema"))].to_owned();
        let mut texts = Vec::new();
        if let Some(Json::Array(tests)) = document.get(root, "tests").map(|t| document.value(t)) {
            for test in tests {
                let valid = document.get(*test, "valid").map(|v| document.value(v));
                let text = document.spaced(document.get(*test, "data").expect("data"));
                texts.push((matches!(valid, Some(Json::Bool(true))), text));
            }
        }
        all.push(Instance {
            name: name.to_owned(),
            schema,
            texts,
        });
    }
    all
}
