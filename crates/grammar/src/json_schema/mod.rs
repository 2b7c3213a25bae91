//! The JSON Schema front end.
