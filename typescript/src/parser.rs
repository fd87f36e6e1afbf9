//! The state of the parser: the token at hand, what is to be blanked, and the bounds of the work.
//!
//! The parser builds no tree. It walks through the source once, notes what is a type, and goes back only where
//! TypeScript itself has to guess. It owns the bounds of depth and work. It must never know a rule of the grammar.

use std::collections::HashSet;

use crate::blank::{Blank, Put};
use crate::fault::{Cause, Fault, Parse};
use crate::lexer::{self, Kind, Token, spans_lines};

/// The largest source, in bytes.
pub(crate) const MOST_BYTES: usize = 10 << 20;

/// How deeply a source may be nested. In a debug build, which uses the most stack, this leaves half of a 2 MB stack
/// free; `tests/it/hostile.rs` watches that.
const MOST_DEPTH: u32 = 500;

/// How often each byte may be read, on average. Sources that people write need less than three times, because attempts
/// are short.
const MOST_READS: usize = 32;

/// Work that the smallest source may use.
const LEAST_WORK: usize = 64 << 10;

/// What the parser may attempt at a token. An attempt that failed there once is not repeated, or nested attempts would
/// take exponential time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Attempt {
    /// `<T>` in front of the parameters of an arrow function.
    Generics,
    /// `<T>` after an expression.
    TypeArguments,
    /// `: T =>` after parentheses.
    ReturnType,
    /// `: T => body` after parentheses, in the middle of `a ? b : c`.
    Arrow,
    /// `(a: T) =>` where a type begins.
    FunctionType,
}

/// What a statement leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    Code,
    Nothing,
}

pub(crate) struct Parser<'s> {
    pub(crate) source: &'s str,
    pub(crate) token: Token,
    /// The text of the token.
    pub(crate) text: &'s str,
    /// The end of the token before.
    pub(crate) before: usize,
    pub(crate) blanks: Vec<Blank>,
    /// Whether `in` is no operator, because it separates the parts of a `for`.
    pub(crate) in_for_head: bool,
    /// Whether a colon can end the expression, as in the middle of `a ? b : c`.
    pub(crate) in_middle: bool,
    /// Whether nothing of this is code, because `declare` stands in front of it.
    pub(crate) is_ambient: bool,
    /// Whether a line end, and no semicolon, has ended the statement before. Without what was blanked since, the next
    /// token could continue it.
    pub(crate) is_open: bool,
    /// The newest `<T>` in front of a value. When the parser fails later, this may have been JSX.
    pub(crate) asserted: Option<usize>,
    failed: HashSet<(u32, Attempt)>,
    depth: u32,
    work: usize,
}

impl<'s> Parser<'s> {
    pub(crate) fn new(source: &'s str) -> Parse<Parser<'s>> {
        if source.len() > MOST_BYTES {
            return Err(Fault::new(0, Cause::Size));
        }
        let mut parser = Parser {
            source,
            token: Token { kind: Kind::End, start: 0, end: 0, on_new_line: true },
            text: "",
            before: 0,
            blanks: Vec::new(),
            in_for_head: false,
            in_middle: false,
            is_ambient: false,
            is_open: false,
            asserted: None,
            failed: HashSet::new(),
            depth: 0,
            work: source.len().saturating_mul(MOST_READS).saturating_add(LEAST_WORK),
        };
        parser.advance()?;
        Ok(parser)
    }

    /// The first token after a byte. Reading it is work.
    fn read(&mut self, from: usize) -> Parse<Token> {
        let token = lexer::token(self.source, from)?;
        let bytes = token.end.saturating_sub(from).saturating_add(1);
        self.work = self.work.checked_sub(bytes).ok_or_else(|| Fault::new(from, Cause::Work))?;
        Ok(token)
    }

    fn set(&mut self, token: Token) {
        self.token = token;
        self.text = self.text_of(token);
    }

    pub(crate) fn text_of(&self, token: Token) -> &'s str {
        self.source.get(token.start..token.end).unwrap_or_default()
    }

    /// Goes to the next token.
    pub(crate) fn advance(&mut self) -> Parse {
        let token = self.read(self.token.end)?;
        self.before = self.token.end;
        self.set(token);
        Ok(())
    }

    /// The token after the one at hand. What cannot be read, a later `advance` reports.
    pub(crate) fn peek(&mut self) -> Token {
        self.peek_after(self.token)
    }

    /// The token after another one.
    pub(crate) fn peek_after(&mut self, token: Token) -> Token {
        let end = Token { kind: Kind::End, start: token.end, end: token.end, on_new_line: true };
        self.read(token.end).unwrap_or(end)
    }

    /// Takes the token at hand for the beginning of a pattern or of a piece of a template, and reads it to its end.
    pub(crate) fn reread(&mut self, kind: Kind, end: usize) -> Parse {
        self.work = self
            .work
            .checked_sub(end.saturating_sub(self.token.start))
            .ok_or_else(|| Fault::new(self.token.start, Cause::Work))?;
        self.set(Token { kind, end, ..self.token });
        Ok(())
    }

