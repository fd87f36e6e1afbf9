// Iterator helpers and array iterators that are half used, sorting with a memory.
const tick = v => host.rpc('tick', v);
const helper = [1, 2, 3, 4, 5, 6].values().filter(n => n % 2).map(n => n * n).drop(1);
const pairs = Object.entries({ a: 1, b: 2 }).entries(), log = [];
log.push(helper.next().value);
pairs.next();
await tick('half used');
log.push(...helper, ...pairs);
const own = { from: 3, [Symbol.iterator]() { return this }, next() { return { done: this.from < 1, value: this.from-- } }, return() { log.push('return'); return {} } };
for (const n of own) { if (await tick(n) < 2) break }
const people = [['x', 2], ['y', 1], ['z', 2], ['w', 1]].toSorted((a, b) => a[1] - b[1]);
await tick('sorted');
log.push(people.map(p => p[0]).join(''), Iterator.from(own).toArray().length);
log;
