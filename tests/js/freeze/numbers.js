// BigInts, edges of numbers, and the numbers of Math.random going on in order.
const tick = v => host.rpc('tick', v);
const seen = [Math.random()];
let n = 1n;
for (let i = 1; i <= 5; i++) { n = n ** 3n + BigInt(i); await tick(String(n).length); seen.push(Math.random()) }
const edges = [NaN, -0, Infinity, Number.MIN_VALUE, Number.MAX_SAFE_INTEGER + 2, 0.1 + 0.2];
await tick('edges');
seen.push(Math.random());
[String(n % 1000000007n), BigInt.asIntN(64, n) < 0n, edges.map(x => Object.is(x, -0) ? '-0' : String(x)), seen];
