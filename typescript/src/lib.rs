//! TypeScript for [belljar](https://docs.rs/belljar): its types are erased, and nothing else of the source changes.
//!
//! QuickJS runs JavaScript. [`strip`] replaces every type by blanks of the same length, so that stacks, frames and
//! errors name the lines and columns of the author. There is no compiler, no source map and no check of types; a
//! checker and an editor use the same file.
//!
//! ```
//! use belljar_typescript::{is_typescript, strip};
//!
//! let (name, source) = ("total.ts", "interface Item { price: number }\nlet total = (items: Item[]) => items.length;");
//! let script = if is_typescript(name) { strip(source, name)? } else { source.into() };
//! assert_eq!(script.lines().nth(1), Some("let total = (items        ) => items.length;"));
//! # Ok::<(), belljar_typescript::SyntaxError>(())
//! ```
//!
//! Erased is all that TypeScript calls erasable: annotations, `as` and `satisfies`, `!`, interfaces, type aliases,
//! generics, overloads, modifiers of members, `declare`, `import type` and `export type`. Enums, namespaces with
//! values, parameter properties, decorators, `import x =`, `export =` and JSX are code that a compiler writes; each is
//! a [`SyntaxError`] that says what to write instead.
//!
//! A source may come from anybody. Its size, its nesting and the work on it are bounded, the parser holds no `unsafe`
//! code and has no dependency, and its own failures are errors.

#![forbid(unsafe_code)]

mod arrow;
mod blank;
mod class;
mod error;
mod expression;
mod fault;
mod function;
mod lexer;
mod module;
mod parser;
mod statement;
mod strip;
mod types;
mod words;

pub use error::SyntaxError;
pub use strip::{is_typescript, strip};