    /// Whether the token has this text.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.text == text
    }

    /// Whether the token is this name, and can stand before an arrow or behind a value.
    pub(crate) fn is_on_line(&self, text: &str) -> bool {
        self.text == text && !self.token.on_new_line
    }

    pub(crate) fn is_name(&self) -> bool {
        self.token.kind == Kind::Name
    }

    pub(crate) fn fault<T>(&self, cause: Cause) -> Parse<T> {
        Err(Fault::new(self.token.start, cause))
    }

    pub(crate) fn expect(&mut self, text: &'static str) -> Parse {
        if !self.is(text) {
            return self.fault(Cause::Expected(text));
        }
        self.advance()
    }

    /// Takes the token if it has this text.
    pub(crate) fn take(&mut self, text: &str) -> Parse<bool> {
        let is_there = self.is(text);
        if is_there {
            self.advance()?;
        }
        Ok(is_there)
    }

    /// Takes the first character of a mark such as `>>` or `<<`, because in types each stands alone.
    pub(crate) fn expect_first(&mut self, mark: &'static str) -> Parse {
        if self.token.kind != Kind::Mark || !self.text.starts_with(mark) {
            return self.fault(Cause::Expected(mark));
        }
        let end = self.token.start + mark.len();
        let token = self.read(end)?;
        self.before = end;
        self.set(token);
        Ok(())
    }

    /// Parses something that may hold more of its kind.
    pub(crate) fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth == MOST_DEPTH {
            return self.fault(Cause::Depth);
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Parses something in brackets, where what is around them does not count.
    pub(crate) fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        let outside = (self.in_for_head, self.in_middle);
        (self.in_for_head, self.in_middle) = (false, false);
        let parsed = parse(self);
        (self.in_for_head, self.in_middle) = outside;
        parsed
    }

    /// Parses something of which nothing stays.
    pub(crate) fn ambient<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        let outside = self.is_ambient;
        self.is_ambient = true;
        let parsed = parse(self);
        self.is_ambient = outside;
        parsed
    }

    /// Goes on behind something if it parses, and otherwise stays where it was.
    pub(crate) fn attempt(&mut self, what: Attempt, parse: impl FnOnce(&mut Self) -> Parse<bool>) -> Parse<bool> {
        let key = (u32::try_from(self.token.start).unwrap_or(u32::MAX), what);
        if self.failed.contains(&key) {
            return Ok(false);
        }
        let (token, before, blanks, is_open) = (self.token, self.before, self.blanks.len(), self.is_open);
        match parse(self) {
            Ok(true) => return Ok(true),
            Err(fault) if fault.cause.is_final() => return Err(fault),
            Ok(false) | Err(_) => {}
        }
        self.failed.insert(key);
        self.set(token);
        (self.before, self.is_open) = (before, is_open);
        self.blanks.truncate(blanks);
        Ok(false)
    }

    /// Forgets which attempts failed, where none of them can be repeated: between statements that nothing holds.
    pub(crate) fn forget(&mut self) {
        if !self.failed.is_empty() {
            self.failed = HashSet::new();
        }
    }

    /// Goes back to a token that was only looked past.
    pub(crate) fn go_back(&mut self, token: Token, before: usize) {
        self.set(token);
        self.before = before;
    }

    /// Blanks everything from a byte to the end of the token before.
    pub(crate) fn erase(&mut self, start: usize) {
        self.erase_to(start, self.before);
    }

    pub(crate) fn erase_to(&mut self, start: usize, end: usize) {
        self.blanks.push(Blank::new(start, end));
    }

    /// Blanks a statement or a member of a class, and what was noted in it. If a line end has ended what is before, a
    /// semicolon does it now, because what comes after could continue it.
    pub(crate) fn erase_whole(&mut self, start: usize, mark: usize, was_open: bool) {
        self.blanks.truncate(mark);
        self.erase(start);
        if was_open {
            self.close();
        }
        self.is_open = false;
    }

    /// Puts a semicolon into the newest blanks.
    pub(crate) fn close(&mut self) {
        let Some(blank) = self.blanks.last_mut() else { return };
        let text = self.source.get(blank.start()..blank.end()).unwrap_or_default();
        // A character of several bytes would leave a gap.
        let place = text.find(|found: char| found.is_ascii_graphic());
        if let Some(place) = place.filter(|_| !blank.is_taken()) {
            *blank = blank.with(blank.start() + place, Put::Semicolon);
        }
    }

    /// Whether the token before was blanked.
    pub(crate) fn is_blank_before(&self) -> bool {
        self.blanks.last().is_some_and(|blank| blank.end() == self.before && blank.start() < blank.end())
    }

    /// Whether a line ends between two bytes.
    pub(crate) fn spans_lines(&self, start: usize, end: usize) -> bool {
        spans_lines(self.source.get(start..end).unwrap_or_default())
    }

    /// The fault, or a better reason for it: a tag of JSX begins as a type in front of a value.
    pub(crate) fn blame(&self, fault: Box<Fault>) -> Box<Fault> {
        let is_close = |tag: usize| {
            let text = self.source.get(tag + 1..).unwrap_or_default();
            let end =
                text.find(|found: char| !(found.is_alphanumeric() || matches!(found, '.' | '-' | '_'))).unwrap_or(0);
            let (name, rest) = text.split_at_checked(end).unwrap_or_default();
            !name.is_empty() && (rest.contains(&format!("</{name}>")) || rest.contains("/>"))
        };
        match (fault.cause, self.asserted) {
            (Cause::Expected(_) | Cause::Unfinished(_) | Cause::Character, Some(tag)) if is_close(tag) => {
                Fault::new(tag, Cause::Jsx)
            }
            _ => fault,
        }
    }
}
