//! The grammar of imports and exports: which of them, and which names in them, are types.
//!
//! An import that names only types in its braces stays, because it runs the module.

use crate::fault::{Cause, Parse};
use crate::lexer::Kind;
use crate::parser::{Left, Parser};
use crate::words::is_reserved;

impl Parser<'_> {
    /// An import that is a statement.
    pub(crate) fn import(&mut self) -> Parse<Left> {
        let (start, mark, was_open) = (self.token.start, self.blanks.len(), self.is_open);
        self.advance()?;
        let is_type = self.is("type") && self.imports_types();
        if is_type {
            self.advance()?;
        } else if matches!(self.text, "defer" | "source") {
            let next = self.peek();
            if self.text_of(next) == "*" || next.kind == Kind::Name && self.text_of(next) != "from" {
                self.advance()?;
            }
        }
        if self.is_name() {
            self.advance()?;
            if self.is("=") {
                if !is_type {
                    self.refuse_code(Cause::ImportEquals)?;
                }
                self.advance()?;
                self.expression()?;
                self.end_statement()?;
                self.erase_whole(start, mark, was_open);
                return Ok(Left::Nothing);
            }
            self.take(",")?;
        }
        if self.take("*")? {
            self.expect("as")?;
            self.advance()?;
        } else if self.is("{") {
            self.names()?;
        }
        self.take("from")?;
        self.specifier()?;
        self.end_statement()?;
        if is_type {
            self.erase_whole(start, mark, was_open);
            return Ok(Left::Nothing);
        }
        Ok(Left::Code)
    }

    /// Whether `type` in `import type` is the keyword, and not the name of the default import.
    fn imports_types(&mut self) -> bool {
        let next = self.peek();
        match (next.kind, self.text_of(next)) {
            (Kind::Mark, mark) => matches!(mark, "{" | "*"),
            (Kind::Name, "from") => {
                let second = self.peek_after(next);
                matches!(self.text_of(second), "from" | "=")
            }
            (Kind::Name, _) => true,
            _ => false,
        }
    }

    /// The text that names a module, and its attributes.
    fn specifier(&mut self) -> Parse {
        if self.token.kind != Kind::Text {
            return self.fault(Cause::Expected("the name of a module in quotes"));
        }
        self.advance()?;
        if self.is("with") || self.is_on_line("assert") {
            self.advance()?;
            if !self.is("{") {
                return self.fault(Cause::Expected("{"));
            }
            self.assignment()?;
        }
        Ok(())
    }

    /// `{ a, type B, c as d }`
    fn names(&mut self) -> Parse {
        self.expect("{")?;
        while !self.is("}") {
            let start = self.token.start;
            let is_type = self.is("type") && self.names_type();
            if is_type {
                self.advance()?;
            }
            self.module_name()?;
            if self.take("as")? {
                self.module_name()?;
            }
            let goes_on = self.take(",")?;
            if is_type {
                self.erase(start);
            }
            if !goes_on {
                break;
            }
        }
        self.expect("}")
    }

    fn module_name(&mut self) -> Parse {
        match self.token.kind {
            Kind::Name | Kind::Text => self.advance(),
            _ => self.fault(Cause::Expected("a name")),
        }
    }

    /// Whether `type` in braces is the keyword, and not a name itself.
    fn names_type(&mut self) -> bool {
        let next = self.peek();
        if self.text_of(next) != "as" {
            return matches!(next.kind, Kind::Name | Kind::Text);
        }
        // `type as`, `type as as`, `type as as x` and `type as x`
        let second = self.peek_after(next);
        match self.text_of(second) {
            "as" => {
                let third = self.peek_after(second);
                !matches!(self.text_of(third), "," | "}")
            }
            text => matches!(text, "," | "}"),
        }
    }

    pub(crate) fn export(&mut self) -> Parse<Left> {
        let (start, mark, was_open) = (self.token.start, self.blanks.len(), self.is_open);
        self.is_open = false;
        self.advance()?;
        let next = self.peek();
        let text = self.text_of(next);
        let left = match self.text {
            "=" => {
                self.refuse_code(Cause::ExportEquals)?;
                self.advance()?;
                self.expression()?;
                self.end_statement()?;
                Left::Nothing
            }
            "import" => {
                self.refuse_code(Cause::ImportEquals)?;
                self.import()?
            }
            "as" => {
                // `export as namespace N`
                self.advance()?;
                self.expect("namespace")?;
                self.advance()?;
                self.end_statement()?;
                Left::Nothing
            }
            "type" if matches!(text, "{" | "*") => {
                self.advance()?;
                self.exports()?;
                Left::Nothing
            }
            "{" | "*" => {
                self.exports()?;
                Left::Code
            }
            "default" => {
                self.advance()?;
                self.default_export()?
            }
            "@" => return self.fault(Cause::Decorator),
            word if self.is_name() && (is_reserved(word) || self.begins_declaration(word)) => self.statement()?,
            _ => return self.fault(Cause::Expected("a declaration")),
        };
        if left == Left::Nothing {
            self.erase_whole(start, mark, was_open);
        }
        Ok(left)
    }

    fn begins_declaration(&self, word: &str) -> bool {
        matches!(
            word,
            "abstract"
                | "async"
                | "declare"
                | "global"
                | "interface"
                | "let"
                | "module"
                | "namespace"
                | "type"
                | "using"
                | "await"
        )
    }

    /// What follows `export` in braces, or a star.
    fn exports(&mut self) -> Parse {
        if self.take("*")? {
            if self.take("as")? {
                self.module_name()?;
            }
        } else {
            self.names()?;
        }
        if self.take("from")? {
            self.specifier()?;
        }
        self.end_statement()
    }

    fn default_export(&mut self) -> Parse<Left> {
        let (start, mark) = (self.token.start, self.blanks.len());
        let next = self.peek();
        let text = self.text_of(next);
        match self.text {
            "interface" if next.kind == Kind::Name && !next.on_new_line => {
                self.interface()?;
                Ok(Left::Nothing)
            }
            "abstract" if text == "class" && !next.on_new_line => {
                self.advance()?;
                self.erase(start);
                self.class()?;
                Ok(Left::Code)
            }
            "class" => self.class().map(|()| Left::Code),
            "function" => self.function_declaration(start, mark, false),
            "async" if text == "function" && !next.on_new_line => {
                self.advance()?;
                self.function_declaration(start, mark, false)
            }
            "enum" => self.fault(Cause::Enum),
            _ => {
                self.assignment()?;
                self.end_statement()?;
                Ok(Left::Code)
            }
        }
    }
}
