//! Generated programs give the same results in native QuickJS and in a jar, in every way that a jar can run them.
//!
//! A seed determines a program: pieces that share globals and print what they observe. `BELLJAR_SEEDS=N` runs N seeds
//! instead of the default ones, and `BELLJAR_SEED=N` runs the single seed N and prints its program.

use belljar::{Instance, Limits, Router, Snapshot};

use crate::native::Native;
use crate::support::{block_on, runtime};

/// Formats a value so that any two values that a script can distinguish look different.
const SHOW: &str = r"
    globalThis.out = [];
    globalThis.show = function show(value, depth = 0) {
        if (depth > 4) return '…';
        const list = all => [...all].map(one => show(one, depth + 1)).join(',');
        switch (typeof value) {
            case 'number': return Object.is(value, -0) ? '-0' : String(value);
            case 'string': return JSON.stringify(value);
            case 'bigint': return value + 'n';
            case 'symbol': return value.toString();
            case 'function': return 'f ' + value.name + ' ' + value.length;
            case 'object':
                if (value === null) return 'null';
                if (Array.isArray(value)) return '[' + list(value) + (value.length !== [...value].length ? '!' : '') + ']';
                if (value instanceof Map) return 'Map{' + list(value) + '}';
                if (value instanceof Set) return 'Set{' + list(value) + '}';
                if (value instanceof Error) return value.name + '(' + value.message + ')';
                if (value instanceof Date) return 'Date ' + value.getTime();
                if (value instanceof RegExp) return String(value) + value.lastIndex;
                if (ArrayBuffer.isView(value)) return value.constructor.name + '[' + list(value) + ']';
                return '{' + Reflect.ownKeys(value).map(key => String(key) + ':' + show(value[key], depth + 1)).join() + '}';
            default: return typeof value;
        }
    };
    globalThis.say = make => { try { out.push(show(make())); } catch (error) { out.push('! ' + show(error)); } };
    for (let i = 0; i < 8; i++) globalThis['v' + i] = i;
";

const SUM_UP: &str = "JSON.stringify(out)";

/// A deterministic random number generator.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // SplitMix64, which has no weak seeds.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % sides as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }

    /// Fills the holes of a template; each names a kind of expression.
    fn fill(&mut self, template: &str, depth: u32) -> String {
        let mut text = String::new();
        let mut rest = template;
        while let Some(at) = rest.find('@') {
            let (before, hole) = rest.split_at(at);
            text += before;
            let kind = hole.as_bytes()[1];
            text += &self.expression(kind, depth);
            rest = &hole[2..];
        }
        text + rest
    }

    /// An expression of a kind: n a number, s a string, b a boolean, a an array, o an object, i a BigInt, v anything,
    /// x a variable.
    fn expression(&mut self, kind: u8, depth: u32) -> String {
        let kind = if kind == b'v' { b"nsbaoinsaox"[self.roll(11)] } else { kind };
        if kind == b'x' {
            return format!("v{}", self.roll(8));
        }
        let (plain, nested): (&[&str], &[&str]) = match kind {
            b'n' => (&NUMBERS, &NUMBERS_OF),
            b's' => (&STRINGS, &STRINGS_OF),
            b'b' => (&["true", "false", "!@x"], &BOOLEANS_OF),
            b'a' => {
                (&["[]", "[1, 2, 3]", "['b', 'a', 'c']", "[3.5, -0, NaN]", "[[1], [2, [3]]]", "[, 1, ,]"], &ARRAYS_OF)
            }
            b'o' => (&["{}", "{ a: 1 }", "{ b: 'x', a: [1] }", "{ 2: 1, 1: 2, z: null }"], &OBJECTS_OF),
            b'i' => (&["0n", "1n", "-7n", "12345678901234567890n", "(2n ** 100n)"], &BIGINTS_OF),
            other => panic!("no kind {other}"),
        };
        let template = if depth == 0 || self.roll(4) == 0 { self.pick(plain) } else { self.pick(nested) };
        let filled = self.fill(template, depth.saturating_sub(1));
        if kind == b'o' && filled.starts_with('{') { format!("({filled})") } else { filled }
    }

    /// A piece of a program, which is a separate script.
    fn piece(&mut self) -> String {
        let statements = (0..=self.roll(4)).map(|_| self.statement()).collect::<Vec<_>>();
        statements.join("\n")
    }

    fn statement(&mut self) -> String {
        let template = self.pick(&STATEMENTS);
        self.fill(template, 3)
    }

    fn program(seed: u64) -> Vec<String> {
        let mut dice = Dice(seed);
        (0..3 + dice.roll(4)).map(|_| dice.piece()).collect()
    }
}

