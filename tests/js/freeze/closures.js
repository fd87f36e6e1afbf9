// Closures share their variables before and after, and each round of a loop has its own.
const tick = v => host.rpc('tick', v);
function counter(start) {
  let n = start;
  return { up: () => ++n, down: () => --n, read: () => n };
}
const a = counter(10), b = counter(20), made = [];
for (let i = 0; i < 3; i++) {
  made.push(() => i++ * 10);
  await tick(i);
}
a.up(); await tick('between'); a.up(); b.down();
const later = (x => async y => x + (await tick(y)))(5);
console.log(made.map(f => f()), made.map(f => f()));
[a.read(), b.read(), await later(6), (function () { return arguments.length })(1, 2)].join();
