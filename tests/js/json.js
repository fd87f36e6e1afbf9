// Revivers, replacers, indentation, escapes, odd keys, precision, errors.
console.log(JSON.stringify({ a: [1, { b: 2 }], c: undefined, d: () => 1, e: null }, null, 2));
console.log(JSON.stringify({ b: 1, a: 2, c: 3 }, ["a", "b"]), JSON.stringify({ a: 1, b: "x" }, (k, v) => (typeof v === "number" ? v + 1 : v)));
console.log(JSON.parse('{"a":[1,2,{"b":3}]}', (k, v) => (typeof v === "number" ? v * 10 : v)));
console.log(JSON.stringify("\u2028\ud800\"\\\b\f\n\r\t\0\x7f"), JSON.stringify({ "\n": 1 }), JSON.stringify([NaN, -0, Infinity, 1e21]));
console.log(Object.keys(JSON.parse('{"__proto__":1,"2":2,"1":1}')), JSON.parse('{"a":1,"a":2}').a, JSON.parse(' [ ] ').length);
for (const bad of ["", "{", "[1,]", "{'a':1}", "01", "1.", "+1", "NaN", '"\n"', '"\\x"', "[1] 2", "\u00a01", '{"a":}']) {
  try { JSON.parse(bad); console.log("parsed", bad); } catch (e) { console.log(e.name); }
}
console.log(JSON.stringify(Symbol("s")), JSON.stringify({ toJSON: (k) => `key:${k}` }), JSON.stringify({ d: new Date(0) }), JSON.stringify(Object(1n) instanceof BigInt));
console.log(JSON.stringify([new Map([[1, 2]]), new Set([1]), /x/, new Error("x")]), JSON.stringify({ a: [] }, null, "--"), JSON.stringify([], null, 2));
JSON.parse("[0.1, 1e400, -0, 123456789012345678901234567890, 4.9e-324]").map((n) => (Object.is(n, -0) ? "-0" : String(n)));
