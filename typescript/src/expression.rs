//! The grammar of expressions, in loops where a tree would nest: it needs to know where an expression ends, and what
//! in it is a type.
//!
//! It must never look into statements.

use crate::arrow::{Head, Operand};
use crate::fault::{Cause, Parse};
use crate::lexer::{self, Kind};
use crate::parser::{Attempt, Parser};
use crate::words::{COMPARISON, POWER, assigns, begins_expression, is_reserved, precedence};

impl Parser<'_> {
    /// Expressions with commas between them.
    pub(crate) fn expression(&mut self) -> Parse {
        self.assignment()?;
        while self.take(",")? {
            self.assignment()?;
        }
        Ok(())
    }

    /// One expression without a comma.
    pub(crate) fn assignment(&mut self) -> Parse {
        self.deeper(|parser| {
            loop {
                if parser.is("yield") {
                    if !parser.yields()? {
                        return Ok(());
                    }
                    continue;
                }
                match parser.operation()? {
                    Operand::Arrow => return Ok(()),
                    Operand::ArrowHead => continue,
                    Operand::Value => {}
                }
                if parser.is("?") {
                    if parser.ends_parameter() {
                        return Ok(());
                    }
                    parser.advance()?;
                    parser.middle()?;
                    parser.expect(":")?;
                } else if assigns(parser.text) {
                    parser.advance()?;
                } else {
                    return Ok(());
                }
            }
        })
    }

    /// `yield` and whether a value follows.
    fn yields(&mut self) -> Parse<bool> {
        self.advance()?;
        if self.token.on_new_line {
            return Ok(false);
        }
        if !self.take("*")? && !self.begins_value() {
            return Ok(false);
        }
        if self.is("<") && self.value_is_behind_a_line(self.token.start)? {
            return self.fault(Cause::Line);
        }
        Ok(true)
    }

    /// Whether the `?` at hand marks a parameter of an arrow function.
    fn ends_parameter(&mut self) -> bool {
        let next = self.peek();
        matches!(self.text_of(next), "," | ")" | ":" | "=")
    }

    /// The middle of `a ? b : c`.
    fn middle(&mut self) -> Parse {
        let outside = (self.in_for_head, self.in_middle);
        (self.in_for_head, self.in_middle) = (false, true);
        let parsed = self.assignment();
        (self.in_for_head, self.in_middle) = outside;
        parsed
    }

    /// Whether the token can begin a value.
    fn begins_value(&self) -> bool {
        match self.token.kind {
            Kind::Name => !is_reserved(self.text) || begins_expression(self.text),
            Kind::Mark => {
                matches!(self.text, "(" | "[" | "{" | "<" | "/" | "/=" | "+" | "-" | "~" | "!" | "++" | "--" | "@")
            }
            Kind::End => false,
            _ => true,
        }
    }

    /// Values with operators between them.
    fn operation(&mut self) -> Parse<Operand> {
        // How tightly the operators bind that `as` would enclose.
        let mut loosest = u8::MAX;
        loop {
            let operand = self.operand()?;
            if operand != Operand::Value {
                return Ok(operand);
            }
            while matches!(self.text, "as" | "satisfies") && !self.token.on_new_line {
                let start = self.token.start;
                self.advance()?;
                self.a_type()?;
                self.erase(start);
                if let Some(next) = precedence(self.text)
                    && next > COMPARISON
                    && (next > loosest || next == POWER && loosest == POWER)
                {
                    return self.fault(Cause::Assertion);
                }
            }
            let binds = precedence(self.text).filter(|_| !matches!(self.text, "as" | "satisfies"));
            match binds {
                Some(_) if self.is("in") && self.in_for_head => return Ok(Operand::Value),
                Some(binds) => {
                    loosest = if binds < COMPARISON { u8::MAX } else { loosest.min(binds) };
                    self.advance()?;
                }
                None => return Ok(Operand::Value),
            }
        }
    }

    /// A value with everything in front of it and behind it that binds more tightly than operators between values.
    fn operand(&mut self) -> Parse<Operand> {
        loop {
            match self.text {
                "!" | "~" | "+" | "-" | "++" | "--" | "typeof" | "void" | "delete" => self.advance()?,
                "new" => {
                    self.advance()?;
                    // `new.target`
                    if self.is(".") {
                        return self.links();
                    }
                }
                // Where it is a name, what follows is no value, or parses as well as an operand.
                "await" => {
                    self.advance()?;
                    if !self.begins_value() {
                        return if self.is_on_line("=>") { self.arrow_body() } else { self.links() };
                    }
                }
                "<" | "<<" => match self.angle()? {
                    Some(Operand::Value) => return self.links(),
                    Some(arrow) => return Ok(arrow),
                    None => {}
                },
                _ => break,
            }
        }
        match self.primary()? {
            Operand::Value => self.links(),
            arrow => Ok(arrow),
        }
    }

    fn primary(&mut self) -> Parse<Operand> {
        match (self.token.kind, self.text) {
            (Kind::Mark, "(") => return self.parenthesised(Head::Nothing),
            (Kind::Mark, "[") => {
                self.advance()?;
                self.nested(Parser::elements)?;
                self.expect("]")?;
            }
            (Kind::Mark, "{") => self.object()?,
            (Kind::Mark, "/" | "/=") => {
                let end = lexer::pattern(self.source, self.token.start)?;
                self.reread(Kind::Pattern, end)?;
                self.advance()?;
            }
            (Kind::Mark, "@") => return self.fault(Cause::Decorator),
            (Kind::Template, _) => self.template(Parser::expression)?,
            (Kind::Text | Kind::Number | Kind::Private, _) => self.advance()?,
            (Kind::Name, "function") => self.function_expression()?,
            (Kind::Name, "class") => self.class()?,
            (Kind::Name, "async") => return self.after_async(),
            (Kind::Name, "enum") => return self.fault(Cause::Enum),
            (Kind::Name, text) if !is_reserved(text) || begins_expression(text) => {
                self.advance()?;
                if self.is_on_line("=>") {
                    return self.arrow_body();
                }
            }
            _ => return self.fault(Cause::Expected("an expression")),
        }
        Ok(Operand::Value)
    }

    pub(crate) fn function_expression(&mut self) -> Parse {
        self.expect("function")?;
        self.take("*")?;
        if self.is_name() {
            self.advance()?;
        }
        if !self.function()? {
            return self.fault(Cause::Expected("{"));
        }
        Ok(())
    }

    fn elements(&mut self) -> Parse {
        while !self.is("]") {
            if self.take(",")? {
                continue;
            }
            self.take("...")?;
            self.assignment()?;
            if !self.take(",")? {
                break;
            }
        }
        Ok(())
    }

    fn object(&mut self) -> Parse {
        self.expect("{")?;
        self.nested(|parser| {
            while !parser.is("}") {
                parser.property()?;
                if !parser.take(",")? {
                    break;
                }
            }
            Ok(())
        })?;
        self.expect("}")
    }

    fn property(&mut self) -> Parse {
        if self.take("...")? {
            return self.assignment();
        }
        while matches!(self.text, "async" | "get" | "set") {
            let next = self.peek();
            let is_modifier = match next.kind {
                Kind::Mark => matches!(self.text_of(next), "[" | "*"),
                Kind::End => false,
                _ => true,
            };
            if !is_modifier {
                break;
            }
            self.advance()?;
        }
        self.take("*")?;
        self.property_name()?;
        match self.text {
            "(" | "<" => {
                if !self.function()? {
                    return self.fault(Cause::Expected("{"));
                }
                Ok(())
            }
            // The latter is a default, if the object turns out to be a pattern.
            ":" | "=" => {
                self.advance()?;
                self.assignment()
            }
            _ => Ok(()),
        }
    }

    /// The name of a property, which may be computed.
    pub(crate) fn property_name(&mut self) -> Parse {
        match (self.token.kind, self.text) {
            (Kind::Mark, "[") => {
                self.advance()?;
                self.nested(Parser::assignment)?;
                self.expect("]")
            }
            (Kind::Name | Kind::Text | Kind::Number | Kind::Private, _) => self.advance(),
            (Kind::Mark, "@") => self.fault(Cause::Decorator),
            _ => self.fault(Cause::Expected("a name")),
        }
    }

    /// What follows a value and belongs to it: members, calls, templates.
    fn links(&mut self) -> Parse<Operand> {
        loop {
            match (self.token.kind, self.text) {
                (Kind::Template, _) => self.template(Parser::expression)?,
                (Kind::Mark, "." | "?.") => {
                    self.advance()?;
                    if matches!(self.token.kind, Kind::Name | Kind::Private) {
                        self.advance()?;
                    } else if !matches!(self.text, "(" | "[" | "<" | "<<") && self.token.kind != Kind::Template {
                        return self.fault(Cause::Expected("a name"));
                    }
                }
                (Kind::Mark, "[") => {
                    self.advance()?;
                    self.nested(Parser::expression)?;
                    self.expect("]")?;
                }
                (Kind::Mark, "(") => self.arguments()?,
                (Kind::Mark, "!") if !self.token.on_new_line => {
                    let start = self.token.start;
                    self.advance()?;
                    self.erase(start);
                }
                (Kind::Mark, "<" | "<<") => {
                    let start = self.token.start;
                    if !self.attempt(Attempt::TypeArguments, Parser::type_arguments_of_value)? {
                        return Ok(Operand::Value);
                    }
                    self.erase(start);
                }
                (Kind::Mark, "++" | "--") if !self.token.on_new_line => {
                    self.advance()?;
                    return Ok(Operand::Value);
                }
                _ => return Ok(Operand::Value),
            }
        }
    }

    /// `<T>` behind a value, if what follows shows that this is no comparison.
    fn type_arguments_of_value(&mut self) -> Parse<bool> {
        self.expect_first("<")?;
        self.types_to_greater()?;
        if !self.is(">") {
            return Ok(false);
        }
        self.advance()?;
        Ok(match self.text {
            "(" => true,
            _ if self.token.kind == Kind::Template => true,
            "<" | ">" | "+" | "-" => false,
            text => self.token.on_new_line || precedence(text).is_some() || !self.begins_value(),
        })
    }

    pub(crate) fn arguments(&mut self) -> Parse {
        self.expect("(")?;
        self.nested(|parser| {
            while !parser.is(")") {
                parser.take("...")?;
                parser.assignment()?;
                if !parser.take(",")? {
                    break;
                }
            }
            Ok(())
        })?;
        self.expect(")")
    }

    /// The expression after `extends`.
    pub(crate) fn superclass(&mut self) -> Parse {
        match self.primary()? {
            Operand::Value => self.links().map(drop),
            _ => self.fault(Cause::Expected("a class")),
        }
    }
}