const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "-1",
    "7",
    "-0",
    "0.1",
    "1e21",
    "NaN",
    "Infinity",
    "4294967295",
    "2147483648",
    "1.5e-7",
    "123456.789",
    "9007199254740991",
];

/// Functions whose result the language defines exactly. `sin`, `exp` and others are left out, because their last bit
/// depends on the C library.
const NUMBERS_OF: [&str; 26] = [
    "(@n + @n)",
    "(@n - @n)",
    "(@n * @n)",
    "(@n / @n)",
    "(@n % @n)",
    "(@n | @n)",
    "(@n & @n)",
    "(@n ^ @n)",
    "(@n << @n)",
    "(@n >>> @n)",
    "(-@n)",
    "(~@n)",
    "Math.floor(@n)",
    "Math.round(@n)",
    "Math.fround(@n)",
    "Math.imul(@n, @n)",
    "Math.max(@n, @n, @n)",
    "Math.sqrt(Math.abs(@n))",
    "Number(@v)",
    "parseFloat(@s)",
    "parseInt(@s, 36)",
    "@s.length",
    "@s.codePointAt(1)",
    "@a.length",
    "@a.reduce((sum, one) => sum + Number(one), @n)",
    "new Date(Date.UTC(2000 + (@n % 100 || 0), 1, 29)).getUTCDay()",
];

const STRINGS: [&str; 9] =
    ["''", "'a'", "'hello world'", "'ÄÖ ß'", "'\\u{1f600}x'", "'\\ud800'", "'12.5px'", "'a,b,,c'", "`line\\nline`"];

const STRINGS_OF: [&str; 26] = [
    "(@s + @s)",
    "(@s + @v)",
    "`${@s}-${@n}`",
    "@s.slice(@n, @n)",
    "@s.toUpperCase()",
    "@s.toLowerCase().trim()",
    "@s.padStart(12, @s)",
    "@s.repeat(3)",
    "@s.replace(/[aeiou](.)?/g, (all, one) => `<${all}|${one}>`)",
    "@s.replaceAll('l', '$&$`')",
    "@s.split(/(,|o)/).join('|')",
    "@s.normalize('NFD')",
    "[...@s].reverse().join('')",
    "@s.at(-1)",
    "String(@v)",
    "(@n).toString(2 + Math.abs(@n % 30 | 0))",
    "(@n).toFixed(3)",
    "(@n).toPrecision(7)",
    "(@n).toExponential(4)",
    "JSON.stringify(@v)",
    "JSON.stringify(@o, null, 2)",
    "encodeURIComponent(@s)",
    "new Date(@n % 8.64e15).toISOString()",
    "(@i).toString(36)",
    "typeof @v",
    "@s.match(/(?<first>\\w)(?<rest>\\w*)/u)?.groups.rest",
];

const BOOLEANS_OF: [&str; 13] = [
    "(@n < @n)",
    "(@s < @s)",
    "(@v == @v)",
    "(@v === @v)",
    "(@i > @n)",
    "(@b && @b)",
    "(@b || @b)",
    "!@v",
    "@a.includes(@v)",
    "@s.includes(@s)",
    "/^[a-z]+$/i.test(@s)",
    "(@s in @o)",
    "Object.is(@v, @v)",
];

