// Awaits in the middle of destructuring, defaults, spreads, templates, calls and assignments.
const tick = v => host.rpc('tick', v);
const log = [];
const { a = await tick('A'), b: { c = (log.push('c'), await tick('C')) } = {}, ...rest } = { d: 4, e: await tick(5) };
const [x, , y = await tick('Y'), ...tail] = [await tick(1), 2, undefined, ...await tick([7, 8])];
let target = { n: 1, get slow() { log.push('read'); return this } };
target.slow.n += await tick(10);
target[await tick('key')] ??= await tick('value');
log.push(`${a} ${await tick('inside')} ${c}`, Math.max(await tick(3), await tick(9), 4));
const tag = async (parts, ...values) => parts.raw.join('|') + (await Promise.all(values)).join();
log.push(await tag`one ${tick(1)} two ${tick(2)} \n`);
const f = async ({ p = 'P' } = {}, ...more) => [await tick(p), ...more, this === globalThis, await tick('end')];
log.push(await f(undefined, 1), (await tick(0)) || (await tick('or')), (await tick(null))?.x, (await tick(1), await tick(2)));
[rest, x, y, tail, target.n, target.key, ...log];
