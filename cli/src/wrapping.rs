//! A script rewritten so that its value stays alive in the jar, to be looked at later as more than JSON.
//!
//! It owns the rewriting, that nobody sees it, and what in the jar keeps the value: the rest of the script stays as it is, and
//! places in stacks are put back. It must never know where the value is shown.

use std::ops::Range;

use belljar::{Instance, JsError, Json, Runtime};

use crate::executor::block_on;
use crate::syntax;

/// How many places where an expression may be are tried, from the end of the script. A line at a prompt has fewer.
const GUESSES: usize = 64;

/// What every script that is rewritten finds in the jar: where it leaves its values, and functions that look at them with what the
/// console and strings were before any script could change them. A name that no script has by chance, and no property of anything.
const KEEP: &str = "const $belljar$ = Object.create(null);
((at, jar, log, whole) => {
    host.on('(belljar) show', site => typeof at[site] === 'string' ? whole(at[site]) : log(at[site]));
    host.on('(belljar) value', site => at[site]);
    host.on('(belljar) name', site => { jar._ = at[site]; });
})($belljar$, globalThis, console.log, Function.prototype.call.bind(String.prototype.toWellFormed))";

/// What a script that was rewritten ends with instead of its value: which of its expressions gave the value.
const TICKET: &str = "(belljar) value of the expression ";

/// Readies a jar for scripts that are rewritten. A snapshot of one that was ready is ready.
pub(crate) fn ready(instance: &mut Instance) -> belljar::Result<()> {
    let known = block_on(instance.eval_async("typeof $belljar$"))?;
    if known.get::<String>().is_ok_and(|known| known == "undefined") {
        block_on(instance.eval_async(KEEP))?;
    }
    Ok(())
}

/// A value that a script has left in its jar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept(usize);

impl Kept {
    /// What the result of a script that was rewritten stands for; None when it is the value itself.
    pub(crate) fn of(result: &Json) -> Option<Kept> {
        result.get::<String>().ok()?.strip_prefix(TICKET)?.parse().ok().map(Kept)
    }

    /// Has the console of the jar show it. A string is not shown but comes back, because all of it is wanted.
    pub(crate) async fn show(self, instance: &mut Instance) -> belljar::Result<Json> {
        instance.dispatch_async("(belljar) show", &self.0).await
    }

    /// The value as JSON.
    pub(crate) async fn json(self, instance: &mut Instance) -> belljar::Result<Json> {
        instance.dispatch_async("(belljar) value", &self.0).await
    }

    /// Names it `_`.
    pub(crate) async fn name(self, instance: &mut Instance) -> belljar::Result<()> {
        instance.dispatch_async("(belljar) name", &self.0).await.map(drop)
    }
}

/// A script that keeps the value of each expression which can be its result.
///
/// The engine goes on deciding which one is: each gives a ticket in the place of its value.
pub(crate) struct Wrapped {
    pub(crate) source: String,
    /// The name of the script, by which its places in a stack are known.
    name: String,
    /// What was put in, in the order of the script.
    insertions: Vec<Insertion>,
}

/// Where a script was changed: row and column in bytes, from 1, as it was typed, and how many bytes are there now besides.
struct Insertion {
    row: usize,
    column: usize,
    length: usize,
}

impl Wrapped {
    /// None when there is no such expression, or the script is no JavaScript.
    pub(crate) fn new(runtime: &Runtime, name: &str, source: &str) -> Option<Wrapped> {
        Wrapped::around(runtime, name, source, &results(runtime, source))
    }

    /// The same for a line at a prompt, where what begins with a brace is an object if it can be one.
    pub(crate) fn typed(runtime: &Runtime, name: &str, source: &str) -> Option<Wrapped> {
        let text = source.trim_end_matches(|last: char| last.is_whitespace() || last == ';');
        let whole = source.len() - source.trim_start().len()..text.len();
        if source.trim_start().starts_with('{') && is_expression(runtime, source.get(whole.clone())?) {
            return Wrapped::around(runtime, name, source, &[whole]);
        }
        Wrapped::new(runtime, name, source)
    }

    fn around(runtime: &Runtime, name: &str, source: &str, sites: &[Range<usize>]) -> Option<Wrapped> {
        let mut wrapped = Wrapped { source: String::new(), name: name.to_owned(), insertions: Vec::new() };
        let mut done = 0;
        for (number, site) in sites.iter().enumerate() {
            wrapped.source.push_str(source.get(done..site.start)?);
            wrapped.insert(source, site.start, &format!("$belljar$[{number}]=await(0,"));
            wrapped.source.push_str(source.get(site.clone())?);
            wrapped.insert(source, site.end, &format!("),\"{TICKET}{number}\""));
            done = site.end;
        }
        wrapped.source.push_str(source.get(done..)?);
        // A guess that was wrong in a way that no other check sees must not be the script's error.
        (!sites.is_empty() && runtime.compile(wrapped.source.as_str()).is_ok()).then_some(wrapped)
    }

