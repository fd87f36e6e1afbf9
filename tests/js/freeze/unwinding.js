// try, catch and finally around awaits: what is thrown, what replaces it, and what returns.
const tick = v => host.rpc('tick', v), fail = v => host.rpc('fail', v);
const log = [];
async function inner(n) {
  try {
    try { await fail('no ' + n) } finally { log.push('inner ' + await tick(n)) }
  } catch (e) {
    log.push(`${e.name} ${e.code} ${e.message}`);
    if (n > 1) throw new TypeError('replaced', { cause: e });
    return 'returned';
  } finally {
    log.push('outer ' + await tick(n * 10));
    if (n === 3) return 'overruled';
  }
}
for (const n of [1, 2, 3]) log.push(await inner(n).catch(e => `${e.message} <- ${e.cause.message}`));
const error = new AggregateError([new Error('a'), new RangeError('b')], 'both');
await tick('with an error in hand');
log.push(error.errors.map(e => e.name).join(), error instanceof Error, typeof error.stack);
log;
