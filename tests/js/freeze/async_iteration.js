// for await, async generators with their queues of requests, and early exits.
const tick = v => host.rpc('tick', v);
const log = [];
async function* pages(n) {
  try {
    for (let i = 0; i < n; i++) { const got = yield await tick(i); if (got) log.push('got ' + got) }
    return 'end';
  } finally {
    log.push('closed ' + await tick(n));
  }
}
for await (const page of pages(3)) log.push('page ' + page);
for await (const page of pages(9)) { if (page === 1) break }
const queue = pages(2), asked = [queue.next(), queue.next('x'), queue.next(), queue.next()];
await tick('four requests wait');
for (const answer of asked) { const { value, done } = await answer; log.push(`${value} ${done}`) }
async function* both() { yield* pages(1); yield* [tick('plain'), 'value'] }
for await (const v of both()) log.push(v);
const source = { [Symbol.asyncIterator]: () => ({ n: 2, async next() { return { value: await tick(this.n), done: !this.n-- } }, async return() { log.push('returned'); return {} } }) };
for await (const v of source) log.push('own ' + v);
log;