    fn insert(&mut self, source: &str, at: usize, text: &str) {
        let before = source.get(..at).unwrap_or_default();
        let column = before.len() - before.rfind('\n').map_or(0, |end| end + 1) + 1;
        self.insertions.push(Insertion { row: before.matches('\n').count() + 1, column, length: text.len() });
        self.source.push_str(text);
    }

    /// The error as the script that was typed would have thrown it.
    pub(crate) fn restore(&self, mut error: JsError) -> JsError {
        error.stack = error.stack.map(|stack| self.restore_text(&stack));
        error.cause = error.cause.map(|cause| Box::new(self.restore(*cause)));
        error
    }

    /// A text with stacks in it as the script that was typed would have made it.
    pub(crate) fn restore_text(&self, text: &str) -> String {
        text.split('\n').map(|line| self.restore_line(line)).collect::<Vec<_>>().join("\n")
    }

    fn restore_line(&self, line: &str) -> String {
        let place = format!("{}:", self.name);
        let restored = line.rsplit_once(&place).and_then(|(before, after)| {
            let digits = after.trim_end_matches(')');
            let (row, column) = digits.split_once(':')?;
            let column = self.restore_column(row.parse().ok()?, column.parse().ok()?);
            Some(format!("{before}{place}{row}:{column}{}", after.get(digits.len()..)?))
        });
        restored.unwrap_or_else(|| line.to_owned())
    }

    fn restore_column(&self, row: usize, column: usize) -> usize {
        self.insertions.iter().filter(|insertion| insertion.row == row).fold(column, |column, insertion| {
            if column < insertion.column {
                column
            } else {
                column.saturating_sub(insertion.length).max(insertion.column)
            }
        })
    }
}

/// The expressions whose value a script can result in: the last one, or those in the statements of one that ends in a statement.
fn results(runtime: &Runtime, source: &str) -> Vec<Range<usize>> {
    let guesses = syntax::expressions(source);
    // Most of what is printed is one expression and nothing else.
    if let Some((start, end)) = guesses.first().and_then(|(start, ends)| Some((*start, *ends.first()?)))
        && source.get(..start).is_some_and(syntax::is_blank)
        && source.get(end..).is_some_and(syntax::is_blank)
        && source.get(start..end).is_some_and(|whole| is_expression(runtime, whole))
    {
        return Some(start..end).into_iter().collect();
    }
    let skipped = guesses.len().saturating_sub(GUESSES);
    let mut sites: Vec<Range<usize>> = Vec::new();
    for (start, ends) in guesses.into_iter().skip(skipped).rev() {
        let Some(end) = ends.into_iter().find(|end| is_result(runtime, source, start..*end)) else { continue };
        let is_last = source.get(end..).is_some_and(syntax::is_blank);
        // What stands before it is whole, so that it is no part of an `if` without brackets, and nothing else can be the result.
        if is_last && source.get(..start).is_some_and(|head| runtime.compile(head).is_ok()) {
            sites.clear();
            sites.push(start..end);
            break;
        }
        if !is_last && source.get(..end).is_some_and(syntax::is_directive) {
            continue;
        }
        // Walking backwards, one that begins earlier and reaches further holds the others.
        sites.retain(|site| site.start >= end);
        sites.insert(0, start..end);
    }
    sites
}

/// Whether a piece of a script is a statement of its own, in no function, and an expression. The compiler says so: only there may a
/// jump to a label around the script stand.
fn is_result(runtime: &Runtime, source: &str, span: Range<usize>) -> bool {
    let (Some(head), Some(expression), Some(tail)) =
        (source.get(..span.start), source.get(span.clone()), source.get(span.end..))
    else {
        return false;
    };
    runtime.compile(format!("$belljar$:{{{head}break $belljar${tail}\n}}")).is_ok()
        && is_expression(runtime, expression)
}

/// Whether a text is one expression. It stands in two kinds of brackets, so that no brackets of its own can close them: `1), (2` is
/// none.
fn is_expression(runtime: &Runtime, text: &str) -> bool {
    runtime.compile(format!("[{text}\n];({text}\n)")).is_ok()
}