const ARRAYS_OF: [&str; 25] = [
    "[@v, @v, @v]",
    "[...@a, ...@s]",
    "@a.map((one, at) => [at, one])",
    "@a.filter(one => one)",
    "@a.concat(@a, @v)",
    "@a.toSorted()",
    "@a.toSorted((one, other) => Number(other) - Number(one))",
    "@a.slice(@n)",
    "@a.toSpliced(1, 1, @v)",
    "@a.flat(2)",
    "@a.flatMap(one => [one, @n])",
    "@a.toReversed()",
    "Array.from({ length: 3 }, (_, at) => at * @n)",
    "Object.entries(@o)",
    "Object.keys(@o)",
    "[...new Set(@a)]",
    "[...new Map(@a.map((one, at) => [at % 2, one]))]",
    "[...'a1b22c333'.matchAll(/([a-z])(\\d+)/g)].map(found => found.slice(1))",
    "[...(function* () { yield @v; const got = yield* @a; return got; })()]",
    "JSON.parse(JSON.stringify(@a))",
    "[...new Uint8Array(@a)]",
    "[...Float32Array.of(@n, @n)]",
    "@s.split('')",
    "Iterator.from(@a).map(one => [one]).take(3).toArray()",
    "((first, ...rest) => [rest, first])(...@a)",
];

const OBJECTS_OF: [&str; 14] = [
    "{ a: @v, b: @v }",
    "{ ...@o, c: @v }",
    "{ [@s]: @v }",
    "{ get x() { return @v; }, y: @n }",
    "JSON.parse(JSON.stringify(@o))",
    "Object.fromEntries([['k', @v], [@s, @v]])",
    "(({ a, ...rest }) => ({ rest, a }))(@o)",
    "Object.assign({}, @o, @o)",
    "new Map([[@v, @v], ['k', @v]])",
    "new Set(@a)",
    "Object.groupBy(@a, one => typeof one)",
    "new (class Point { #x = @n; constructor() { this.y = @v; } get x() { return this.#x; } static z = 1; })()",
    "Object.getOwnPropertyDescriptor(@o, 'a') ?? {}",
    "structure(@v)",
];

const BIGINTS_OF: [&str; 10] = [
    "(@i + @i)",
    "(@i * @i)",
    "(@i - @i)",
    "(@i / (@i || 1n))",
    "(@i % (@i || 3n))",
    "(@i << 5n)",
    "(@i >> 3n)",
    "(@i & @i)",
    "BigInt.asIntN(64, @i)",
    "BigInt(Math.trunc(@n) || 0)",
];

const STATEMENTS: [&str; 26] = [
    "say(() => @v);",
    "say(() => @v);",
    "say(() => @v);",
    "say(() => [@v, @v]);",
    "say(() => @x = @v);",
    "say(() => @x = @a);",
    "say(() => @x = @o);",
    "say(() => @x += @v);",
    "say(() => { let sum = @n; for (let i = 0; i < 20; i++) { if (i % 3 === 0) continue; sum += i * @n; if (sum > 1e6) break; } return sum; });",
    "say(() => { const seen = []; for (const key in @o) seen.push(key); for (const one of @a) seen.push(one); return seen; });",
    "say(() => { const fs = []; for (let i = 0; i < 3; i++) fs.push(() => i * @n); return fs.map(f => f()); });",
    "say(() => { try { return @x.a.b; } catch (error) { return error; } finally { out.push('finally'); } });",
    "say(() => { label: for (let i = 0; i < 4; i++) for (let k = 0; k < 4; k++) { if (k === 2) continue label; if (i === 3) break label; out.push(`${i}${k}`); } });",
    "say(() => { switch (@v) { case 1: return 'one'; case 'a': return 'a'; default: return 'other'; } });",
    "say(() => (function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); })(12));",
    "say(() => { const g = (function* () { let got = 1; try { for (;;) got = yield got * 2; } finally { out.push('closed'); } })(); return [g.next(), g.next(@n), g.return(7), g.next()]; });",
    "say(() => { class A { f() { return 'A'; } static [Symbol.hasInstance]() { return true; } } class B extends A { f() { return super.f() + 'B'; } } return [new B().f(), @v instanceof A]; });",
    "say(() => new Proxy(@o, { get: (target, key) => `got ${String(key)}`, has: () => true }).anything);",
    "(async () => { say(() => 'begun'); const got = await @v; out.push(show(got)); })();",
    "Promise.all([@v, Promise.resolve(@v), new Promise(done => done(@v))]).then(all => out.push(show(all)));",
    "Promise.allSettled([Promise.reject(@v), @v]).then(all => out.push(show(all)));",
    "Promise.reject(new Error(@s)).catch(error => { out.push(show(error)); return @v; }).finally(() => out.push('at last')).then(got => out.push(show(got)));",
    "(async () => { for await (const one of (async function* () { yield @v; yield* @a; })()) out.push(show(one)); })().catch(error => out.push('! ' + show(error)));",
    "globalThis.kept = (function () { let count = 0; return () => ++count + ':' + show(@x); })(); say(() => kept());",
    "say(() => globalThis.kept?.());",
    "say(() => { const d = new Date(Date.UTC(1999, 11, 31, 23, 59, 58) + 1000 * (@n % 1e6 || 0)); d.setUTCMonth(d.getUTCMonth() + 2); return [d, d.toISOString(), d.toUTCString()]; });",
];

