// Closures, hoisting, temporal dead zone, `this`, arguments, currying, recursion, default parameters.
const counter = () => { let n = 0; return { up: () => ++n, get n() { return n; } }; };
const a = counter(), b = counter();
a.up(); a.up(); b.up();
console.log(a.n, b.n, typeof hoisted, hoisted(), typeof later);
function hoisted() { return "hoisted"; }
var later = 1;
try { early; let early = 1; } catch (e) { console.log(e.name); }
const defaults = (x, y = x * 2, z = () => x + y) => [x, y, z()];
console.log(defaults(1), defaults.length, defaults(1, 1, () => "own"));
function sloppy() { arguments[0] = "changed"; return [...arguments].length + (arguments[0] === "changed"); }
console.log(sloppy(1, 2), (function () { return typeof this; }).call(5), (function () { "use strict"; return typeof this; }).call(5));
const curry = (f) => function next(...args) { return args.length >= f.length ? f(...args) : (...more) => next(...args, ...more); };
console.log(curry((x, y, z) => x + y + z)(1)(2, 3), ((n) => (function fact(k) { return k < 2 ? 1 : k * fact(k - 1); })(n))(10));
const bound = function () { return [this.v, ...arguments]; }.bind({ v: 1 }, 2);
const memo = new Map();
const fib = (n) => n < 2 ? n : memo.get(n) ?? (memo.set(n, fib(n - 1) + fib(n - 2)), memo.get(n));
[bound(3), bound.name, fib(80), (() => { try { return eval("var leaked = 1; leaked"); } finally { var leaked; } })()];
