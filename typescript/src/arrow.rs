//! The grammar of arrow functions and of `<T>` in front of a value, where TypeScript has to guess: parentheses hold a
//! value, parameters or arguments, and angle brackets an assertion or type parameters.
//!
//! It owns the cures for types that span lines there. It must never look into what is in between.

use crate::blank::{Blank, Put};
use crate::fault::{Cause, Parse};
use crate::parser::{Attempt, Parser};
use crate::words::is_reserved;

/// What was parsed where a value may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operand {
    Value,
    /// An arrow function with its body. No operator can follow it.
    Arrow,
    /// An arrow function up to its body, which is an expression.
    ArrowHead,
}

/// What stands in front of parentheses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    Nothing,
    /// They can hold the arguments of a function named `async`.
    Async,
}

impl Parser<'_> {
    /// `<T>` in front of a value. None when the value comes next.
    pub(crate) fn angle(&mut self) -> Parse<Option<Operand>> {
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
                    *blank = blank.with(start, Put::Open);
                }
                self.erase_to(open, open + 1);
            }
        }
        Ok(are_there)
    }

    /// Parentheses around a value, the parameters and the head of an arrow function, or the arguments of `async(…)`.
    pub(crate) fn parenthesised(&mut self, head: Head) -> Parse<Operand> {
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
            let last = self.source.get(..end).and_then(|text| text.char_indices().next_back());
            let place = last.map_or(start, |(at, _)| at);
            self.erase_to(close, close + 1);
            self.blanks.push(Blank::new(start, end).with(place, Put::Close));
        } else {
            self.erase(start);
        }
        Ok(true)
    }

    pub(crate) fn arrow_body(&mut self) -> Parse<Operand> {
        self.expect("=>")?;
        if !self.is("{") {
            return Ok(Operand::ArrowHead);
        }
        self.body()?;
        Ok(Operand::Arrow)
    }

    pub(crate) fn after_async(&mut self) -> Parse<Operand> {
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
