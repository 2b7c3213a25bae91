//! The terminals of Lark's `common` library, as its documentation lists them.

/// Definitions in Lark itself; the names carry their library, so that they meet nobody else's.
pub(super) const COMMON: &str = r#"
common.DIGIT: "0".."9"
common.HEXDIGIT: "a".."f" | "A".."F" | common.DIGIT
common.INT: common.DIGIT+
common.SIGNED_INT: ["+" | "-"] common.INT
common.DECIMAL: common.INT "." common.INT? | "." common.INT
common._EXP: ("e" | "E") common.SIGNED_INT
common.FLOAT: common.INT common._EXP | common.DECIMAL common._EXP?
common.SIGNED_FLOAT: ["+" | "-"] common.FLOAT
common.NUMBER: common.FLOAT | common.INT
common.SIGNED_NUMBER: ["+" | "-"] common.NUMBER
common.STRING_INNER: "\\\"" | /[^"]/
common.ESCAPED_STRING: /"([^"\\\n]|\\.)*"/
common.LCASE_LETTER: "a".."z"
common.UCASE_LETTER: "A".."Z"
common.LETTER: common.UCASE_LETTER | common.LCASE_LETTER
common.WORD: common.LETTER+
common.CNAME: ("_" | common.LETTER) ("_" | common.LETTER | common.DIGIT)*
common.WS_INLINE: (" " | /\t/)+
common.WS: /[ \t\f\r\n]/+
common.CR: /\r/
common.LF: /\n/
common.NEWLINE: (common.CR? common.LF)+
common.SH_COMMENT: /#[^\n]*/
common.CPP_COMMENT: /\/\/[^\n]*/
common.C_COMMENT: "/*" /(.|\n)*?/ "*/"
common.SQL_COMMENT: /--[^\n]*/
"#;

/// The names that a user would list.
pub(super) const NAMES: &str = "DIGIT HEXDIGIT INT SIGNED_INT DECIMAL FLOAT SIGNED_FLOAT NUMBER SIGNED_NUMBER ESCAPED_STRING LCASE_LETTER UCASE_LETTER LETTER WORD CNAME WS_INLINE WS CR LF NEWLINE SH_COMMENT CPP_COMMENT C_COMMENT SQL_COMMENT";
