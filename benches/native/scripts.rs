//! The measured scripts. `benches/native` and `benches/peers` include this file.

/// Scripts that compute; each takes a few milliseconds at most.
pub(crate) const CPU: [(&str, bool, &str); 11] = [
    ("fib", true, "(function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) })(20)"),
    ("loop", true, "(function () { let x = 0; for (let i = 0; i < 50000; i++) x = (x + i * 3) | 0; return x })()"),
    ("float", false, "(function () { let x = 0.5; for (let i = 0; i < 40000; i++) x = x * 1.0000001 + 0.1; return x })()"),
    ("string", true, "(function () { let s = ''; for (let i = 0; i < 8000; i++) s += 'ab' + i; return s.length })()"),
    (
        "json",
        true,
        "(function () { const o = { a: [1, 2, 3, { b: 'hello', c: null }], d: 'x'.repeat(100) }; let n = 0;
            for (let i = 0; i < 250; i++) n += JSON.stringify(JSON.parse(JSON.stringify(o))).length; return n })()",
    ),
    (
        "sort",
        true,
        "(function () { const a = []; let x = 1;
            for (let i = 0; i < 3000; i++) { x = (x * 1103515245 + 12345) & 0x7fffffff; a.push(x) }
            a.sort((p, q) => p - q); return a[5] })()",
    ),
    (
        "regex",
        true,
        "(function () { let n = 0; const r = /([a-z]+)(\\d+)/g, s = 'abc123 def456 '.repeat(200);
            for (let i = 0; i < 4; i++) for (const m of s.matchAll(r)) n += m[1].length; return n })()",
    ),
    (
        "map_set",
        false,
        "(function () { const m = new Map(), s = new Set(); for (let i = 0; i < 4000; i++) { m.set('k' + i % 1000, i); s.add(i % 100) }
            let t = s.size; for (const [, v] of m) t += v; return t })()",
    ),
    (
        "class",
        false,
        "(function () { class A { #x = 1; get x() { return this.#x } add(y) { this.#x += y; return this } }
            const a = new A(); for (let i = 0; i < 20000; i++) a.add(i & 3); return a.x })()",
    ),
    (
        "typed_arrays",
        false,
        "(function () { const a = new Float64Array(10000);
            for (let k = 0; k < 2; k++) for (let i = 0; i < a.length; i++) a[i] = a[i] * 0.5 + i; return a[99] })()",
    ),
    ("bigint", false, "(function () { let a = 1n; for (let i = 1n; i < 400n; i++) a *= i; return a.toString().length })()"),
];

/// The small object that is sent in both directions.
pub(crate) const SMALL: &str = "{ a: 1, b: 'two', c: [1, 2, 3] }";
