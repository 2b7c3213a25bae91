//! The standard meta-schemas, so that a schema may refer to them without a registry.
//!
//! The texts are those of the JSON Schema specification (json-schema.org, published under the
//! 3-clause BSD licence), with white space between tokens taken out.

/// The text of the standard meta-schema with this URI.
pub(super) fn text(uri: &str) -> Option<&'static str> {
    Some(match uri.trim_end_matches('#') {
        "https://json-schema.org/draft/2019-09/meta/applicator" => {
            include_str!("metaschemas/draft2019-09-meta-applicator.json")
        }
        "https://json-schema.org/draft/2019-09/meta/content" => {
            include_str!("metaschemas/draft2019-09-meta-content.json")
        }
        "https://json-schema.org/draft/2019-09/meta/core" => {
            include_str!("metaschemas/draft2019-09-meta-core.json")
        }
        "https://json-schema.org/draft/2019-09/meta/format" => {
            include_str!("metaschemas/draft2019-09-meta-format.json")
        }
        "https://json-schema.org/draft/2019-09/meta/meta-data" => {
            include_str!("metaschemas/draft2019-09-meta-meta-data.json")
        }
        "https://json-schema.org/draft/2019-09/meta/validation" => {
            include_str!("metaschemas/draft2019-09-meta-validation.json")
        }
        "https://json-schema.org/draft/2019-09/schema" => {
            include_str!("metaschemas/draft2019-09-schema.json")
        }
        "https://json-schema.org/draft/2020-12/meta/applicator" => {
            include_str!("metaschemas/draft2020-12-meta-applicator.json")
        }
        "https://json-schema.org/draft/2020-12/meta/content" => {
            include_str!("metaschemas/draft2020-12-meta-content.json")
        }
        "https://json-schema.org/draft/2020-12/meta/core" => {
            include_str!("metaschemas/draft2020-12-meta-core.json")
        }
        "https://json-schema.org/draft/2020-12/meta/format-annotation" => {
            include_str!("metaschemas/draft2020-12-meta-format-annotation.json")
        }
        "https://json-schema.org/draft/2020-12/meta/format-assertion" => {
            include_str!("metaschemas/draft2020-12-meta-format-assertion.json")
        }
        "https://json-schema.org/draft/2020-12/meta/meta-data" => {
            include_str!("metaschemas/draft2020-12-meta-meta-data.json")
        }
        "https://json-schema.org/draft/2020-12/meta/unevaluated" => {
            include_str!("metaschemas/draft2020-12-meta-unevaluated.json")
        }
        "https://json-schema.org/draft/2020-12/meta/validation" => {
            include_str!("metaschemas/draft2020-12-meta-validation.json")
        }
        "https://json-schema.org/draft/2020-12/schema" => {
            include_str!("metaschemas/draft2020-12-schema.json")
        }
        "http://json-schema.org/draft-04/schema" => include_str!("metaschemas/draft4.json"),
        "http://json-schema.org/draft-06/schema" => include_str!("metaschemas/draft6.json"),
        "http://json-schema.org/draft-07/schema" => include_str!("metaschemas/draft7.json"),
        _ => return None,
    })
}
