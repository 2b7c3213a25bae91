//! The files of a corpus: which there are, and the schemas with instances inside.

use super::Case;
use crate::args::{Formats, SuiteFormat};
use crate::error::{Error, Result};
use crate::input;
use crate::source::format_mode;
use maskwright_grammar::json_schema::json::{Document, Json, ValueId};
use maskwright_grammar::json_schema::{Draft, FormatMode};
use maskwright_tables::Limits;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The address that the official suite's remote schemas have.
const REMOTES: &str = "http://localhost:1234/";

/// A file of a corpus.
#[derive(Clone, Debug)]
pub struct CorpusFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it is called in answers: its path below the folder that was given.
    pub name: String,
    /// The row of the summary that it counts in: its source set, or its keyword.
    pub group: String,
    /// For the official suite: draft and part of the suite.
    pub part: Option<String>,
    /// How its schemas are read unless they say otherwise.
    pub draft: Draft,
    /// What `format` means in it.
    pub format: FormatMode,
}

impl CorpusFile {
    fn new(path: PathBuf, name: String, format: SuiteFormat, formats: Option<Formats>) -> Self {
        let stem = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut file = CorpusFile {
            group: stem.clone(),
            name,
            part: None,
            draft: Draft::default(),
            format: FormatMode::Assert,
            path,
        };
        match format {
            SuiteFormat::Maskbench => {
                file.group = source_set(&stem).to_owned();
            }
            SuiteFormat::JsonSchemaTestSuite => {
                let folders: Vec<String> = file
                    .path
                    .iter()
                    .map(|c| c.to_string_lossy().into_owned())
                    .collect();
                let named = folders.iter().rev().find_map(|c| Some((c, draft(c)?)));
                if let Some((_, draft)) = named {
                    file.draft = draft;
                }
                let part = match folders.as_slice() {
                    [.., a, b, _] if a == "optional" && b == "format" => "optional/format",
                    folders if folders.iter().any(|c| c == "optional") => "optional",
                    _ => "required",
                };
                if part != "optional/format" {
                    file.format = FormatMode::Annotate;
                }
                let draft = named.map_or("no draft", |(name, _)| name);
                file.part = Some(format!("{draft} {part}"));
            }
        }
        if let Some(choice) = formats {
            file.format = format_mode(choice);
        }
        file
    }
}

/// The part of a file's name that says which set it was drawn from.
fn source_set(stem: &str) -> &str {
    if let Some((set, _)) = stem.split_once("---") {
        return set;
    }
    // `BFCL_java_12` is the twelfth of `BFCL_java`.
    let digits = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    match digits.strip_suffix(['_', '-']) {
        Some(set) if digits.len() < stem.len() && !set.is_empty() => set,
        _ => stem,
    }
}

fn draft(folder: &str) -> Option<Draft> {
    Some(match folder {
        "draft4" => Draft::Draft4,
        "draft6" => Draft::Draft6,
        "draft7" => Draft::Draft7,
        "draft2019-09" => Draft::Draft2019,
        "draft2020-12" => Draft::Draft2020,
        _ => return None,
    })
}

/// All files that the arguments name, by name. Never empty.
pub fn files(
    given: &[String],
    list: Option<&str>,
    format: SuiteFormat,
    formats: Option<Formats>,
) -> Result<Vec<CorpusFile>> {
    let mut found = match list {
        Some(list) => listed(given, list)?,
        None => named(given)?,
    };
    found.sort_by(|a, b| a.1.cmp(&b.1));
    found.dedup();
    if found.is_empty() {
        return Err(
            Error::new("no-files", "there is no .json file in what was given")
                .with_help("give files, or folders that hold some"),
        );
    }
    let file = |(path, name)| CorpusFile::new(path, name, format, formats);
    Ok(found.into_iter().map(file).collect())
}

/// Files as they stand, and those in folders.
fn named(given: &[String]) -> Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    for name in given {
        let path = PathBuf::from(name);
        if path.is_dir() {
            found.extend(json_files(&path)?);
        } else {
            found.push((path, name.clone()));
        }
    }
    Ok(found)
}

/// The files that a list names, in the folders given or beside the list.
fn listed(given: &[String], list: &str) -> Result<Vec<(PathBuf, String)>> {
    let text = input::read(list)?;
    let text = String::from_utf8_lossy(&text);
    let mut folders: Vec<PathBuf> = given.iter().map(PathBuf::from).collect();
    if folders.is_empty() {
        folders.push(
            Path::new(list)
                .parent()
                .map_or_else(|| PathBuf::from("."), PathBuf::from),
        );
    }
    let mut found = Vec::new();
    for name in text.lines().map(str::trim).filter(|l| !l.is_empty()) {
        let candidates = folders
            .iter()
            .flat_map(|f| [f.join(name), f.join("files").join(name)]);
        let Some(path) = candidates.into_iter().find(|p| p.is_file()) else {
            let folders: Vec<_> = folders.iter().map(|f| f.display().to_string()).collect();
            return Err(Error::new(
                "no-such-file",
                format!(
                    "{list} lists {name}, which is not in {}",
                    folders.join(", ")
                ),
            ));
        };
        found.push((path, name.to_owned()));
    }
    Ok(found)
}

