//! The grammar of classes: which members are types, and which words in front of the others are.
//!
//! It must never look into the bodies of methods.

use crate::blank::Put;
use crate::fault::{Cause, Parse};
use crate::lexer::Kind;
use crate::parser::Parser;

/// What the words in front of a member say.
#[derive(Default)]
struct Modifiers {
    /// Nothing of the member is code.
    is_type: bool,
    /// The first word is blanked, and is the first of the member.
    begins_blank: bool,
}

impl Parser<'_> {
    /// A class from its keyword on.
    pub(crate) fn class(&mut self) -> Parse {
        self.deeper(Parser::class_inside)
    }

    fn class_inside(&mut self) -> Parse {
        self.expect("class")?;
        if self.is_name() && !self.is("extends") && !self.begins_implements() {
            self.advance()?;
        }
        if self.is("<") {
            let start = self.token.start;
            self.type_parameters()?;
            self.erase(start);
        }
        loop {
            let start = self.token.start;
            if self.take("extends")? {
                self.nested(Parser::superclass)?;
                let start = self.token.start;
                if self.is("<") || self.is("<<") {
                    self.type_arguments()?;
                    self.erase(start);
                }
                // Only interfaces extend several.
                while self.is_ambient && self.take(",")? {
                    self.reference()?;
                }
            } else if self.take("implements")? {
                self.references()?;
                self.erase(start);
            } else {
                break;
            }
        }
        self.expect("{")?;
        self.is_open = false;
        self.nested(|parser| {
            while !parser.is("}") {
                parser.deeper(Parser::member)?;
            }
            Ok(())
        })?;
        self.is_open = false;
        self.advance()
    }

    /// Whether `implements` is a keyword, and not the name of a class.
    fn begins_implements(&mut self) -> bool {
        let next = self.peek();
        self.is("implements") && next.kind == Kind::Name
    }

    fn member(&mut self) -> Parse {
        if self.take(";")? {
            self.is_open = false;
            return Ok(());
        }
        let (start, mark, was_open) = (self.token.start, self.blanks.len(), self.is_open);
        let modifiers = self.modifiers()?;
        if self.is("{") {
            // `static` stands in front.
            return self.nested(Parser::block).map(drop);
        }
        let is_type = match self.has_index()? {
            true => {
                self.index_signature()?;
                true
            }
            false if modifiers.is_type => {
                self.ambient(Parser::named_member)?;
                true
            }
            false => self.named_member()?,
        };
        if is_type {
            self.erase_whole(start, mark, was_open);
        } else if was_open
            && modifiers.begins_blank
            && let Some(blank) = self.blanks.get_mut(mark)
        {
            // Without that word, the member could continue the one before.
            *blank = blank.with(blank.start(), Put::Semicolon);
        }
        Ok(())
    }

    fn modifiers(&mut self) -> Parse<Modifiers> {
        let mut found = Modifiers::default();
        let mark = self.blanks.len();
        let begin = self.token.start;
        while self.is_name() {
            let next = self.peek();
            let text = self.text_of(next);
            let names = matches!(next.kind, Kind::Name | Kind::Text | Kind::Number | Kind::Private) || text == "[";
            let start = self.token.start;
            match self.text {
                "static" if text == "{" => return self.advance().map(|()| found),
                "static" if names || text == "*" => self.advance()?,
                // A name must follow.
                "get" | "set" if names => {
                    self.advance()?;
                    break;
                }
                "async" if (names || text == "*") && !next.on_new_line => self.advance()?,
                "accessor" if names && !next.on_new_line => {
                    if !found.is_type {
                        self.refuse_code(Cause::Accessor)?;
                    }
                    self.advance()?;
                }
                "public" | "private" | "protected" | "override" | "readonly" | "abstract" | "declare"
                    if (names || text == "*") && !next.on_new_line =>
                {
                    found.is_type |= matches!(self.text, "abstract" | "declare");
                    self.advance()?;
                    self.erase(start);
                }
                _ => break,
            }
        }
        if self.is("@") {
            return self.fault(Cause::Decorator);
        }
        self.take("*")?;
        found.begins_blank = self.blanks.get(mark).is_some_and(|blank| blank.start() == begin);
        Ok(found)
    }

    /// Whether `[key: T]` follows.
    fn has_index(&mut self) -> Parse<bool> {
        if !self.is("[") {
            return Ok(false);
        }
        let key = self.peek();
        let colon = self.peek_after(key);
        Ok(key.kind == Kind::Name && self.text_of(colon) == ":")
    }

    fn index_signature(&mut self) -> Parse {
        self.advance()?;
        self.advance()?;
        self.expect(":")?;
        self.a_type()?;
        self.expect("]")?;
        if self.take(":")? {
            self.a_type()?;
        }
        self.end_member()
    }

    /// A method or a field, and whether it is a type: a method without a body.
    fn named_member(&mut self) -> Parse<bool> {
        self.property_name()?;
        if matches!(self.text, "?" | "!") {
            let start = self.token.start;
            self.advance()?;
            self.erase(start);
        }
        if matches!(self.text, "(" | "<") {
            if self.function()? {
                self.is_open = false;
                return Ok(false);
            }
            self.end_member()?;
            return Ok(true);
        }
        if self.is(":") {
            self.annotation()?;
        }
        if self.take("=")? {
            self.nested(Parser::assignment)?;
        }
        self.end_member()?;
        Ok(false)
    }

    fn end_member(&mut self) -> Parse {
        if self.take(";")? {
            self.is_open = false;
            return Ok(());
        }
        if !self.is("}") {
            if !self.token.on_new_line {
                return self.fault(Cause::Expected("; or a new line"));
            }
            self.is_open = true;
            // A field named `get` would make an accessor of the next member, and `[` or `*` would continue this one.
            if self.is_blank_before() {
                self.close();
                self.is_open = false;
            }
        }
        Ok(())
    }
}
