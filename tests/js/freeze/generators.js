// Generators that were left in the middle, with what they would do on the way out.
const tick = v => host.rpc('tick', v);
const log = [];
function* walk(tree) {
  try {
    for (const node of tree) {
      if (Array.isArray(node)) yield* walk(node);
      else log.push('got ' + (yield node));
    }
  } finally {
    log.push('left ' + tree.length);
  }
}
const one = walk([1, [2, [3, 4]], 5]), two = walk([6, [7]]);
one.next(); one.next('a');
await tick(0);
log.push(one.next('b').value, two.next().value);
await tick(1);
log.push(one.return('early').value, two.next('c').value);
await tick(2);
try { two.throw(new RangeError('thrown in')) } catch (e) { log.push(e.name) }
const endless = (function* () { let [x, y] = [0, 1]; for (;;) { yield x; [x, y] = [y, x + y] } })();
const numbers = [];
for (const n of endless) { numbers.push(await tick(n)); if (n > 20) break }
log.push(endless.next().done, numbers.join());
log;
