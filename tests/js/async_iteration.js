// Async generators, `for await`, async iterators with cleanup, top-level await.
async function* countdown(n) { try { while (n > 0) yield await host.rpc("later", n--); } finally { console.log("closed"); } }
const seen = [];
for await (const n of countdown(3)) seen.push(n);
for await (const n of countdown(3)) { seen.push(`break ${n}`); break; }
for await (const n of [Promise.resolve("p"), "q"]) seen.push(n);
const source = { async *[Symbol.asyncIterator]() { yield* [1, 2]; yield* countdown(1); } };
for await (const n of source) seen.push(n * 10);
const g = countdown(2);
console.log(await Promise.all([g.next(), g.next(), g.next()]));
seen;
