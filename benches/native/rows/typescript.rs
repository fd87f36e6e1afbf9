//! What TypeScript costs before it runs.

use std::fmt::Write as _;
use std::hint::black_box;

use crate::report::Goal;
use crate::{Bench, timed};

/// At least this many bytes of TypeScript, about a third of them types.
fn typed(bytes: usize) -> String {
    let mut source = String::new();
    for number in 0.. {
        if source.len() >= bytes {
            break;
        }
        let _ = write!(
            source,
            "interface Point{number}<T extends number = number> {{ readonly x: T; y?: T | undefined }}\n\
             export function f{number}<T extends number>(a: T, b: Point{number}<T>[], ...rest: unknown[]): Array<T> {{\n  \
             const o = {{ x: a, y: b[0]!.y as T }} satisfies Point{number}<T>;\n  \
             for (let i = 0; i < rest.length; i++) {{ if (o.x > i) o.y = (o.y + i) as T; }}\n  \
             return b.map((p: Point{number}<T>): T => p.x ?? o.y).filter(n => n < {number});\n}}\n"
        );
    }
    source
}

pub(super) fn strip(bench: &mut Bench) {
    let source = typed(10_000);
    bench.alone("typescript/strip 10 KB", Goal::None, &mut |runs| {
        timed(runs, || drop(black_box(belljar_typescript::strip(black_box(&source), "bench.ts"))))
    });
}
