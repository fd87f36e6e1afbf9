//! The words of JavaScript and its operators.
//!
//! It must never know where a word stands.

/// Whether a word can be no name.
pub(crate) fn is_reserved(word: &str) -> bool {
    matches!(
        word,
        "break"
            | "case"
            | "catch"
            | "class"
            | "const"
            | "continue"
            | "debugger"
            | "default"
            | "delete"
            | "do"
            | "else"
            | "enum"
            | "export"
            | "extends"
            | "false"
            | "finally"
            | "for"
            | "function"
            | "if"
            | "import"
            | "in"
            | "instanceof"
            | "new"
            | "null"
            | "return"
            | "super"
            | "switch"
            | "this"
            | "throw"
            | "true"
            | "try"
            | "typeof"
            | "var"
            | "void"
            | "while"
            | "with"
    )
}

/// Whether a reserved word can begin an expression.
pub(crate) fn begins_expression(word: &str) -> bool {
    matches!(
        word,
        "class"
            | "delete"
            | "false"
            | "function"
            | "import"
            | "new"
            | "null"
            | "super"
            | "this"
            | "true"
            | "typeof"
            | "void"
    )
}

/// Whether a word is a type of TypeScript's own.
pub(crate) fn is_built_in(word: &str) -> bool {
    matches!(
        word,
        "any" | "bigint" | "boolean" | "never" | "number" | "object" | "string" | "symbol" | "undefined" | "unknown"
    )
}

/// How tightly the operators bind with which `as` is compared.
pub(crate) const COMPARISON: u8 = 8;
/// The operator that binds most tightly, and to the right.
pub(crate) const POWER: u8 = 12;

/// How tightly an operator between two values binds.
pub(crate) fn precedence(operator: &str) -> Option<u8> {
    Some(match operator {
        "??" => 1,
        "||" => 2,
        "&&" => 3,
        "|" => 4,
        "^" => 5,
        "&" => 6,
        "==" | "!=" | "===" | "!==" => 7,
        "<" | ">" | "<=" | ">=" | "in" | "instanceof" | "as" | "satisfies" => COMPARISON,
        "<<" | ">>" | ">>>" => 9,
        "+" | "-" => 10,
        "*" | "/" | "%" => 11,
        "**" => POWER,
        _ => return None,
    })
}

/// Whether an operator assigns.
pub(crate) fn assigns(operator: &str) -> bool {
    matches!(
        operator,
        "=" | "+="
            | "-="
            | "*="
            | "/="
            | "%="
            | "**="
            | "<<="
            | ">>="
            | ">>>="
            | "&="
            | "|="
            | "^="
            | "&&="
            | "||="
            | "??="
    )
}
