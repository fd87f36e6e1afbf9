//! The grammar of types. It finds where a type ends.
//!
//! It must never blank anything: who asks for a type decides what goes with it.

use crate::fault::{Cause, Parse};
use crate::lexer::{self, Kind};
use crate::parser::{Attempt, Parser};
use crate::words::{is_built_in, is_reserved};

impl Parser<'_> {
    /// `: T`, which is blanked.
    pub(crate) fn annotation(&mut self) -> Parse {
        let start = self.token.start;
        self.expect(":")?;
        self.a_type()?;
        self.erase(start);
        Ok(())
    }

    /// A type after `:`, which may say something about a parameter: `x is T`, `asserts x`.
    pub(crate) fn return_type(&mut self) -> Parse {
        if self.is("asserts") {
            let next = self.peek();
            let text = self.text_of(next);
            if next.kind == Kind::Name && !next.on_new_line && (text == "this" || !is_reserved(text)) && text != "is" {
                self.advance()?;
                self.advance()?;
                return if self.is_on_line("is") { self.after_is() } else { Ok(()) };
            }
        }
        if self.is_name() {
            let next = self.peek();
            if self.text_of(next) == "is" && !next.on_new_line {
                self.advance()?;
                return self.after_is();
            }
        }
        self.a_type()
    }

    fn after_is(&mut self) -> Parse {
        self.advance()?;
        self.a_type()
    }

    /// Any type.
    pub(crate) fn a_type(&mut self) -> Parse {
        self.deeper(|parser| {
            loop {
                parser.union()?;
                let mut is_condition = false;
                // Which `extends` is that of an `infer` does not matter here: the type ends at the same place.
                while parser.is_on_line("extends") {
                    parser.advance()?;
                    parser.union()?;
                    is_condition = true;
                }
                if !(is_condition && parser.is("?")) {
                    return Ok(());
                }
                parser.advance()?;
                parser.a_type()?;
                parser.expect(":")?;
            }
        })
    }

    fn union(&mut self) -> Parse {
        if self.is("|") || self.is("&") {
            self.advance()?;
        }
        loop {
            self.operand_of_type()?;
            if !(self.is("|") || self.is("&")) {
                return Ok(());
            }
            self.advance()?;
        }
    }

    fn operand_of_type(&mut self) -> Parse {
        while matches!(self.text, "keyof" | "unique" | "readonly" | "infer") {
            let next = self.peek();
            let begins = match next.kind {
                Kind::Name => !matches!(self.text_of(next), "extends" | "is" | "as" | "satisfies"),
                Kind::Mark => matches!(self.text_of(next), "(" | "[" | "{" | "-"),
                Kind::End => false,
                _ => true,
            };
            if !begins || next.on_new_line && self.text != "keyof" {
                break;
            }
            self.advance()?;
        }
        if self.begins_function_type()? {
            return self.function_type();
        }
        self.primary_type()?;
        while self.is_on_line("[") {
            self.advance()?;
            if !self.is("]") {
                self.a_type()?;
            }
            self.expect("]")?;
        }
        Ok(())
    }

    fn begins_function_type(&mut self) -> Parse<bool> {
        match self.text {
            "<" | "new" => Ok(true),
            "abstract" => {
                let next = self.peek();
                Ok(self.text_of(next) == "new")
            }
            "(" => {
                // Only whether it begins like one is asked here.
                let (token, before) = (self.token, self.before);
                let begins = self.attempt(Attempt::FunctionType, |parser| {
                    let mark = parser.blanks.len();
                    let begins = parser.begins_parameters();
                    parser.blanks.truncate(mark);
                    begins
                })?;
                if begins {
                    self.go_back(token, before);
                }
                Ok(begins)
            }
            _ => Ok(false),
        }
    }

    fn begins_parameters(&mut self) -> Parse<bool> {
        self.advance()?;
        if self.is(")") || self.is("...") {
            return Ok(true);
        }
        if self.is("this") {
            self.advance()?;
        } else {
            self.binding()?;
        }
        if self.is(")") {
            self.advance()?;
            return Ok(self.is("=>"));
        }
        Ok(matches!(self.text, ":" | "," | "?" | "="))
    }

    fn function_type(&mut self) -> Parse {
        if self.is("abstract") {
            self.advance()?;
        }
        self.take("new")?;
        if self.is("<") {
            self.type_parameters()?;
        }
        self.parameters_of_type()?;
        self.expect("=>")?;
        self.deeper(Parser::return_type)
    }

    /// The parameters of a type that is called.
    fn parameters_of_type(&mut self) -> Parse {
        self.expect("(")?;
        while !self.is(")") {
            self.take("...")?;
            let mark = self.blanks.len();
            if self.is("this") {
                self.advance()?;
            } else {
                self.binding()?;
            }
            self.blanks.truncate(mark);
            self.take("?")?;
            if self.take(":")? {
                self.a_type()?;
            }
            if !self.take(",")? {
                break;
            }
        }
        self.expect(")")
    }

    fn primary_type(&mut self) -> Parse {
        match (self.token.kind, self.text) {
            (Kind::Mark, "(") => {
                self.advance()?;
                self.a_type()?;
                self.expect(")")
            }
            (Kind::Mark, "[") => self.tuple(),
            (Kind::Mark, "{") => self.object_type(),
            (Kind::Mark, "-") => {
                self.advance()?;
                if self.token.kind != Kind::Number {
                    return self.fault(Cause::Expected("a number"));
                }
                self.advance()
            }
            (Kind::Text | Kind::Number, _) => self.advance(),
            (Kind::Template, _) => self.template(Parser::a_type),
            (Kind::Name, "typeof") => {
                self.advance()?;
                if self.is("import") { self.import_type() } else { self.reference() }
            }
            (Kind::Name, "import") => self.import_type(),
            (Kind::Name, "this" | "void" | "null" | "true" | "false" | "const") => self.reference(),
            (Kind::Name, text) if !is_reserved(text) => {
                let next = self.peek();
                // These take no arguments, so that `x as number << 2` shifts.
                if is_built_in(text) && self.text_of(next) != "." { self.advance() } else { self.reference() }
            }
            _ => self.fault(Cause::Expected("a type")),
        }
    }

    /// `A.B<T>`
    pub(crate) fn reference(&mut self) -> Parse {
        if !self.is_name() {
            return self.fault(Cause::Expected("a name"));
        }
        self.advance()?;
        self.rest_of_reference()
    }

    fn rest_of_reference(&mut self) -> Parse {
        while self.is(".") {
            self.advance()?;
            if !matches!(self.token.kind, Kind::Name | Kind::Private) {
                return self.fault(Cause::Expected("a name"));
            }
            self.advance()?;
        }
        if matches!(self.text, "<" | "<<") && !self.token.on_new_line {
            self.type_arguments()?;
        }
        Ok(())
    }

    /// `import("m").A<T>`
    fn import_type(&mut self) -> Parse {
        self.advance()?;
        self.expect("(")?;
        self.a_type()?;
        if self.take(",")? && self.is("{") {
            self.object_type()?;
            self.take(",")?;
        }
        self.expect(")")?;
        self.rest_of_reference()
    }

    /// `<A, B>`, where a list of types must stand.
    pub(crate) fn type_arguments(&mut self) -> Parse {
        self.expect_first("<")?;
        self.types_to_greater()?;
        self.expect_first(">")
    }

    /// Types with commas between them, up to the `>` behind them.
    pub(crate) fn types_to_greater(&mut self) -> Parse {
        loop {
            self.a_type()?;
            if !self.take(",")? || self.text.starts_with('>') {
                return Ok(());
            }
        }
    }

    /// `<const T extends A = B>`
    pub(crate) fn type_parameters(&mut self) -> Parse {
        self.expect("<")?;
        loop {
            while matches!(self.text, "const" | "in") {
                self.advance()?;
            }
            if self.is("out") {
                let next = self.peek();
                if next.kind == Kind::Name && self.text_of(next) != "extends" {
                    self.advance()?;
                }
            }
            if !self.is_name() || is_reserved(self.text) {
                return self.fault(Cause::Expected("the name of a type"));
            }
            self.advance()?;
            if self.take("extends")? {
                self.a_type()?;
            }
            if self.take("=")? {
                self.a_type()?;
            }
            if !self.take(",")? || self.text.starts_with('>') {
                return self.expect_first(">");
            }
        }
    }

    fn tuple(&mut self) -> Parse {
        self.expect("[")?;
        while !self.is("]") {
            self.take("...")?;
            if self.has_label()? {
                self.advance()?;
                self.take("?")?;
                self.expect(":")?;
            }
            self.a_type()?;
            self.take("?")?;
            if !self.take(",")? {
                break;
            }
        }
        self.expect("]")
    }

    fn has_label(&mut self) -> Parse<bool> {
        if !self.is_name() {
            return Ok(false);
        }
        let next = self.peek();
        Ok(match self.text_of(next) {
            ":" => true,
            "?" => {
                let second = self.peek_after(next);
                self.text_of(second) == ":"
            }
            _ => false,
        })
    }

    /// `{ a: T; b(): U; [key: string]: V }` or `{ [K in T]: U }`
    pub(crate) fn object_type(&mut self) -> Parse {
        self.expect("{")?;
        while !self.is("}") {
            self.member_of_type()?;
            if !self.take(";")? && !self.take(",")? && !self.is("}") && !self.token.on_new_line {
                return self.fault(Cause::Expected("; or }"));
            }
        }
        self.advance()
    }

    fn member_of_type(&mut self) -> Parse {
        if matches!(self.text, "+" | "-") {
            self.advance()?;
        }
        while matches!(self.text, "readonly" | "get" | "set") && self.names_after_modifier() {
            self.advance()?;
        }
        let next = self.peek();
        if self.is("new") && matches!(self.text_of(next), "(" | "<") {
            self.advance()?;
        }
        match (self.token.kind, self.text) {
            (Kind::Mark, "(" | "<") => return self.signature(),
            (Kind::Mark, "[") => self.key_of_type()?,
            (Kind::Name | Kind::Text | Kind::Number | Kind::Private, _) => self.advance()?,
            _ => return self.fault(Cause::Expected("a member of a type")),
        }
        if matches!(self.text, "+" | "-") {
            self.advance()?;
        }
        self.take("?")?;
        if matches!(self.text, "(" | "<") && !self.token.on_new_line || self.is("(") {
            return self.signature();
        }
        if self.take(":")? {
            self.a_type()?;
        }
        Ok(())
    }

    /// Whether the word at hand stands in front of a name, and is none itself.
    fn names_after_modifier(&mut self) -> bool {
        let next = self.peek();
        if next.on_new_line && self.text == "readonly" {
            return false;
        }
        match next.kind {
            Kind::Name | Kind::Text | Kind::Number | Kind::Private => true,
            _ => self.text_of(next) == "[",
        }
    }

    fn signature(&mut self) -> Parse {
        if self.is("<") {
            self.type_parameters()?;
        }
        self.parameters_of_type()?;
        if self.take(":")? {
            self.return_type()?;
        }
        Ok(())
    }

    /// `[K in T as U]`, `[key: string]` or `[Symbol.iterator]`
    fn key_of_type(&mut self) -> Parse {
        self.expect("[")?;
        let next = self.peek();
        match (self.token.kind, self.text_of(next)) {
            (Kind::Name, "in") => {
                self.advance()?;
                self.advance()?;
                self.a_type()?;
                if self.take("as")? {
                    self.a_type()?;
                }
            }
            (Kind::Name, ":") => {
                self.advance()?;
                self.advance()?;
                self.a_type()?;
            }
            // A name that a program can know without running, such as `Symbol.iterator`, "a" or -1.
            (Kind::Name, _) => self.reference()?,
            _ => self.primary_type()?,
        }
        self.expect("]")
    }

    /// A template, with something in each `${}`.
    pub(crate) fn template(&mut self, mut inside: impl FnMut(&mut Self) -> Parse) -> Parse {
        while self.text.ends_with("${") {
            self.advance()?;
            self.nested(&mut inside)?;
            if !self.is("}") {
                return self.fault(Cause::Expected("}"));
            }
            let end = lexer::template(self.source, self.token.start)?;
            self.reread(Kind::Template, end)?;
        }
        self.advance()
    }
}
