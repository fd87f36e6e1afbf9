//! The grammar of expressions, in loops where a tree would nest: it needs to know where an expression ends, and what
//! in it is a type.
//!
//! It must never look into statements, except for the bodies of functions.

use crate::blank::Blank;
use crate::fault::{Cause, Parse};
use crate::lexer::{self, Kind};
use crate::parser::{Attempt, Parser};
use crate::words::{COMPARISON, POWER, assigns, begins_expression, is_reserved, precedence};

/// What was parsed where a value may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operand {
    Value,
    /// An arrow function with its body. No operator can follow it.
    Arrow,
    /// An arrow function up to its body, which is an expression.
    ArrowHead,
}

/// What stands in front of parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    Nothing,
    /// They can hold the arguments of a function named `async`.
    Async,
}

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

    /// `<T>` in front of a value. None when the value comes next.
    fn angle(&mut self) -> Parse<Option<Operand>> {
        let start = self.token.start;
        let next = self.peek();
        if self.text_of(next) == ">" {
            return self.fault(Cause::Jsx);
        }
        if self.generics()? {
            return self.parenthesised(Head::Nothing).map(Some);
        }
        self.asserted = Some(start);
        self.type_arguments()?;
        self.erase(start);
        Ok(None)
    }

    /// `<T>` in front of a parenthesis, if it is there.
    fn generics(&mut self) -> Parse<bool> {
        let start = self.token.start;
        let are_there = self.attempt(Attempt::Generics, |parser| {
            parser.type_parameters()?;
            Ok(parser.is("("))
        })?;
        if are_there {
            let open = self.token.start;
            self.erase(start);
            // After `return` or `async`, a line end must not come before the parenthesis. So it moves to the front.
            if self.spans_lines(start, open) {
                if let Some(blank) = self.blanks.last_mut() {
                    blank.put = Some((start, "("));
                }
                self.erase_to(open, open + 1);
            }
        }
        Ok(are_there)
    }

    /// Parentheses around a value, the parameters and the head of an arrow function, or the arguments of `async(…)`.
    fn parenthesised(&mut self, head: Head) -> Parse<Operand> {
        self.expect("(")?;
        let is_empty = self.is(")");
        let has_types = self.nested(Parser::items)?;
        let close = self.token.start;
        self.expect(")")?;
        let must_be_arrow = has_types || is_empty && head == Head::Nothing;
        if self.is_on_line("=>") {
            return self.arrow_body();
        }
        if self.is(":") {
            if must_be_arrow || !self.in_middle {
                let is_arrow = self.attempt(Attempt::ReturnType, |parser| parser.return_type_of_arrow(close))?;
                if is_arrow {
                    return self.arrow_body();
                }
            } else {
                // In `a ? (b) : c => d : e` the first colon belongs to the arrow function, because there is a second.
                let is_arrow = self.attempt(Attempt::Arrow, |parser| {
                    if !parser.return_type_of_arrow(close)? {
                        return Ok(false);
                    }
                    if parser.arrow_body()? == Operand::ArrowHead {
                        parser.assignment()?;
                    }
                    Ok(parser.is(":"))
                })?;
                if is_arrow {
                    return Ok(Operand::Arrow);
                }
            }
        }
        if must_be_arrow { self.fault(Cause::Expected("=>")) } else { Ok(Operand::Value) }
    }

    /// What is in parentheses, and whether that can only be the parameters of an arrow function.
    fn items(&mut self) -> Parse<bool> {
        let mut has_types = false;
        while !self.is(")") {
            self.take("...")?;
            self.assignment()?;
            if self.is("?") {
                let start = self.token.start;
                self.advance()?;
                self.erase(start);
                has_types = true;
            }
            if self.is(":") {
                self.annotation()?;
                has_types = true;
            }
            if self.take("=")? {
                self.assignment()?;
            }
            if !self.take(",")? {
                break;
            }
        }
        Ok(has_types)
    }

    /// `: T` behind the parameters of an arrow function, and whether the arrow follows.
    fn return_type_of_arrow(&mut self, close: usize) -> Parse<bool> {
        let start = self.token.start;
        self.advance()?;
        self.return_type()?;
        if !self.is_on_line("=>") {
            return Ok(false);
        }
        let end = self.before;
        // A line end must not come between the parenthesis and the arrow. So the parenthesis moves to the end.
        if self.spans_lines(close, end) {
            let last = self.source.get(..end).and_then(|text| text.char_indices().next_back()).map(|(at, _)| (at, ")"));
            self.erase_to(close, close + 1);
            self.blanks.push(Blank { start, end, put: last });
        } else {
            self.erase(start);
        }
        Ok(true)
    }

    fn arrow_body(&mut self) -> Parse<Operand> {
        self.expect("=>")?;
        if !self.is("{") {
            return Ok(Operand::ArrowHead);
        }
        self.body()?;
        Ok(Operand::Arrow)
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

    fn after_async(&mut self) -> Parse<Operand> {
        self.advance()?;
        if self.is_on_line("=>") {
            return self.arrow_body();
        }
        if self.token.on_new_line {
            return Ok(Operand::Value);
        }
        let text = self.text;
        match text {
            "function" => self.function_expression()?,
            "(" => return self.parenthesised(Head::Async),
            "<" if self.generics()? => return self.parenthesised(Head::Async),
            text if self.is_name() && !is_reserved(text) => {
                let next = self.peek();
                if self.text_of(next) == "=>" {
                    self.advance()?;
                    return self.arrow_body();
                }
            }
            _ => {}
        }
        Ok(Operand::Value)
    }

    fn function_expression(&mut self) -> Parse {
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

    /// Whether types in front of a value span lines, so that without them the value is on a later line.
    pub(crate) fn value_is_behind_a_line(&mut self, start: usize) -> Parse<bool> {
        let (token, before, mark) = (self.token, self.before, self.blanks.len());
        let mut is_behind = false;
        while self.is("<") {
            // The parenthesis of an arrow function moves to the front.
            if self.generics()? {
                break;
            }
            self.type_arguments()?;
            is_behind = self.spans_lines(start, self.token.start);
        }
        self.go_back(token, before);
        self.blanks.truncate(mark);
        Ok(is_behind)
    }
}
