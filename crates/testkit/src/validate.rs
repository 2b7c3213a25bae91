//! JSON Schema validation by the `jsonschema` crate: the judge of finished documents.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// A schema, compiled once.
#[derive(Debug)]
pub struct Validator(jsonschema::Validator);

impl Validator {
    /// Compiles a schema. The draft is the one that `$schema` names, 2020-12 otherwise; `format` is
    /// asserted in every draft, as Maskwright does by default.
    ///
    /// # Errors
    /// The message of the parser or of the `jsonschema` crate.
    pub fn new(schema: &str) -> Result<Self, String> {
        let schema: Value = serde_json::from_str(schema).map_err(|e| e.to_string())?;
        Self::from_value(&schema)
    }

    /// [`Validator::new`] of a parsed schema.
    ///
    /// # Errors
    /// The message of the `jsonschema` crate.
    pub fn from_value(schema: &Value) -> Result<Self, String> {
        jsonschema::options()
            .should_validate_formats(true)
            .build(schema)
            .map(Validator)
            .map_err(|e| e.to_string())
    }

    /// Whether the text is JSON, names no member of an object twice, and is valid.
    ///
    /// # Errors
    /// The first reason why not, with its place.
    pub fn validate(&self, text: &[u8]) -> Result<(), String> {
        let document = parse_strictly(text)?;
        match self.0.iter_errors(&document).next() {
            None => Ok(()),
            Some(e) => Err(format!("{e} at {:?}", e.instance_path().to_string())),
        }
    }

    /// Whether a parsed document is valid.
    pub fn is_valid(&self, document: &Value) -> bool {
        self.0.is_valid(document)
    }
}

/// [`Validator::validate`] with a schema that is used once.
///
/// # Errors
/// As for [`Validator::new`] and [`Validator::validate`].
pub fn validate(schema: &str, text: &[u8]) -> Result<(), String> {
    Validator::new(schema)?.validate(text)
}

/// Parses JSON and refuses objects that name a member twice.
///
/// # Errors
/// The parser's message, or the name.
pub fn parse_strictly(text: &[u8]) -> Result<Value, String> {
    serde_json::from_slice::<Strict>(text)
        .map(|s| s.0)
        .map_err(|e| e.to_string())
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Strict;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }
            fn visit_unit<E: Error>(self) -> Result<Strict, E> {
                Ok(Strict(Value::Null))
            }
            fn visit_bool<E: Error>(self, b: bool) -> Result<Strict, E> {
                Ok(Strict(b.into()))
            }
            fn visit_u64<E: Error>(self, n: u64) -> Result<Strict, E> {
                Ok(Strict(n.into()))
            }
            fn visit_i64<E: Error>(self, n: i64) -> Result<Strict, E> {
                Ok(Strict(n.into()))
            }
            fn visit_f64<E: Error>(self, n: f64) -> Result<Strict, E> {
                Ok(Strict(n.into()))
            }
            fn visit_str<E: Error>(self, s: &str) -> Result<Strict, E> {
                Ok(Strict(s.into()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
                let mut all = Vec::new();
                while let Some(Strict(item)) = items.next_element()? {
                    all.push(item);
                }
                Ok(Strict(Value::Array(all)))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Strict, A::Error> {
                let mut all = Map::new();
                while let Some((name, Strict(value))) = members.next_entry::<String, Strict>()? {
                    if all.contains_key(&name) {
                        return Err(A::Error::custom(format!("member {name:?} twice")));
                    }
                    all.insert(name, value);
                }
                Ok(Strict(Value::Object(all)))
            }
        }
        d.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_asserted_and_duplicates_refused() {
        let schema = r#"{"type":"object","properties":{"d":{"format":"date"}}}"#;
        assert!(validate(schema, br#"{"d":"2024-02-29"}"#).is_ok());
        assert!(validate(schema, br#"{"d":"2023-02-29"}"#).is_err());
        assert!(
            validate(schema, br#"{"d":"2024-02-29","d":"2024-02-29"}"#)
                .unwrap_err()
                .contains("twice")
        );
        assert!(validate(schema, br#"{"d":"2024-02-29"} x"#).is_err());
        assert!(validate("{", b"1").is_err());
    }

    #[test]
    fn the_draft_is_the_one_named() {
        let old = r#"{"$schema":"http://json-schema.org/draft-04/schema#","minimum":1,"exclusiveMinimum":true}"#;
        assert!(validate(old, b"1").is_err());
        assert!(validate(old, b"2").is_ok());
    }
}
