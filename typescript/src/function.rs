//! The grammar of functions and of patterns: parameters, bodies, what variables are bound to.
//!
//! It must never know what is called or declared with them.

use crate::fault::{Cause, Parse};
use crate::lexer::Kind;
use crate::parser::Parser;
use crate::words::is_reserved;

impl Parser<'_> {
    /// A function after its name, and whether it has a body.
    pub(crate) fn function(&mut self) -> Parse<bool> {
        if self.is("<") {
            let start = self.token.start;
            self.type_parameters()?;
            self.erase(start);
        }
        self.expect("(")?;
        self.nested(Parser::parameters)?;
        self.expect(")")?;
        if self.is(":") {
            let start = self.token.start;
            self.advance()?;
            self.return_type()?;
            self.erase(start);
        }
        let has_body = self.is("{");
        if has_body {
            self.body()?;
        }
        Ok(has_body)
    }

    /// The body of a function.
    pub(crate) fn body(&mut self) -> Parse {
        self.nested(Parser::block).map(drop)
    }

    fn parameters(&mut self) -> Parse {
        // `this: T` is no parameter, and goes with the comma behind it.
        if self.is("this") {
            let start = self.token.start;
            self.advance()?;
            if self.take(":")? {
                self.a_type()?;
            }
            self.take(",")?;
            self.erase(start);
        }
        while !self.is(")") {
            self.parameter()?;
            if !self.take(",")? {
                break;
            }
        }
        Ok(())
    }

    fn parameter(&mut self) -> Parse {
        if self.is("@") {
            return self.fault(Cause::Decorator);
        }
        while matches!(self.text, "public" | "private" | "protected" | "readonly" | "override") {
            let next = self.peek();
            if next.kind != Kind::Name && !matches!(self.text_of(next), "{" | "[" | "...") {
                break;
            }
            if !self.is_ambient {
                return self.fault(Cause::ParameterProperty);
            }
            self.advance()?;
        }
        self.take("...")?;
        self.binding()?;
        if self.is("?") {
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
        Ok(())
    }

    /// A name or a pattern that a value is bound to.
    pub(crate) fn binding(&mut self) -> Parse {
        match (self.token.kind, self.text) {
            (Kind::Mark, "[") => self.deeper(|parser| {
                parser.advance()?;
                parser.nested(Parser::array_pattern)?;
                parser.expect("]")
            }),
            (Kind::Mark, "{") => self.deeper(|parser| {
                parser.advance()?;
                parser.nested(Parser::object_pattern)?;
                parser.expect("}")
            }),
            (Kind::Name, text) if !is_reserved(text) => self.advance(),
            _ => self.fault(Cause::Expected("a name")),
        }
    }

    fn array_pattern(&mut self) -> Parse {
        while !self.is("]") {
            if self.take(",")? {
                continue;
            }
            self.take("...")?;
            self.binding_with_default()?;
            if !self.take(",")? {
                break;
            }
        }
        Ok(())
    }

    fn object_pattern(&mut self) -> Parse {
        while !self.is("}") {
            if self.take("...")? {
                self.binding()?;
            } else {
                self.property_name()?;
                if self.take(":")? {
                    self.binding()?;
                }
                if self.take("=")? {
                    self.assignment()?;
                }
            }
            if !self.take(",")? {
                break;
            }
        }
        Ok(())
    }

    fn binding_with_default(&mut self) -> Parse {
        self.binding()?;
        if self.take("=")? {
            self.assignment()?;
        }
        Ok(())
    }
}