/// How a jar can run a program.
#[derive(Clone, Copy, Debug)]
enum Way {
    Sync,
    Async,
    Metered,
    ThroughSnapshots,
    ThroughPrograms,
}

const WAYS: [Way; 5] = [Way::Sync, Way::Async, Way::Metered, Way::ThroughSnapshots, Way::ThroughPrograms];

fn in_native(program: &[String]) -> Vec<String> {
    let native = Native::new();
    native.eval(SHOW).unwrap();
    let ended = program
        .iter()
        .map(|piece| native.eval(&format!("{piece}\n;undefined")).map_or_else(|error| error, |_| String::new()));
    let mut seen = ended.collect::<Vec<_>>();
    seen.push(native.eval(SUM_UP).unwrap());
    seen
}

fn in_jar(program: &[String], way: Way) -> Vec<String> {
    let limits = match way {
        Way::Metered => Limits { fuel: Some(1 << 50), ..Limits::default() },
        _ => Limits::default(),
    };
    let start = || -> Instance { runtime().instance(&Router::new(), &limits).unwrap() };
    let mut jar = start();
    jar.eval(SHOW).unwrap();
    let mut seen = Vec::new();
    for piece in program {
        // In a jar the piece ends in `undefined`, so that converting its value runs no getter.
        let piece = format!("{piece}\n;undefined");
        let ended = match way {
            Way::Sync | Way::Metered => jar.eval(&piece),
            Way::Async => block_on(jar.eval_async(&piece)),
            Way::ThroughSnapshots => {
                let bytes = jar.snapshot().unwrap().to_bytes();
                drop(jar);
                jar = runtime().restore(&Snapshot::from_bytes(&bytes).unwrap(), &Router::new(), &limits).unwrap();
                jar.eval(&piece)
            }
            Way::ThroughPrograms => runtime().compile(&piece).and_then(|program| jar.run(&program)),
        };
        seen.push(match ended {
            Ok(_) => String::new(),
            Err(belljar::Error::Js(error)) => format!("{}: {}", error.name, error.message),
            Err(error) => panic!("{way:?}: {error}\n{piece}"),
        });
    }
    seen.push(jar.eval(SUM_UP).unwrap().get().unwrap());
    seen
}

#[track_caller]
fn compare(seed: u64) -> usize {
    let program = Dice::program(seed);
    let expected = in_native(&program);
    for way in WAYS {
        let found = in_jar(&program, way);
        assert_eq!(found, expected, "seed {seed}, {way:?}:\n{}", program.join("\n// next piece\n"));
    }
    expected.last().map_or(0, String::len)
}

#[test]
fn generated_programs_come_to_the_same_natively_and_in_a_jar() {
    let number = |name: &str| std::env::var(name).ok().map(|value| value.parse::<u64>().unwrap());
    if let Some(seed) = number("BELLJAR_SEED") {
        println!("{}", Dice::program(seed).join("\n// next piece\n"));
        compare(seed);
        return;
    }
    let seeds = number("BELLJAR_SEEDS").unwrap_or(200);
    let said: usize = (0..seeds).map(compare).sum();
    assert!(said as u64 > 100 * seeds, "the programs say too little to be compared");
}