/// All `.json` files below a folder, with their paths below it, `/` between folders. Links to
/// folders are not followed.
fn json_files(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    let mut open = vec![(folder.to_path_buf(), String::new())];
    while let Some((at, below)) = open.pop() {
        let failed = |e| Error::file("cannot-read", &at.display().to_string(), &e);
        for entry in fs::read_dir(&at).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().map_err(failed)?.is_dir() {
                open.push((entry.path(), format!("{below}{name}/")));
            } else if name.ends_with(".json") && entry.path().is_file() {
                found.push((entry.path(), format!("{below}{name}")));
            }
        }
    }
    Ok(found)
}

/// The schemas to which the official suite's references lead, by URI.
pub fn remotes(folder: Option<&str>) -> Result<BTreeMap<String, String>> {
    let mut registry = BTreeMap::new();
    for (path, name) in folder.map_or(Ok(Vec::new()), |f| json_files(Path::new(f)))? {
        let text = input::read(&path.to_string_lossy())?;
        let text = String::from_utf8_lossy(&text).into_owned();
        registry.insert(format!("{REMOTES}{name}"), text);
    }
    Ok(registry)
}

/// Limits on reading the corpus itself, which is not what is judged.
fn reading() -> Limits {
    Limits::offline()
}

/// The text of a file.
pub fn read(file: &CorpusFile) -> std::result::Result<String, String> {
    let bytes = input::read(&file.path.to_string_lossy()).map_err(|e| match e {
        Error::Said(_, said) => said.first().map_or_else(String::new, |d| d.message.clone()),
        Error::ClosedPipe => String::new(),
    })?;
    String::from_utf8(bytes).map_err(|e| format!("not UTF-8: {e}"))
}

/// The JSON of a file.
pub fn parse(text: &str) -> std::result::Result<Document<'_>, String> {
    Document::parse(text, &reading()).map_err(|e| e.to_string())
}

/// The schemas of a file with their instances.
pub fn cases<'d>(
    document: &'d Document<'_>,
    format: SuiteFormat,
) -> std::result::Result<Vec<Case<'d>>, String> {
    let root = document.root();
    match (format, document.value(root)) {
        (SuiteFormat::Maskbench, Json::Object(_)) => Ok(vec![case(document, root)?]),
        (SuiteFormat::JsonSchemaTestSuite, Json::Array(groups)) => {
            groups.iter().map(|g| case(document, *g)).collect()
        }
        (SuiteFormat::Maskbench, _) => Err("not an object with `schema` and `tests`".to_owned()),
        (SuiteFormat::JsonSchemaTestSuite, _) => Err("not an array of test groups".to_owned()),
    }
}

fn case<'d>(document: &'d Document<'_>, group: ValueId) -> std::result::Result<Case<'d>, String> {
    let schema = document
        .get(group, "schema")
        .ok_or("there is no member `schema`")?;
    let tests = match document.get(group, "tests").map(|t| document.value(t)) {
        None => &[][..],
        Some(Json::Array(tests)) => tests,
        Some(_) => return Err("`tests` is not an array".to_owned()),
    };
    let tests = tests.iter().enumerate().map(|(i, test)| {
        let data = document.get(*test, "data");
        match (
            data,
            document.get(*test, "valid").map(|v| document.value(v)),
        ) {
            (Some(data), Some(Json::Bool(valid))) => Ok(super::Instance {
                description: string(document, *test),
                data,
                valid,
            }),
            _ => Err(format!(
                "test {i} has no `data`, or no `valid` that is a boolean"
            )),
        }
    });
    Ok(Case {
        description: string(document, group),
        schema: &document.text()[document.span(schema)],
        instances: tests.collect::<std::result::Result<_, _>>()?,
    })
}

fn string<'d>(document: &'d Document<'_>, group: ValueId) -> &'d str {
    match document
        .get(group, "description")
        .map(|d| document.value(d))
    {
        Some(Json::String(s)) => s,
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_sets_come_from_names() {
        assert_eq!(source_set("Github_easy---o12"), "Github_easy");
        assert_eq!(source_set("BFCL_java_43"), "BFCL_java");
        assert_eq!(source_set("plain"), "plain");
        assert_eq!(source_set("_7"), "_7");
    }

    #[test]
    fn drafts_and_parts_come_from_folders() {
        let part = |path: &str| {
            let file = CorpusFile::new(
                path.into(),
                path.into(),
                SuiteFormat::JsonSchemaTestSuite,
                None,
            );
            (file.part.unwrap(), file.draft, file.format, file.group)
        };
        assert_eq!(
            part("tests/draft4/ref.json"),
            (
                "draft4 required".to_owned(),
                Draft::Draft4,
                FormatMode::Annotate,
                "ref".to_owned()
            )
        );
        assert_eq!(
            part("x/draft2019-09/optional/format/date.json"),
            (
                "draft2019-09 optional/format".to_owned(),
                Draft::Draft2019,
                FormatMode::Assert,
                "date".to_owned()
            )
        );
        assert_eq!(part("a/optional/bignum.json").0, "no draft optional");
    }

    #[test]
    fn what_is_no_corpus_is_said_so() {
        let say = |text: &str, format| {
            let document = parse(text).unwrap();
            cases(&document, format).map(|c| c.len())
        };
        assert_eq!(say(r#"{"schema": true}"#, SuiteFormat::Maskbench), Ok(1));
        assert!(say("[]", SuiteFormat::Maskbench).is_err());
        assert!(say(r#"{"tests": []}"#, SuiteFormat::Maskbench).is_err());
        assert!(
            say(
                r#"{"schema": {}, "tests": [{"data": 1}]}"#,
                SuiteFormat::Maskbench
            )
            .is_err()
        );
        assert_eq!(say("[]", SuiteFormat::JsonSchemaTestSuite), Ok(0));
    }
}
