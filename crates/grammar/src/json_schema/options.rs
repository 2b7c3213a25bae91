//! What a caller may choose about reading a schema.

use std::collections::BTreeMap;

/// A version of JSON Schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Draft {
    /// Draft 4.
    Draft4,
    /// Draft 6.
    Draft6,
    /// Draft 7.
    Draft7,
    /// 2019-09.
    Draft2019,
    /// 2020-12.
    #[default]
    Draft2020,
}

impl Draft {
    /// The name people use.
    pub fn name(self) -> &'static str {
        match self {
            Draft::Draft4 => "draft 4",
            Draft::Draft6 => "draft 6",
            Draft::Draft7 => "draft 7",
            Draft::Draft2019 => "2019-09",
            Draft::Draft2020 => "2020-12",
        }
    }

    /// The draft whose meta-schema has this URI.
    pub(super) fn from_uri(uri: &str) -> Option<Draft> {
        let uri = uri.trim_end_matches('#');
        let rest = uri
            .strip_prefix("http://")
            .or_else(|| uri.strip_prefix("https://"))?;
        Some(match rest {
            "json-schema.org/draft-04/schema" | "json-schema.org/draft-04/hyper-schema" => {
                Draft::Draft4
            }
            "json-schema.org/draft-06/schema" | "json-schema.org/draft-06/hyper-schema" => {
                Draft::Draft6
            }
            "json-schema.org/draft-07/schema" | "json-schema.org/draft-07/hyper-schema" => {
                Draft::Draft7
            }
            "json-schema.org/draft/2019-09/schema"
            | "json-schema.org/draft/2019-09/hyper-schema" => Draft::Draft2019,
            "json-schema.org/draft/2020-12/schema"
            | "json-schema.org/draft/2020-12/hyper-schema" => Draft::Draft2020,
            _ => return None,
        })
    }
}

/// What `format` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum FormatMode {
    /// Known formats are assertions; unknown ones are reported annotations.
    #[default]
    Assert,
    /// Known formats are assertions; unknown ones are errors.
    Strict,
    /// Every format is an annotation.
    Annotate,
}

/// What a caller may choose about reading a schema. The default is strict, with formats asserted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Options {
    /// The draft of schemas that do not say theirs with `$schema`.
    pub default_draft: Draft,
    /// Whether what cannot be enforced is relaxed and recorded instead of refused.
    pub lenient: bool,
    /// What `format` means.
    pub format: FormatMode,
    /// The URI from which the schema text came, for relative references; may be empty.
    pub base_uri: String,
    /// Schema texts by URI, for references that leave the text. Nothing is ever fetched.
    pub registry: BTreeMap<String, String>,
}
