//! The grammar of statements. It knows which of them are types, and where a line end instead of a semicolon ends one.
//!
//! It must never look into expressions.

use crate::blank::Put;
use crate::fault::{Cause, Fault, Parse};
use crate::lexer::Kind;
use crate::parser::{Left, Parser};
use crate::words::is_reserved;

impl Parser<'_> {
    /// The whole source.
    pub(crate) fn source(&mut self) -> Parse {
        while !self.ends_statements() {
            self.statement()?;
            self.forget();
        }
        if self.token.kind != Kind::End {
            return self.fault(Cause::Expected("a statement"));
        }
        Ok(())
    }

    /// Statements up to a closing brace, a label of a `switch`, or the end.
    fn statements(&mut self) -> Parse<Left> {
        let mut left = Left::Nothing;
        self.is_open = false;
        while !self.ends_statements() {
            if self.statement()? == Left::Code {
                left = Left::Code;
            }
        }
        Ok(left)
    }

    fn ends_statements(&self) -> bool {
        self.token.kind == Kind::End || matches!(self.text, "}" | "case" | "default")
    }

    /// Statements in braces.
    pub(crate) fn block(&mut self) -> Parse<Left> {
        self.expect("{")?;
        let left = self.statements()?;
        self.is_open = false;
        self.expect("}")?;
        Ok(left)
    }

    pub(crate) fn statement(&mut self) -> Parse<Left> {
        self.deeper(|parser| {
            // A type leaves nothing, and says so itself.
            if let Some(left) = parser.declaration()? {
                return Ok(left);
            }
            parser.other_statement()?;
            Ok(Left::Code)
        })
    }

    /// A statement that is the body of another. If nothing of it is left, a semicolon takes its place.
    fn inner_statement(&mut self) -> Parse {
        self.is_open = false;
        if self.statement()? == Left::Nothing {
            self.close();
        }
        Ok(())
    }

    /// A statement that may be no code, or that only TypeScript has.
    fn declaration(&mut self) -> Parse<Option<Left>> {
        let (start, mark, was_open) = (self.token.start, self.blanks.len(), self.is_open);
        if !self.is_name() {
            return if self.is("@") { self.fault(Cause::Decorator) } else { Ok(None) };
        }
        let next = self.peek();
        let text = self.text_of(next);
        let is_named = next.kind == Kind::Name && !next.on_new_line && !is_reserved(text);
        match self.text {
            "import" if !matches!(text, "(" | ".") => return self.import().map(Some),
            "export" => return self.export().map(Some),
            "enum" => self.enumeration()?,
            "const" if text == "enum" => {
                self.refuse_code(Cause::Enum)?;
                self.advance()?;
                self.enumeration()?;
            }
            "type" if is_named => self.alias()?,
            "interface" if is_named => self.interface()?,
            "namespace" | "module" if is_named || next.kind == Kind::Text && !next.on_new_line => self.namespace()?,
            "global" if text == "{" && self.is_ambient => self.namespace()?,
            "declare" if !next.on_new_line && self.declares(text) => {
                self.advance()?;
                self.ambient(Parser::statement)?;
            }
            "abstract" if text == "class" && !next.on_new_line => {
                self.advance()?;
                self.erase(start);
                self.class()?;
                return Ok(Some(Left::Code));
            }
            "function" => return self.function_declaration(start, mark, was_open).map(Some),
            "async" if text == "function" && !next.on_new_line => {
                self.advance()?;
                return self.function_declaration(start, mark, was_open).map(Some);
            }
            _ => return Ok(None),
        }
        self.erase_whole(start, mark, was_open);
        Ok(Some(Left::Nothing))
    }

    /// Whether the word after `declare` makes it a declaration.
    fn declares(&self, word: &str) -> bool {
        matches!(
            word,
            "abstract"
                | "async"
                | "class"
                | "const"
                | "enum"
                | "function"
                | "global"
                | "import"
                | "interface"
                | "let"
                | "module"
                | "namespace"
                | "type"
                | "using"
                | "var"
        )
    }

    /// Refuses what is code, unless `declare` says that it is none.
    pub(crate) fn refuse_code(&self, cause: Cause) -> Parse {
        if self.is_ambient { Ok(()) } else { self.fault(cause) }
    }

    fn enumeration(&mut self) -> Parse {
        self.refuse_code(Cause::Enum)?;
        self.expect("enum")?;
        self.advance()?;
        self.expect("{")?;
        while !self.is("}") {
            self.property_name()?;
            if self.take("=")? {
                self.nested(Parser::assignment)?;
            }
            if !self.take(",")? {
                break;
            }
        }
        self.expect("}")
    }

    fn alias(&mut self) -> Parse {
        self.advance()?;
        self.advance()?;
        if self.is("<") {
            self.type_parameters()?;
        }
        self.expect("=")?;
        self.a_type()?;
        self.end_statement()
    }

    pub(crate) fn interface(&mut self) -> Parse {
        self.advance()?;
        self.advance()?;
        if self.is("<") {
            self.type_parameters()?;
        }
        if self.take("extends")? {
            self.references()?;
        }
        self.object_type()
    }

    /// Names of types with commas between them.
    pub(crate) fn references(&mut self) -> Parse {
        loop {
            self.reference()?;
            if !self.take(",")? {
                return Ok(());
            }
        }
    }

    /// A namespace, which can be erased if it holds only types.
    fn namespace(&mut self) -> Parse {
        let keyword = self.token;
        self.advance()?;
        if self.token.kind == Kind::Text {
            self.advance()?;
        } else if keyword.end - keyword.start != "global".len() || !self.is("{") {
            self.reference()?;
        }
        if !self.is("{") {
            self.refuse_code(Cause::Namespace)?;
            return self.end_statement();
        }
        let left = self.nested(Parser::block)?;
        if left == Left::Code && !self.is_ambient {
            return Err(Fault::new(keyword.start, Cause::Namespace));
        }
        Ok(())
    }

    /// A function, or the type of one: a declaration without a body.
    pub(crate) fn function_declaration(&mut self, start: usize, mark: usize, was_open: bool) -> Parse<Left> {
        self.expect("function")?;
        self.take("*")?;
        if self.is_name() {
            self.advance()?;
        }
        if self.function()? {
            return Ok(Left::Code);
        }
        self.end_statement()?;
        self.erase_whole(start, mark, was_open);
        Ok(Left::Nothing)
    }

    fn other_statement(&mut self) -> Parse {
        let text = self.text;
        match text {
            "{" => return self.block().map(drop),
            ";" => {
                self.is_open = false;
                return self.advance();
            }
            "var" | "const" => return self.variables_to_end(),
            "let" | "using" if self.begins_variables() => return self.variables_to_end(),
            "await" => {
                let next = self.peek();
                if self.text_of(next) == "using" && !next.on_new_line {
                    self.advance()?;
                    if self.begins_variables() {
                        return self.variables_to_end();
                    }
                }
            }
            "class" => {
                self.class()?;
                self.is_open = false;
                return Ok(());
            }
            "if" => return self.branches(),
            "for" => return self.for_loop(),
            "while" | "with" => {
                self.advance()?;
                self.condition()?;
                return self.inner_statement();
            }
            "do" => return self.do_loop(),
            "switch" => return self.switch(),
            "try" => return self.try_block(),
            "return" | "throw" => return self.value_to_end(),
            "break" | "continue" => {
                self.advance()?;
                if self.is_name() && !self.token.on_new_line {
                    self.advance()?;
                }
                return self.end_statement();
            }
            "debugger" => {
                self.advance()?;
                return self.end_statement();
            }
            _ => {}
        }
        if self.is_name() {
            let next = self.peek();
            if self.text_of(next) == ":" && !is_reserved(self.text) {
                self.advance()?;
                self.advance()?;
                return self.inner_statement();
            }
        }
        self.expression()?;
        self.end_statement()
    }

    /// The end of a statement: a semicolon, or what stands for one.
    pub(crate) fn end_statement(&mut self) -> Parse {
        if self.take(";")? {
            self.is_open = false;
            return Ok(());
        }
        if self.is("}") || self.token.kind == Kind::End {
            self.is_open = true;
            return Ok(());
        }
        if !self.token.on_new_line {
            return self.fault(Cause::Expected("; or a new line"));
        }
        self.is_open = true;
        // Without the type in front of it, the next token could continue the statement.
        if self.is_blank_before() && (!self.is_name() || matches!(self.text, "in" | "instanceof")) {
            self.close();
            self.is_open = false;
        }
        Ok(())
    }

    /// Whether `let` or `using` begins a declaration, and is no name.
    fn begins_variables(&mut self) -> bool {
        let next = self.peek();
        let text = self.text_of(next);
        let is_name = next.kind == Kind::Name && !is_reserved(text);
        if self.is("let") {
            is_name || matches!(text, "[" | "{")
        } else {
            is_name && !next.on_new_line && !matches!(text, "of" | "as" | "satisfies")
        }
    }

    fn variables_to_end(&mut self) -> Parse {
        self.variables()?;
        self.end_statement()
    }

    fn variables(&mut self) -> Parse {
        self.advance()?;
        loop {
            self.binding()?;
            if self.is("!") && !self.token.on_new_line {
                let start = self.token.start;
                self.advance()?;
                self.erase(start);
            }
            if self.is(":") {
                self.annotation()?;
            }
            if self.take("=")? {
                self.assignment()?;
            }
            if !self.take(",")? {
                return Ok(());
            }
        }
    }

    /// `return` or `throw` with a value, which must begin on the same line.
    fn value_to_end(&mut self) -> Parse {
        self.advance()?;
        if self.token.on_new_line || self.token.kind == Kind::End || matches!(self.text, ";" | "}") {
            return self.end_statement();
        }
        let start = self.token.start;
        let is_behind = self.is("<") && self.value_is_behind_a_line(start)?;
        // There must be room for what is put there.
        let second = self.source.as_bytes().get(start + 1).copied().unwrap_or_default();
        if is_behind && !(second == b' ' || second.is_ascii_graphic()) {
            return self.fault(Cause::Line);
        }
        self.expression()?;
        if is_behind && let Some(blank) = self.blanks.iter_mut().rev().find(|blank| blank.start() == start) {
            // The value of a comma is what stands behind it.
            *blank = blank.with(start, Put::Zero);
        }
        self.end_statement()
    }

    fn condition(&mut self) -> Parse {
        self.expect("(")?;
        self.nested(Parser::expression)?;
        self.expect(")")
    }

    fn branches(&mut self) -> Parse {
        while self.take("if")? {
            self.condition()?;
            self.inner_statement()?;
            if !self.take("else")? {
                return Ok(());
            }
        }
        self.inner_statement()
    }

    fn do_loop(&mut self) -> Parse {
        self.advance()?;
        self.inner_statement()?;
        self.expect("while")?;
        self.condition()?;
        // Here a semicolon may be missing within a line, too.
        self.take(";")?;
        self.is_open = false;
        Ok(())
    }

    fn for_loop(&mut self) -> Parse {
        self.advance()?;
        self.take("await")?;
        self.expect("(")?;
        self.nested(|parser| {
            parser.in_for_head = true;
            parser.for_start()?;
            parser.in_for_head = false;
            if matches!(parser.text, "of" | "in") {
                parser.advance()?;
                return parser.expression();
            }
            parser.expect(";")?;
            if !parser.is(";") {
                parser.expression()?;
            }
            parser.expect(";")?;
            if !parser.is(")") {
                parser.expression()?;
            }
            Ok(())
        })?;
        self.expect(")")?;
        self.inner_statement()
    }

    fn for_start(&mut self) -> Parse {
        if self.is("await") {
            let next = self.peek();
            if self.text_of(next) == "using" {
                self.advance()?;
            }
        }
        let text = self.text;
        match text {
            ";" => Ok(()),
            "var" | "const" => self.variables(),
            "let" | "using" if self.begins_variables() => self.variables(),
            _ => self.expression(),
        }
    }

    fn switch(&mut self) -> Parse {
        self.advance()?;
        self.condition()?;
        self.expect("{")?;
        while !self.is("}") {
            if self.take("case")? {
                self.nested(Parser::expression)?;
            } else {
                self.expect("default")?;
            }
            self.expect(":")?;
            self.statements()?;
        }
        self.is_open = false;
        self.advance()
    }

    fn try_block(&mut self) -> Parse {
        self.advance()?;
        self.block()?;
        if self.take("catch")? {
            if self.take("(")? {
                self.binding()?;
                if self.is(":") {
                    self.annotation()?;
                }
                self.expect(")")?;
            }
            self.block()?;
        }
        if self.take("finally")? {
            self.block()?;
        }
        Ok(())
    }
}
