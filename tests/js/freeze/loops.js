// Async functions suspended in every kind of loop, with labels, breaks and continues out of try and finally.
const tick = v => host.rpc('tick', v);
const log = [];
outer: for (let i = 0; i < 3; i++) {
  for (const j of [0, 1, 2]) {
    try {
      if (await tick(j) === 1) continue outer;
      if (i === 2) break outer;
      log.push(`${i}${j}`);
    } finally {
      log.push('f' + await tick(i));
    }
  }
}
let n = 0;
do { n += await tick(1) } while (n < 2);
while (n --> 0) switch (await tick(n)) { case 1: log.push('one'); break; default: log.push('other') }
for (const key in { a: 1, get b() { return 2 }, 3: 3 }) log.push(await tick(key));
block: { if (await tick(true)) break block; log.push('never') }
log.join(' ');
